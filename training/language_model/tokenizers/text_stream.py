"""Tokens become text one at a time."""

import codecs
import copy
import unicodedata
from typing import TYPE_CHECKING

from training.language_model.lyric_text import KEPT, LINE, MARK_TITLES, TITLE_MARK, break_after

if TYPE_CHECKING:
    from training.language_model.tokenizers.base import Tokenizer

# Shown where a decoded text holds an unknown token; no tokenizer takes it in, so it stays unknown when read again.
UNKNOWN_TEXT = "\ufffd"
NEVER_IN_SONGS = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})  # what `normalise` takes away; U+0020 is ASCII


class Place:
    """Where on a line the next token stands, as far as its spelling depends on it."""

    def __init__(self) -> None:
        self._bytes = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.holds_half = False  # a character whose other bytes are still to come
        self.at_line_start()

    def fork(self) -> "Place":
        """The same place, to go on from it another way."""
        place = Place()
        place._bytes.setstate(self._bytes.getstate())
        place.holds_half, place.is_glued = self.holds_half, self.is_glued
        place.starts_sentence = self.starts_sentence
        return place

    def at_line_start(self) -> None:
        self.is_glued = True  # no space before what comes next
        self.starts_sentence = True

    def whole_characters(self, spelled: bytes, *, is_last: bool = False) -> str:
        """The characters that ``spelled`` completes; half a one waits for the rest of its bytes.

        What is no character, or one that no song holds (a network can write any bytes), is `UNKNOWN_TEXT`.
        """
        text = self._bytes.decode(spelled, is_last)
        self.holds_half = bool(self._bytes.getstate()[0])
        return as_in_songs(text)


def as_in_songs(text: str) -> str:
    """The text with `UNKNOWN_TEXT` for every character that no song holds."""
    return text if text.isascii() else "".join(map(_as_in_songs, text))


def whole_text(spelled: bytes) -> str | None:
    """What bytes spell by themselves; None if they are not whole characters."""
    try:
        return as_in_songs(spelled.decode())
    except UnicodeDecodeError:
        return None


def _as_in_songs(character: str) -> str:
    is_hidden = not character.isascii() and unicodedata.category(character) in NEVER_IN_SONGS
    return UNKNOWN_TEXT if is_hidden and character not in KEPT else character


class TextStream:
    """Turns tokens into text one at a time; the pieces joined, and the `rest`, equal ``tokenizer.decode`` of all.

    A break is written with the token after it, so a text never ends in empty lines. Where lines are written from
    their end, a line comes out whole with the mark behind it.
    """

    def __init__(self, tokenizer: "Tokenizer"):
        self._tokenizer = tokenizer
        self._place = Place()
        self._line: list[int] = []  # from its end, until it is complete
        self._breaks = ""
        self._is_empty = True
        self._is_in_title = False
        self._spell, self._first_text = tokenizer.spell, tokenizer.mark_count
        self._is_plain = not tokenizer.lines_right_to_left  # and in no title: what is spelled is written

    def fork(self) -> "TextStream":
        """A stream that has been given the same tokens, to go on another way."""
        stream = copy.copy(self)
        stream._place, stream._line = self._place.fork(), [*self._line]
        return stream

    def push(self, token_id: int) -> str:
        """The text that this token completes: "" for begin, end and breaks, which show with the next.

        What a song is told to be is no part of it.
        """
        if token_id >= self._first_text and self._is_plain:  # nearly all tokens are of this kind
            text = self._spell(token_id, self._place)
            return self._after_breaks(text) if self._breaks or self._is_empty else text
        tokenizer = self._tokenizer
        if tokenizer.is_text(token_id):
            if self._is_in_title:
                return ""
            if not tokenizer.lines_right_to_left:
                return self._after_breaks(tokenizer.spell(token_id, self._place))
            self._line.append(token_id)
            return ""
        mark = tokenizer.tokens[token_id]
        was_in_title, self._is_in_title = self._is_in_title, mark == TITLE_MARK
        self._is_plain = not (tokenizer.lines_right_to_left or self._is_in_title)
        if was_in_title or token_id == tokenizer.begin_id or token_id in tokenizer.condition_ids:
            return ""
        text = self.rest()
        self._place.at_line_start()
        self._breaks = break_after(self._breaks, mark)
        if mark in MARK_TITLES:
            text += self._after_breaks(MARK_TITLES[mark])
            self._breaks = LINE
        return text

    def spelling(self, token_id: int) -> str:
        """How a token by itself would be written if it came next: a break as its newlines, begin and end as "".

        Half a character is "" until the token that completes it. Where lines are written from their end, nobody knows
        yet what a token will stand beside, and it is spelled without blanks.
        """
        tokenizer = self._tokenizer
        if tokenizer.is_text(token_id):
            if not tokenizer.lines_right_to_left:
                return tokenizer.spell(token_id, self._place.fork())
            inside = Place()
            inside.starts_sentence = False
            return tokenizer.spell(token_id, inside)
        mark = tokenizer.tokens[token_id]
        if token_id in tokenizer.condition_ids or token_id in (tokenizer.begin_id, tokenizer.end_id):
            return ""
        return MARK_TITLES.get(mark) or break_after("", mark)

    def rest(self) -> str:
        """The text of tokens that wait for others: a line written from its end, half a character."""
        if not self._line and not self._place.holds_half:  # nearly always
            return ""
        spelled = [self._tokenizer.spell(token_id, self._place) for token_id in reversed(self._line)]
        self._line = []
        return self._after_breaks("".join(spelled) + self._place.whole_characters(b"", is_last=True))

    def _after_breaks(self, piece: str) -> str:
        if not piece:
            return ""
        breaks = "" if self._is_empty else self._breaks
        self._breaks, self._is_empty = "", False
        return breaks + piece
