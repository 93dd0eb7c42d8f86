"""Songs as numbers and back: by characters or by words.

Pure Python, importable without torch and Django; the generator writes with the same classes. Both tokenizers start
with the same special tokens (`lyric_text.SPECIAL_TOKENS`): unknown, begin, end, line, stanza and one mark for each
kind of section, so that a break is one decision of the model in either.

``decode(encode(text))`` is ``canonical(text)`` for characters that the tokenizer knows. Words are learnt in lower
case: on a small songbook "Love" at a line's head and "love" inside it would otherwise be two rare words. What a
reader needs back is restored while decoding: capitals at line and sentence heads if the songs are written so, and
the form a word mostly has inside a line ("I", "God", "Mary", "O'Brien").
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import ClassVar, Protocol

from training.language_model.config import CHARACTER_LIMIT
from training.language_model.lyric_text import (
    BEGIN_MARK,
    END_MARK,
    LINE,
    LINE_MARK,
    MARK_TITLES,
    SECTION_MARKS,
    SPECIAL_TOKENS,
    STANZA_MARK,
    UNKNOWN_MARK,
    break_after,
    marked_lines,
)

# Shown where a decoded text holds an unknown token; no tokenizer takes it in, so it stays unknown when read again.
UNKNOWN_TEXT = "\ufffd"


class VocabularySettings(Protocol):
    """The part of a `TrainingConfig` that decides a vocabulary."""

    tokenizer: str
    minimum_count: int
    vocabulary_limit: int


class Tokenizer:
    """What both tokenizers share: special tokens first, then what the songs hold, most frequent first."""

    kind: ClassVar[str]

    def __init__(self, tokens: list[str]):
        if tuple(tokens[: len(SPECIAL_TOKENS)]) != SPECIAL_TOKENS or len(set(tokens)) != len(tokens):
            raise ValueError("A vocabulary starts with the special tokens and names every token once.")
        self.tokens = tokens
        self.id_of = {token: index for index, token in enumerate(tokens)}
        self.unknown_id = self.id_of[UNKNOWN_MARK]
        self.begin_id = self.id_of[BEGIN_MARK]
        self.end_id = self.id_of[END_MARK]
        self.line_id = self.id_of[LINE_MARK]
        self.stanza_id = self.id_of[STANZA_MARK]
        self.section_ids = {kind: self.id_of[mark] for kind, mark in SECTION_MARKS.items()}

    @staticmethod
    def train(texts: Iterable[str], config: VocabularySettings) -> "Tokenizer":
        """The tokenizer that ``config.tokenizer`` names, with the vocabulary of ``texts``."""
        return TOKENIZERS[config.tokenizer].learn(texts, config)

    @property
    def vocabulary_size(self) -> int:
        return len(self.tokens)

    @property
    def never_generated_ids(self) -> tuple[int, int]:
        """Tokens a sampler must forbid: a reader can't use an unknown word, and no song begins inside a song."""
        return self.unknown_id, self.begin_id

    def encode(self, text: str) -> list[int]:
        """The token ids of a song or of a part of one, without begin and end; what is not known is `unknown_id`."""
        ids: list[int] = []
        for marks, line in marked_lines(text):
            ids += [self.id_of[mark] for mark in marks]
            ids += [self.id_of.get(token, self.unknown_id) for token in self.split(line)]
        return ids

    def encode_song(self, text: str) -> list[int]:
        """A whole song: begin, its tokens, end."""
        return [self.begin_id, *self.encode(text), self.end_id]

    def encode_prompt(self, text: str) -> list[int]:
        """An opening to be continued: a line or blank line at its end, which `encode` drops, is kept as a mark."""
        ids = self.encode(text)
        ends_in_section = bool(ids) and ids[-1] in self.section_ids.values()
        newlines = text.replace("\r\n", "\n")[len(text.replace("\r\n", "\n").rstrip()) :].count("\n")
        if ids and newlines and not ends_in_section:
            ids.append(self.stanza_id if newlines > 1 else self.line_id)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Readable lyrics with [Verse] and [Chorus] lines; breaks at the end are left out."""
        stream = TextStream(self)
        return "".join(stream.push(token_id) for token_id in ids)

    def unknown_share(self, ids: Iterable[int]) -> float:
        """The share of characters or words (marks not counted) that the vocabulary does not hold, from 0 to 1."""
        written = [token_id for token_id in ids if token_id == self.unknown_id or token_id >= len(SPECIAL_TOKENS)]
        return written.count(self.unknown_id) / len(written) if written else 0.0

    def to_dict(self) -> dict:
        """All that `tokenizer_from_dict` needs, as plain JSON values."""
        return {"kind": self.kind, "tokens": self.tokens}

    @classmethod
    def learn(cls, texts: Iterable[str], config: VocabularySettings) -> "Tokenizer":
        """The tokenizer of this kind whose vocabulary is that of ``texts``."""
        raise NotImplementedError

    @classmethod
    def from_dict(cls, values: dict) -> "Tokenizer":
        """The tokenizer that `to_dict` described."""
        return cls(values["tokens"])

    def split(self, line: str) -> Iterable[str]:
        """The tokens of one line of lyrics, known or not."""
        raise NotImplementedError

    def spell(self, token_id: int, place: "Place") -> str:
        """How a token is written at ``place``, with the space before it; moves ``place`` behind it."""
        raise NotImplementedError


class Place:
    """Where on a line the next token stands, as far as its spelling depends on it."""

    def __init__(self) -> None:
        self.at_line_start()

    def at_line_start(self) -> None:
        self.is_glued = True  # no space before what comes next
        self.starts_sentence = True


class TextStream:
    """Turns tokens into text one at a time; the pieces joined equal ``tokenizer.decode`` of all tokens.

    A break is written with the token after it, so a text never ends in empty lines.
    """

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._place = Place()
        self._breaks = ""
        self._is_empty = True

    def push(self, token_id: int) -> str:
        """The text that this token adds: "" for begin, end and breaks, which show with the next token."""
        tokenizer = self._tokenizer
        if token_id >= len(SPECIAL_TOKENS) or token_id == tokenizer.unknown_id:
            return self._after_breaks(tokenizer.spell(token_id, self._place))
        if token_id == tokenizer.begin_id:
            return ""
        mark = tokenizer.tokens[token_id]
        self._place.at_line_start()
        self._breaks = break_after(self._breaks, mark)
        if mark not in MARK_TITLES:
            return ""
        piece = self._after_breaks(MARK_TITLES[mark])
        self._breaks = LINE
        return piece

    def _after_breaks(self, piece: str) -> str:
        breaks = "" if self._is_empty else self._breaks
        self._breaks, self._is_empty = "", False
        return breaks + piece


class CharTokenizer(Tokenizer):
    """One token for each character that the songs hold, case and punctuation as they are."""

    kind = "char"

    @classmethod
    def learn(cls, texts: Iterable[str], config: VocabularySettings) -> "CharTokenizer":
        counts = Counter()
        for text in texts:
            for _, line in marked_lines(text):
                counts.update(line)
        limit = min(config.vocabulary_limit, CHARACTER_LIMIT)
        return cls([*SPECIAL_TOKENS, *most_frequent(counts, 1, limit)])

    def split(self, line: str) -> Iterable[str]:
        return line

    def spell(self, token_id: int, place: Place) -> str:
        return UNKNOWN_TEXT if token_id == self.unknown_id else self.tokens[token_id]


# Inside the vocabulary an opening and a closing quote are two tokens, because they lean to different sides; in
# normalised text both are " or ', so the typographic signs are free to name them.
OPENING_QUOTES = {'"': "“", "'": "‘"}
CLOSING_QUOTES = {'"': "”", "'": "’"}
QUOTE_TEXT = {"“": '"', "‘": "'", "”": '"', "’": "'"}
HYPHEN = "-"  # inside a word, glued on both sides: "fire-side" is three tokens, each frequent enough to learn
DASH = "—"  # every dash between words, however the songs write it

GLUED_LEFT = frozenset(".,;:!?…)]}%”’") | {"...", HYPHEN, DASH}
GLUED_RIGHT = frozenset("([{$£€#@“‘") | {HYPHEN, DASH}
SENTENCE_STARTS = frozenset(".!?“")  # direct speech begins with a capital too
KEEPS_SENTENCE_START = frozenset("([{‘”’") | {"...", DASH}

# Words that open with an apostrophe where a letter fell away; elsewhere it opens a quotation.
# fmt: off
ELISIONS = frozenset({
    "as", "ave", "bout", "bove", "cause", "cos", "coz", "cross", "d", "e", "ead", "em", "er", "ere", "fore",
    "gainst", "im", "is", "ll", "long", "m", "mid", "midst", "mong", "n", "neath", "nuff", "ol", "ome", "ow",
    "pon", "re", "round", "s", "scape", "stead", "t", "til", "till", "tis", "twas", "tween", "twere", "twill",
    "twixt", "twould", "un", "ve", "way",
})
# fmt: on
WORD_OR_SIGN = re.compile(
    r"(?P<word>'?[^\W_]+(?:(?:'|(?<=\d)[.,:](?=\d))[^\W_]+)*'?)|(?P<dash>[—–―]+|--+|(?<!\S)-(?!\S))|\.(?:\s*\.){2,}|\S"
)


class WordTokenizer(Tokenizer):
    """Lower-cased words, contractions whole ("don't", "runnin'"), punctuation and hyphens as tokens of their own.

    Args:
        tokens: the vocabulary, special tokens first.
        forms: how a word is written inside a line where that is not its lower case ("i": "I").
        capitalises: whether lines and sentences begin with a capital.
    """

    kind = "word"

    def __init__(self, tokens: list[str], *, forms: dict[str, str], capitalises: bool):
        super().__init__(tokens)
        self.forms = forms
        self.capitalises = capitalises

    @classmethod
    def learn(cls, texts: Iterable[str], config: VocabularySettings) -> "WordTokenizer":
        lines = [line for text in texts for _, line in marked_lines(text)]
        counts = Counter(token for line in lines for token in words_and_signs(line.lower()))
        words = most_frequent(counts, config.minimum_count, config.vocabulary_limit)
        forms, capitalises = learn_case(lines, set(words))
        return cls([*SPECIAL_TOKENS, *words], forms=forms, capitalises=capitalises)

    @classmethod
    def from_dict(cls, values: dict) -> "WordTokenizer":
        return cls(values["tokens"], forms=values["forms"], capitalises=values["capitalises"])

    def to_dict(self) -> dict:
        return super().to_dict() | {"forms": self.forms, "capitalises": self.capitalises}

    def split(self, line: str) -> Iterable[str]:
        return words_and_signs(line.lower())

    def spell(self, token_id: int, place: Place) -> str:
        token = UNKNOWN_TEXT if token_id == self.unknown_id else self.tokens[token_id]
        space = "" if place.is_glued or token in GLUED_LEFT else " "
        place.is_glued = token in GLUED_RIGHT
        text = QUOTE_TEXT.get(token) or self.forms.get(token, token)
        if place.starts_sentence and self.capitalises:
            text = capitalised(text)
        place.starts_sentence = starts_sentence_after(token, place.starts_sentence)
        return space + text


TOKENIZERS: dict[str, type[Tokenizer]] = {"char": CharTokenizer, "word": WordTokenizer}


def tokenizer_from_dict(values: dict) -> Tokenizer:
    """The tokenizer that `Tokenizer.to_dict` described. Raises ValueError, KeyError or TypeError if it can't be one."""
    return TOKENIZERS[values["kind"]].from_dict(values)


