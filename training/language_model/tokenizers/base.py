"""What all tokenizers share: marks, songs, openings and the way back to text."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import ClassVar, Protocol

from training.language_model.lyric_text import (
    BEGIN_MARK,
    END_MARK,
    LINE_MARK,
    SECTION_MARKS,
    SPECIAL_TOKENS,
    STANZA_MARK,
    TITLE_MARK,
    UNKNOWN_MARK,
    marked_lines,
)
from training.language_model.tokenizers.conditions import (
    LONGEST_VALUE,
    NOTHING_SAID,
    Conditions,
    SongFacts,
    on_one_line,
)
from training.language_model.tokenizers.text_stream import UNKNOWN_TEXT, Place, TextStream

TOKENIZERS: dict[str, type["Tokenizer"]] = {}


class VocabularySettings(Protocol):
    """The part of a `TrainingConfig` that decides a vocabulary and how lines are read."""

    tokenizer: str
    minimum_count: int
    vocabulary_limit: int
    case: str
    lines_right_to_left: bool
    with_title: bool


class Tokenizer:
    """Special tokens first, then the marks of genres, artists and titles, then what the songs hold.

    Args:
        tokens: the vocabulary, a token's place is its id.
        conditions: the genres and artists that songs are marked with; none unless said otherwise.
        lines_right_to_left: whether each line is read and written from its end, the rhyme word first.
        with_title: whether a song is told its title before it begins.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        tokens: list[str],
        *,
        conditions: Conditions | None = None,
        lines_right_to_left: bool = False,
        with_title: bool = False,
    ):
        self.conditions = conditions or Conditions({})
        marks = marks_before_text(self.conditions, with_title=with_title)
        if tuple(tokens[: len(marks)]) != marks or len(set(tokens)) != len(tokens):
            raise ValueError("A vocabulary starts with the special tokens and names every token once.")
        if type(lines_right_to_left) is not bool or type(with_title) is not bool:
            raise ValueError("Lines are read right to left or they are not, and so with titles.")
        self.tokens = tokens
        self.lines_right_to_left = lines_right_to_left
        self.with_title = with_title
        self.mark_count = len(marks)
        self.condition_ids = range(len(SPECIAL_TOKENS), len(marks))
        self.id_of = {token: index for index, token in enumerate(tokens)}
        self.unknown_id = self.id_of[UNKNOWN_MARK]
        self.begin_id = self.id_of[BEGIN_MARK]
        self.end_id = self.id_of[END_MARK]
        self.line_id = self.id_of[LINE_MARK]
        self.stanza_id = self.id_of[STANZA_MARK]
        self.section_ids = {kind: self.id_of[mark] for kind, mark in SECTION_MARKS.items()}

    def __init_subclass__(cls) -> None:
        TOKENIZERS[cls.kind] = cls

    @staticmethod
    def train(texts: Iterable[str], config: VocabularySettings, *, conditions: Conditions | None = None) -> "Tokenizer":
        """The tokenizer that ``config.tokenizer`` names, with the vocabulary of ``texts``; the same in any order."""
        return TOKENIZERS[config.tokenizer].learn(texts, config, conditions or Conditions({}))

    @property
    def vocabulary_size(self) -> int:
        return len(self.tokens)

    @property
    def never_generated_ids(self) -> tuple[int, ...]:
        """Tokens a sampler must forbid: a reader can't use an unknown word, and no song begins inside a song."""
        return self.unknown_id, self.begin_id, *self.condition_ids

    def is_text(self, token_id: int) -> bool:
        """Whether a token stands for something on a line, known or not, and is no mark."""
        return token_id >= self.mark_count or token_id == self.unknown_id

    def encode(self, text: str) -> list[int]:
        """The token ids of a song or of a part of one, without begin and end; what is not known is `unknown_id`."""
        ids: list[int] = []
        for marks, line in marked_lines(text):
            ids += [self.id_of[mark] for mark in marks]
            ids += self._in_direction(self.encode_line(line))
        return ids

    def _in_direction(self, line_ids: list[int]) -> list[int]:
        return line_ids[::-1] if self.lines_right_to_left else line_ids

    def encode_song(self, text: str, facts: SongFacts = NOTHING_SAID) -> list[int]:
        """A whole song: begin, what it is told to be, its tokens, end."""
        return [self.begin_id, *self.encode_facts(facts), *self.encode(text), self.end_id]

    def encode_facts(self, facts: SongFacts) -> list[int]:
        """What a song is told to be: a mark for each kind, and its title's line; [] for most models."""
        ids = [self.id_of[mark] for mark in self.conditions.marks_of(facts)]
        if self.with_title:
            title = self.encode_line(on_one_line(facts.title[:LONGEST_VALUE]))
            ids += [self.id_of[TITLE_MARK], *self._in_direction(title), self.line_id]
        return ids

    def encode_prompt(self, text: str, *, genre: str = "", artist: str = "", title: str = "") -> list[int]:
        """What the song shall be, and an opening to be continued; `begin_id` goes before both.

        A line or blank line at the end, which `encode` drops, is kept as a mark. Where lines are written from their
        end an opening is made of whole lines, so what follows begins a new one.
        """
        ids = self.encode(text)
        ends_in_section = bool(ids) and ids[-1] in self.section_ids.values()
        newlines = text.replace("\r\n", "\n")[len(text.replace("\r\n", "\n").rstrip()) :].count("\n")
        if ids and (newlines or self.lines_right_to_left) and not ends_in_section:
            ids.append(self.stanza_id if newlines > 1 else self.line_id)
        return [*self.encode_facts(SongFacts(genre=genre, artist=artist, title=title)), *ids]

    def decode(self, ids: Iterable[int], *, is_cut: bool = False) -> str:
        """Readable lyrics with [Verse] and [Chorus] lines; breaks at the end are left out.

        Where tokens were ``is_cut`` off anywhere, half a character and a line without its beginning are too.
        """
        stream = TextStream(self)
        text = "".join(stream.push(token_id) for token_id in ids)
        return text if is_cut else text + stream.rest()

    def unknown_share(self, counts: Mapping[int, int]) -> float:
        """The share of characters or words (marks not counted) that the vocabulary does not hold, from 0 to 1.

        Args:
            counts: how often each token is there.
        """
        written = sum(count for token_id, count in counts.items() if self.is_text(token_id))
        return counts.get(self.unknown_id, 0) / written if written else 0.0

    def to_dict(self) -> dict:
        """All that `tokenizer_from_dict` needs, as plain JSON values."""
        return {
            "kind": self.kind,
            "tokens": self.tokens,
            "conditions": self.conditions.to_dict(),
            "lines_right_to_left": self.lines_right_to_left,
            "with_title": self.with_title,
        }

    @classmethod
    def learn(cls, texts: Iterable[str], config: VocabularySettings, conditions: Conditions) -> "Tokenizer":
        """The tokenizer of this kind whose vocabulary is that of ``texts``."""
        raise NotImplementedError

    @classmethod
    def from_dict(cls, values: dict) -> "Tokenizer":
        """The tokenizer that `to_dict` described."""
        return cls(values["tokens"], **reading_of(values))

    def encode_line(self, line: str) -> list[int]:
        """The ids of one line of lyrics, from its beginning; `unknown_id` for what is not known."""
        raise NotImplementedError

    def unknown_in(self, line: str) -> list[str]:
        """The words or characters of a line that are read as unknown, in order."""
        return [character for character in line if self.unknown_id in self.encode_line(character)]

    def spell(self, token_id: int, place: Place) -> str:
        """How a token is written at ``place``, with the space before it; moves ``place`` behind it."""
        raise NotImplementedError


