"""Words that are never written: before each draw, the tokens that would complete one.

A text is read as it is written, letter by letter, in lower case, from a line's end where lines are written so. A banned
word or phrase is whole where neither side goes on with a letter or digit; a blank in it is a blank on one line. Which
of its beginnings the line may be in the middle of is a `State`, and all that follows from a state is worked out once:

    line so far ─▶ State ──▶ the tokens it forbids
                     └─token─▶ State …

A token is forbidden if with it the line would hold a whole banned word, or end in one. A model that writes letter by
letter may end in one, as "love" begins "lovely": there only letters may follow, and until one does the text on its way
out is held back (`Bans.end_in`). Models that write words in pieces begin no word with the whole of a banned one.
"""

import unicodedata
import weakref
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from generator.recipe import BANNED_LENGTH_LIMIT
from training.language_model.lyric_text import MARK_TITLES, normalise
from training.language_model.tokenizers import UNKNOWN_TEXT, Tokenizer
from training.language_model.tokenizers.text_stream import Place

LONGEST_CHARACTER = 4  # bytes of UTF-8
LONGEST_PHRASE = (BANNED_LENGTH_LIMIT + 1) * LONGEST_CHARACTER  # tokens, if each is a byte


def goes_on(character: str) -> bool:
    """Whether a word goes on with it: letters, digits, and what stands above or below them."""
    return character.isalnum() or unicodedata.category(character)[0] == "M"