def most_frequent(counts: Counter, minimum: int, limit: int) -> list[str]:
    """At most ``limit`` keys seen ``minimum`` times or more, ties by the alphabet: the same list everywhere."""
    frequent = [token for token, count in counts.items() if count >= minimum and token != UNKNOWN_TEXT]
    return sorted(frequent, key=lambda token: (-counts[token], token))[:limit]


def words_and_signs(line: str) -> Iterator[str]:
    """The words, punctuation marks and directed quotes of one normalised line, in order."""
    has_open_single_quote = False
    is_after_dash = False
    position = 0
    while found := WORD_OR_SIGN.search(line, position):
        position = found.end()
        token = found[0]
        if found["dash"]:
            yield from [] if is_after_dash else [DASH]
        elif found["word"]:
            word, is_opening, is_closing = unquoted(token, has_open_single_quote, line[position:])
            has_open_single_quote = (has_open_single_quote or is_opening) and not is_closing
            yield from (["‘"] if is_opening else []) + [word] + (["’"] if is_closing else [])
        elif token in CLOSING_QUOTES:
            quote = directed_quote(token, line, found.start())
            # A single one that closes nothing would become an apostrophe of the word before it when written back.
            yield from [] if quote == "’" and not line[: found.start()][-1:].strip() else [quote]
        elif len(token) > 1:  # dots, which are read again without the blanks between them
            yield "..."
        else:
            yield token
        is_after_dash = bool(found["dash"])


