"""The words by which songs are found: those of a text, and those that a person types. Pure.

A word is what stands between spaces and punctuation, in lower case and without accents, so that "cafe" finds "Café":
what SQLite's ``unicode61`` makes of a text. Of ASCII it holds letters and digits alone, so nothing that a person types
can close a quote or be an operator.
"""

import re
import unicodedata

MOST_WANTED = 20
LONGEST_WORD = 100

_WORD = re.compile(r"[^\s\x00-/:-@\[-`{-\xbf\u2000-\u206f\u3000-\u303f\ud800-\udfff]+")
_ACCENT = re.compile(r"[\u0300-\u036f]")
# For a text of ASCII, as bytes are translated: twice as fast as the pattern.
_ASCII_ALONE = bytes(code if chr(code).isalnum() and code < 128 else ord(" ") for code in range(256))


def words_of(text: str) -> set[str]:
    """The different words of a text, each cut at `LONGEST_WORD` characters."""
    if text.isascii():
        words = text.lower().encode().translate(_ASCII_ALONE).decode().split()
    else:
        words = _WORD.findall(without_accents(text.lower()))
    return {word[:LONGEST_WORD] for word in words}


def words_wanted(words: str) -> list[str]:
    """The words that somebody looks for, as they typed them, out of whatever it was: at most `MOST_WANTED`."""
    found = (word[:LONGEST_WORD] for word in _WORD.findall(words))
    return [word for word in found if any(map(str.isalnum, word))][:MOST_WANTED]


class Sought:
    """The words of a search, to be shown where they stand: each whole, the last one maybe as a beginning.

    What is true of both databases is said here alone, so that a page marks the same words whichever found them.
    """

    def __init__(self, words: list[str]) -> None:
        self.words = [without_accents(word.lower()) for word in words]

    def __bool__(self) -> bool:
        return bool(self.words)

    def pieces(self, text: str) -> list[tuple[str, bool]]:
        """Return ``text`` in pieces that together are all of it, each with whether it is a word that was sought."""
        pieces, end = [], 0
        for word in _WORD.finditer(text):
            if self._found(word[0]):
                pieces += [(text[end : word.start()], False), (word[0], True)]
                end = word.end()
        return [piece for piece in (*pieces, (text[end:], False)) if piece[0]]

    def held_by(self, text: str) -> set[str]:
        """Return those of the sought words that ``text`` holds."""
        return {found for word in _WORD.findall(text) for found in self._found(word)}

    def _found(self, word: str) -> list[str]:
        """The sought words that ``word`` is."""
        plain = without_accents(word.lower())[:LONGEST_WORD]
        return [
            found for found in self.words if found == plain or (found == self.words[-1] and plain.startswith(found))
        ]


def without_accents(text: str) -> str:
    """``text`` with "e" for "é": the marks that stand above or below a letter are gone."""
    return unicodedata.normalize("NFC", _ACCENT.sub("", unicodedata.normalize("NFD", text)))
