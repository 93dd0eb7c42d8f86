"""What is left of a song when only its words count: for comparing songs and lines, never for reading.

Pure Python, importable without torch and Django.
"""

import unicodedata
from functools import cache

from training.language_model.lyric_text import beyond_ascii, section_names

APOSTROPHES = "'’‘ʼ`´"  # they stand inside words: "don't" and "dont" are one


class PlainCharacters(dict):
    """What each character becomes, found out when it is first met: itself, a space, or nothing for an apostrophe."""

    def __missing__(self, code: int) -> str:
        # Punctuation, symbols, separators and control characters end a word. Marks (M) don't: many vowels are marks.
        ends_word = unicodedata.category(chr(code))[0] in "PSZC"
        self[code] = " " if ends_word else chr(code)
        return self[code]


PLAIN = PlainCharacters({ord("\n"): "\n"} | dict.fromkeys(map(ord, APOSTROPHES), ""))
# The same for ASCII, as bytes are translated: ten times as fast.
ASCII_APOSTROPHES = "".join(filter(str.isascii, APOSTROPHES)).encode()
PLAIN_ASCII = bytes(ord(PLAIN[code] or " ") if code < 128 else code for code in range(256))


def plain_text(text: str) -> str:
    """The sung words of a normalised song in NFKC and lower case, without any punctuation and section tags.

    Blanks, often several, part the words; newlines part the lines.
    """
    lines = text.split("\n")
    tags = section_names(lines)
    sung = "\n".join([line for line in lines if line not in tags]) if tags else text
    beyond = set(beyond_ascii(sung))
    if all(map(_only_parts_words, beyond)):  # as dashes do, which are all that most songs have
        for character in beyond:
            sung = sung.replace(character, " ")
        return sung.encode().lower().translate(PLAIN_ASCII, delete=ASCII_APOSTROPHES).decode()
    sung = unicodedata.normalize("NFKC", sung).lower()
    # Beyond ASCII `translate` looks up each character; replacing the few that change takes half the time.
    for character in set(sung):
        if (plain := PLAIN[ord(character)]) != character:
            sung = sung.replace(character, plain)
    return sung


def plain_letters(text: str) -> str:
    """The words of `plain_text` with nothing between them."""
    return plain_text(text).replace(" ", "").replace("\n", "")


def plain_lines(text: str) -> list[str]:
    """The lines of `plain_text` with one space between two words; lines without a word are left out."""
    return [line for line in (" ".join(line.split()) for line in plain_text(text).split("\n")) if line]


@cache
def _only_parts_words(character: str) -> bool:
    return all(PLAIN[ord(one)] == " " for one in unicodedata.normalize("NFKC", character))
