"""Which words of an opening a model has never read, and where they stand."""

import re
from dataclasses import dataclass

from training.language_model.lyric_text import normalise, section_name
from training.language_model.tokenizers import Tokenizer

APOSTROPHES = "'’‘ʼ`´"  # as people type them; to a tokenizer they are one
LETTER = r"(?:[^\W_]|[\u0300-\u036f])"  # with the accents that stand on it
WORD = re.compile(rf"[{APOSTROPHES}]?{LETTER}+(?:(?:[{APOSTROPHES}]|(?<=\d)[.,:](?=\d)){LETTER}+)*[{APOSTROPHES}]?")


@dataclass(frozen=True)
class UnknownWord:
    """A word as it is written, and where in the text: from ``start`` up to ``end``, counted in characters."""

    word: str
    start: int
    end: int


def unknown_words(tokenizer: Tokenizer, text: str) -> list[UnknownWord]:
    """The words of ``text`` that ``tokenizer`` reads as unknown, in order; names of sections are marks, not words."""
    found, place = [], 0
    for line in text.split("\n"):
        found += _of_line(tokenizer, line, place)
        place += len(line) + 1
    return found


def _of_line(tokenizer: Tokenizer, line: str, place: int) -> list[UnknownWord]:
    read = normalise(line)
    if not read or section_name(read) is not None or not tokenizer.unknown_in(read):
        return []
    found = []
    for match in WORD.finditer(line):
        # An apostrophe belongs to the word or is a quote around it: known as either, it is known.
        start = match.start() + (match[0][0] in APOSTROPHES)
        end = match.end() - (match[0][-1] in APOSTROPHES)
        readings = {line[first:last] for first in (match.start(), start) for last in (end, match.end())}
        if all(tokenizer.unknown_in(normalise(reading)) for reading in readings):
            found.append(UnknownWord(line[start:end], place + start, place + end))
    return found
