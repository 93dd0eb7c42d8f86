"""What all tokenizers share: marks, songs, openings and the way back to text."""

from collections import Counter
from collections.abc import Iterable
from typing import ClassVar, Protocol

from training.language_model.lyric_text import (
    BEGIN_MARK,
    END_MARK,
    LINE_MARK,
    SECTION_MARKS,
    SPECIAL_TOKENS,
    STANZA_MARK,
    UNKNOWN_MARK,
    marked_lines,
)
from training.language_model.tokenizers.conditions import Conditions
from training.language_model.tokenizers.text_stream import UNKNOWN_TEXT, Place, TextStream

TOKENIZERS: dict[str, type["Tokenizer"]] = {}


class VocabularySettings(Protocol):
    """The part of a `TrainingConfig` that decides a vocabulary and how lines are read."""

    tokenizer: str
    minimum_count: int
    vocabulary_limit: int
    case: str
    lines_right_to_left: bool


class Tokenizer:
    """Special tokens first, then the marks of genres and artists, then what the songs hold.

    Args:
        tokens: the vocabulary, a token's place is its id.
        conditions: the genres and artists that songs are marked with; none unless said otherwise.
        lines_right_to_left: whether each line is read and written from its end, the rhyme word first.
    """

    kind: ClassVar[str]

    def __init__(self, tokens: list[str], *, conditions: Conditions | None = None, lines_right_to_left: bool = False):
        self.conditions = conditions or Conditions({})
        marks = (*SPECIAL_TOKENS, *self.conditions.marks)
        if tuple(tokens[: len(marks)]) != marks or len(set(tokens)) != len(tokens):
            raise ValueError("A vocabulary starts with the special tokens and names every token once.")
        if type(lines_right_to_left) is not bool:
            raise ValueError("Lines are read right to left, or they are not.")
        self.tokens = tokens
        self.lines_right_to_left = lines_right_to_left
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
            line_ids = self.encode_line(line)
            ids += line_ids[::-1] if self.lines_right_to_left else line_ids
        return ids

    def encode_song(self, text: str, *, genre: str = "", artist: str = "") -> list[int]:
        """A whole song: begin, what it is told to be, its tokens, end."""
        return [self.begin_id, *self.encode_conditions(genre=genre, artist=artist), *self.encode(text), self.end_id]

    def encode_conditions(self, *, genre: str = "", artist: str = "") -> list[int]:
        """What a song is told to be: one id for each kind that songs are marked with, [] for most models."""
        return [self.id_of[mark] for mark in self.conditions.marks_of(genre=genre, artist=artist)]

    def encode_prompt(self, text: str, *, genre: str = "", artist: str = "") -> list[int]:
        """What the song shall be, and an opening to be continued; `begin_id` goes before both.

        A line or blank line at the end, which `encode` drops, is kept as a mark. Where lines are written from their
        end an opening is made of whole lines, so what follows begins a new one.
        """
        ids = self.encode(text)
        ends_in_section = bool(ids) and ids[-1] in self.section_ids.values()
        newlines = text.replace("\r\n", "\n")[len(text.replace("\r\n", "\n").rstrip()) :].count("\n")
        if ids and (newlines or self.lines_right_to_left) and not ends_in_section:
            ids.append(self.stanza_id if newlines > 1 else self.line_id)
        return [*self.encode_conditions(genre=genre, artist=artist), *ids]

    def decode(self, ids: Iterable[int]) -> str:
        """Readable lyrics with [Verse] and [Chorus] lines; breaks at the end are left out."""
        stream = TextStream(self)
        return "".join(stream.push(token_id) for token_id in ids) + stream.rest()

    def unknown_share(self, ids: Iterable[int]) -> float:
        """The share of characters or words (marks not counted) that the vocabulary does not hold, from 0 to 1."""
        written = [token_id for token_id in ids if self.is_text(token_id)]
        return written.count(self.unknown_id) / len(written) if written else 0.0

    def to_dict(self) -> dict:
        """All that `tokenizer_from_dict` needs, as plain JSON values."""
        return {
            "kind": self.kind,
            "tokens": self.tokens,
            "conditions": self.conditions.to_dict(),
            "lines_right_to_left": self.lines_right_to_left,
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
    }


def tokenizer_from_dict(values: dict) -> Tokenizer:
    """The tokenizer that `Tokenizer.to_dict` described. Raises ValueError, KeyError or TypeError if it can't be one."""
    return TOKENIZERS[values["kind"]].from_dict(values)


def most_frequent(counts: Counter, minimum: int, limit: int) -> list[str]:
    """At most ``limit`` keys seen ``minimum`` times or more, ties by the alphabet: the same list everywhere."""
    frequent = [token for token, count in counts.items() if count >= minimum and token != UNKNOWN_TEXT]
    return sorted(frequent, key=lambda token: (-counts[token], token))[:limit]