def reading_of(values: dict) -> dict:
    """What every kind of tokenizer is made with besides its tokens, as `Tokenizer.to_dict` described it.

    Files from before there were conditions say nothing of them.
    """
    return {
        "conditions": Conditions(values.get("conditions", {})),
        "lines_right_to_left": values.get("lines_right_to_left", False),
        "with_title": values.get("with_title", False),
    }


def learnt_reading(config: VocabularySettings, conditions: Conditions) -> dict:
    """The same of a tokenizer that is learnt."""
    return {
        "conditions": conditions,
        "lines_right_to_left": config.lines_right_to_left,
        "with_title": config.with_title,
    }


def marks_before_text(conditions: Conditions, *, with_title: bool) -> tuple[str, ...]:
    """The first tokens of a vocabulary: all that stand for no text."""
    return (*SPECIAL_TOKENS, *conditions.marks, *((TITLE_MARK,) if with_title else ()))


def tokenizer_from_dict(values: dict) -> Tokenizer:
    """The tokenizer that `Tokenizer.to_dict` described. Raises ValueError, KeyError or TypeError if it can't be one."""
    return TOKENIZERS[values["kind"]].from_dict(values)


def most_frequent(counts: Counter, minimum: int, limit: int) -> list[str]:
    """At most ``limit`` keys seen ``minimum`` times or more, ties by the alphabet: the same list everywhere."""
    frequent = [token for token, count in counts.items() if count >= minimum and token != UNKNOWN_TEXT]
    return sorted(frequent, key=lambda token: (-counts[token], token))[:limit]