def unquoted(word: str, has_open_quote: bool, rest: str) -> tuple[str, bool, bool]:
    """A word without the single quotes around it: (word, opens a quotation, closes one).

    An apostrophe belongs to its word ("'tis", "runnin'", "o'") unless another one on the line makes the pair.
    """
    is_opening = (
        word.startswith("'")
        and word.strip("'") not in ELISIONS
        and bool(word.endswith("'") or CLOSES_LATER.search(rest))
    )
    word = word[1:] if is_opening else word
    is_closing = word.endswith("'") and (is_opening or has_open_quote)
    return (word[:-1] if is_closing else word), is_opening, is_closing


LONG_DASH = re.compile("[—–―]|--")
CLOSES_LATER = re.compile(r"[^\s']'(?!\w)")


def directed_quote(quote: str, line: str, position: int) -> str:
    """An opening quote if a word or bracket follows and none is directly before, else a closing one.

    Before a dash it closes: the blank that may have stood between them is gone when the line is read again.
    """
    before, after = line[position - 1 : position], line[position + 1 : position + 2]
    is_before_word = bool(after.strip()) and not LONG_DASH.match(line, position + 1)
    is_opening = is_before_word and (not before.strip() or before in "([{-—–―\"'")
    return (OPENING_QUOTES if is_opening else CLOSING_QUOTES)[quote]


