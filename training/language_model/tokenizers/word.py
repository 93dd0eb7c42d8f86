"""Words, contractions whole, punctuation as tokens of its own.

``decode(encode(text))`` reads the same again. Words are learnt in lower case unless the config says otherwise: on a
small songbook "Love" at a line's head and "love" inside it would otherwise be two rare words. What a reader needs
back is restored while decoding: capitals at line and sentence heads if the songs are written so, and the form a word
mostly has inside a line ("I", "God", "Mary", "O'Brien").
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from training.language_model.lyric_text import marked_lines
from training.language_model.tokenizers.base import (
    Tokenizer,
    VocabularySettings,
    learnt_reading,
    marks_before_text,
    most_frequent,
    reading_of,
)
from training.language_model.tokenizers.conditions import Conditions
from training.language_model.tokenizers.text_stream import UNKNOWN_TEXT, Place

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
    """Words, contractions whole ("don't", "runnin'"), punctuation and hyphens as tokens of their own.

    Args:
        tokens: the vocabulary, special tokens first.
        forms: how a word is written inside a line where that is not its lower case ("i": "I").
        capitalises: whether lines and sentences begin with a capital.
        case: "lower" if words are read in lower case, "keep" if "Love" and "love" are two words.
    """

    kind = "word"

    def __init__(self, tokens: list[str], *, forms: dict[str, str], capitalises: bool, case: str = "lower", **reading):
        super().__init__(tokens, **reading)
        if case not in ("lower", "keep"):
            raise ValueError("Words are read in lower case, or as they are.")
        self.forms = forms
        self.capitalises = capitalises
        self.case = case

    @classmethod
    def learn(cls, texts: Iterable[str], config: VocabularySettings, conditions: Conditions) -> "WordTokenizer":
        lines = [line for text in texts for _, line in marked_lines(text)]
        counts = Counter(token for line in lines for token in words_and_signs(in_case(line, config.case)))
        words = most_frequent(counts, config.minimum_count, config.vocabulary_limit)
        forms, capitalises = learn_case(lines, set(words)) if config.case == "lower" else ({}, False)
        return cls(
            [*marks_before_text(conditions, with_title=config.with_title), *words],
            forms=forms,
            capitalises=capitalises,
            case=config.case,
            **learnt_reading(config, conditions),
        )

    @classmethod
    def from_dict(cls, values: dict) -> "WordTokenizer":
        return cls(
            values["tokens"],
            forms=values["forms"],
            capitalises=values["capitalises"],
            case=values.get("case", "lower"),
            **reading_of(values),
        )

    def to_dict(self) -> dict:
        return super().to_dict() | {"forms": self.forms, "capitalises": self.capitalises, "case": self.case}

    def split(self, line: str) -> Iterable[str]:
        """The words and signs of one line, known or not."""
        return words_and_signs(in_case(line, self.case))

    def encode_line(self, line: str) -> list[int]:
        return [self.id_of.get(token, self.unknown_id) for token in self.split(line)]

    def unknown_in(self, line: str) -> list[str]:
        return [token for token in self.split(line) if token not in self.id_of]

    def spell(self, token_id: int, place: Place) -> str:
        token = UNKNOWN_TEXT if token_id == self.unknown_id else self.tokens[token_id]
        space = "" if place.is_glued or token in GLUED_LEFT else " "
        place.is_glued = token in GLUED_RIGHT
        text = QUOTE_TEXT.get(token) or self.forms.get(token, token)
        if place.starts_sentence and self.capitalises:
            text = capitalised(text)
        place.starts_sentence = starts_sentence_after(token, place.starts_sentence)
        return space + text


def in_case(line: str, case: str) -> str:
    return line.lower() if case == "lower" else line


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
        and word.strip("'").lower() not in ELISIONS
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