class Spellings:
    """What each token of a vocabulary adds to a line, in lower case and in the direction of writing."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.size = tokenizer.vocabulary_size
        self._tokenizer = weakref.proxy(tokenizer)  # which keeps these alive, not they it
        self.are_words = tokenizer.kind == "word"
        self.are_letters = tokenizer.kind == "char"
        self.first = tokenizer.mark_count
        self._is_backwards = tokenizer.lines_right_to_left
        self._texts: list[str] = []
        self._leans: list[tuple[bool, bool]] = []  # to what was written before, to what comes
        place = Place()
        for token in range(self.first, tokenizer.vocabulary_size):
            text, *leans = self._spelled((token,), place)
            self._texts.append(text)
            self._leans.append((leans[1], leans[0]) if self._is_backwards else (leans[0], leans[1]))
        # Their bytes are not whole characters: what such a token says depends on its neighbours.
        self.halves = frozenset(self.first + place for place, text in enumerate(self._texts) if UNKNOWN_TEXT in text)
        self._sorted: dict[bool, list[tuple[str, int]]] = {}

    def _spelled(self, tokens: tuple[int, ...], place: Place) -> tuple[str, bool, bool]:
        """(their text, whether it leans on what stands to its left, and to its right); ``tokens`` as they are written.

        The blank before a word of a word tokenizer is no part of it.
        """
        place.is_glued = place.starts_sentence = False
        in_order = tokens[::-1] if self._is_backwards else tokens
        text = "".join(self._tokenizer.spell(token, place) for token in in_order)
        leans_right = place.is_glued
        if place.holds_half:
            text += place.whole_characters(b"", is_last=True)
        text = text.casefold()
        leans_left = not text.startswith(" ")
        text = text.removeprefix(" ") if self.are_words else text
        return text[::-1] if self._is_backwards else text, leans_left, leans_right

    def added(self, token: int, is_glued: bool) -> tuple[str, bool]:
        """(what ``token`` adds, whether what comes next is glued to it) where it ``is_glued`` itself or not."""
        text = self._texts[token - self.first]
        if not self.are_words:
            return text, False
        to_before, to_next = self._leans[token - self.first]
        return text if is_glued or to_before else " " + text, to_next

    def joined(self, tokens: tuple[int, ...]) -> str:
        """The text of tokens some of which are no whole characters."""
        return self._spelled(tokens, Place())[0]

    def beginning_with(self, text: str, is_glued: bool) -> Iterator[int]:
        """The tokens that add something beginning with ``text``."""
        is_glued = is_glued and self.are_words
        if is_glued not in self._sorted:
            ids = range(self.first, self.size)
            self._sorted[is_glued] = sorted((self.added(token, is_glued)[0], token) for token in ids)
        ordered = self._sorted[is_glued]
        for place in range(bisect_left(ordered, (text,)), len(ordered)):
            if not ordered[place][0].startswith(text):
                return
            yield ordered[place][1]

    @cached_property
    def _all_texts(self) -> tuple[str, list[int]]:
        starts = np.cumsum([0, *(len(text) + 1 for text in self._texts)]).tolist()
        return "\n".join(self._texts), starts

    def holding(self, text: str) -> Iterator[int]:
        """The tokens that add something with ``text`` in it."""
        texts, starts = self._all_texts
        found = texts.find(text)
        while found >= 0:
            place = bisect_left(starts, found + 1) - 1
            yield self.first + place
            found = texts.find(text, starts[place + 1])

    @cached_property
    def no_letters(self) -> frozenset[int]:
        """Marks, and tokens that do not begin with a letter."""
        texts = enumerate(self._texts, self.first)
        return frozenset(range(self.first)) | {token for token, text in texts if not goes_on(text[:1] or " ")}


_known: weakref.WeakKeyDictionary[Tokenizer, Spellings] = weakref.WeakKeyDictionary()


def spellings_of(tokenizer: Tokenizer) -> Spellings:
    if tokenizer not in _known:
        _known[tokenizer] = Spellings(tokenizer)
    return _known[tokenizer]


class Key(NamedTuple):
    """All that matters of a line so far: two lines of the same key go on in the same way."""

    begun: tuple[tuple[int, int], ...] = ()  # (phrase, how many of its letters stand at the line's end)
    is_in_word: bool = False  # a letter stands last
    is_glued: bool = True
    half: tuple[int, ...] = ()  # tokens whose last character is not complete
    half_read: int = 0  # letters of these tokens that were read


class State:
    """A key with what follows from it."""

    def __init__(self, bans: "Bans", key: Key) -> None:
        self._bans, self.key = bans, key
        self._next: dict[int, State] = {}

    @cached_property
    def is_whole(self) -> bool:
        """Whether the line ends in a banned word, if no letter follows."""
        return self._bans.is_whole(self.key.begun)

    @cached_property
    def forbidden(self) -> ndarray:
        """The ids of tokens that may not come."""
        return self._bans.forbidden_after(self)

    def after(self, token: int) -> "State":
        """The state once ``token`` is written."""
        state = self._next.get(token)
        if state is None:
            state = self._next[token] = self._bans.state(self._bans.step(self.key, token)[1])
        return state


class Bans:
    """The banned words of one recipe, for one tokenizer.

    Args:
        words: words and phrases, in any case.
    """

    def __init__(self, tokenizer: Tokenizer, words: Iterable[str]) -> None:
        self._tokenizer, self._spellings = tokenizer, spellings_of(tokenizer)
        folded = dict.fromkeys(normalise(word).casefold() for word in words)
        self._words = tuple(word for word in folded if word)
        direction = -1 if tokenizer.lines_right_to_left else 1
        self.phrases = [word[::direction] for word in self._words]
        self._starting: dict[str, list[int]] = {}
        for index, phrase in enumerate(self.phrases):
            self._starting.setdefault(phrase[0], []).append(index)
        self._states: dict[Key, State] = {}
        # A section's mark is written as its title.
        self._always = [
            tokenizer.id_of[mark]
            for mark, title in MARK_TITLES.items()
            if self._read((), False, title.casefold()[::direction])[0]
        ]

    def state(self, key: Key) -> State:
        return self._states.setdefault(key, State(self, key))

    def opening(self, tokens: list[int]) -> State:
        """The state after a prompt, which may hold what it likes: a word that it ends in is not the network's."""
        key, line = Key(), len(tokens)
        furthest = max(len(tokens) - LONGEST_PHRASE, 0)
        while line > furthest and self._tokenizer.is_text(tokens[line - 1]):
            line -= 1
        for token in tokens[line:]:
            key = self.step(key, token)[1]
        begun = tuple((phrase, read) for phrase, read in key.begun if read < len(self.phrases[phrase]))
        return self.state(key._replace(begun=begun))

    @property
    def may_end_in_one(self) -> bool:
        """Whether a text may, until the next token makes another word of it."""
        return self._spellings.are_letters

    def end_in(self, text: str) -> bool:
        """Whether ``text``, as it is read, ends in a banned word that is whole if nothing follows."""
        folded = text.casefold()
        if not folded.endswith(self._words):
            return False
        found = [word for word in self._words if folded.endswith(word)]
        before = (folded[-len(word) - 1 : -len(word)] for word in found)
        return any(
            not (letter and goes_on(letter) and goes_on(word[0])) for letter, word in zip(before, found, strict=True)
        )

    def step(self, key: Key, token: int) -> tuple[bool, Key]:
        """(whether ``token`` completes a banned word, the key after it)."""
        spellings = self._spellings
        if not self._tokenizer.is_text(token):
            return self.is_whole(key.begun) or token in self._always, Key()
        half, half_read, is_glued = (), 0, False
        if token == self._tokenizer.unknown_id:
            text = UNKNOWN_TEXT
        elif key.half or token in spellings.halves:
            text, half, half_read = self._joined(key, token)
        else:
            text, is_glued = spellings.added(token, key.is_glued)
        is_hit, begun, is_in_word = self._read(key.begun, key.is_in_word, text)
        return is_hit, Key(begun, is_in_word, is_glued, half, half_read)

    def _joined(self, key: Key, token: int) -> tuple[str, tuple[int, ...], int]:
        """(what is certain now, the tokens that may go on to another character, their letters that are certain)."""
        tokens = (*key.half, token)
        text = self._spellings.joined(tokens)
        certain = text.rstrip(UNKNOWN_TEXT)
        if certain == text:
            return text[key.half_read :], (), 0
        if len(tokens) < LONGEST_CHARACTER:
            return certain[key.half_read :], tokens, len(certain)
        # What came first of so many begins no character any more.
        rest = tokens[1:]
        read = certain[key.half_read :] or UNKNOWN_TEXT
        return read, rest, len(self._spellings.joined(rest).rstrip(UNKNOWN_TEXT))

    def _read(self, begun: tuple, is_in_word: bool, text: str) -> tuple[bool, tuple, bool]:
        """(whether a banned word got whole, what is begun after it, whether a letter stands last)."""
        is_hit = False
        for character in text:
            is_letter = goes_on(character)
            now = []
            for phrase, read in begun:
                if read == len(self.phrases[phrase]):
                    is_hit |= not is_letter
                elif self.phrases[phrase][read] == character:
                    now.append((phrase, read + 1))
            if not (is_letter and is_in_word):
                now += [(phrase, 1) for phrase in self._starting.get(character, ())]
            is_in_word = is_letter
            begun = tuple(now)
            if not is_letter:  # a sign that ends a phrase makes it whole, whatever follows
                is_hit |= self.is_whole(begun)
        if not self._spellings.are_letters:
            is_hit |= self.is_whole(begun)
        return is_hit, begun, is_in_word

    def is_whole(self, begun: tuple[tuple[int, int], ...]) -> bool:
        """Whether one of these beginnings is all of its phrase."""
        return any(read == len(self.phrases[phrase]) for phrase, read in begun)

    def forbidden_after(self, state: State) -> ndarray:
        """The ids that complete a banned word; after a whole one, all but those that make another word of it."""
        key, spellings = state.key, self._spellings
        asked = {*self._holding, *spellings.halves} if key.half else {*self._holding}
        for phrase, read in key.begun:
            if rest := self.phrases[phrase][read:]:
                asked.update(spellings.beginning_with(rest, key.is_glued))
        forbidden = {token for token in asked if self.step(key, token)[0]}
        if state.is_whole:
            forbidden |= spellings.no_letters
        return np.array(sorted(forbidden.union(self._always)), dtype=np.intp)

    @cached_property
    def _holding(self) -> frozenset[int]:
        return frozenset(token for phrase in self.phrases for token in self._spellings.holding(phrase))