def starts_sentence_after(token: str, starts_sentence: bool) -> bool:
    """Whether the token after ``token`` stands at the head of a line or sentence."""
    return token in SENTENCE_STARTS or (starts_sentence and token in KEEPS_SENTENCE_START)


def capitalised(text: str) -> str:
    """The text with its first letter as a capital: "'tis" becomes "'Tis"."""
    for index, character in enumerate(text):
        if character.isalnum():
            return text[:index] + character.upper() + text[index + 1 :]
    return text


def learn_case(lines: list[str], words: set[str]) -> tuple[dict[str, str], bool]:
    """(forms, capitalises) of songs: how words are written inside lines, and whether lines begin with a capital."""
    inside: dict[str, Counter] = {}
    heads = Counter()
    for line in lines:
        if line.isupper():  # a shouted line says nothing about its words
            continue
        starts_sentence, is_head = True, True
        for token in words_and_signs(line):
            if token[-1:].isalnum() or token[:1].isalnum():
                if is_head:
                    heads[token != token.lower()] += 1
                elif not starts_sentence and token.lower() in words:
                    inside.setdefault(token.lower(), Counter())[token] += 1
                is_head = False
            starts_sentence = starts_sentence_after(token, starts_sentence)
    usual = {word: min(counts, key=lambda form: (-counts[form], form)) for word, counts in inside.items()}
    capitalises = heads[True] > heads[False]
    forms = {"i": "I"} if capitalises and "i" in words else {}
    return forms | {word: form for word, form in usual.items() if form != word}, capitalises
