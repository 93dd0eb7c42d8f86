"""What is left of a song when only its words count: for comparing songs and lines, never for reading.

Pure Python, importable without torch and Django.
"""

import unicodedata

from training.language_model.lyric_text import section_name

APOSTROPHES = "'’‘ʼ`´"  # they stand inside words: "don't" and "dont" are one


class PlainCharacters(dict):
    """What each character becomes, found out when it is first met: itself, a space, or nothing for an apostrophe."""

    def __missing__(self, code: int) -> str:
        # Punctuation, symbols, separators and control characters end a word. Marks (M) don't: many vowels are marks.
        ends_word = unicodedata.category(chr(code))[0] in "PSZC"
        self[code] = " " if ends_word else chr(code)
        return self[code]


PLAIN = PlainCharacters({ord("\n"): "\n"} | dict.fromkeys(map(ord, APOSTROPHES), ""))


def plain_words(text: str) -> list[str]:
    """The sung words of a song in NFKC and lower case, without any punctuation; section tags are left out."""
    return _plain(text).split()


def plain_lines(text: str) -> list[str]:
    """The lines of lyrics as their `plain_words` with one space between them; lines without a word are left out."""
    return [line for line in (" ".join(line.split()) for line in _plain(text).split("\n")) if line]


def _plain(text: str) -> str:
    sung = "\n".join(line for line in text.split("\n") if section_name(line) is None)
    if sung.isascii():
        return sung.lower().translate(PLAIN)
    sung = unicodedata.normalize("NFKC", sung).lower()
    # Beyond ASCII `translate` looks up each character; replacing the few that change takes half the time.
    for character in set(sung):
        if (plain := PLAIN[ord(character)]) != character:
            sung = sung.replace(character, plain)
    return sung
