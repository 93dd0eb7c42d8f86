"""The lines of a text file, in bounded memory however long a line is."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Line(NamedTuple):
    """One line without its newline. ``is_cut`` says that it was longer than allowed and its rest is gone."""

    number: int
    text: str
    is_cut: bool = False


def read_lines(chunks: Iterable[str], longest: int) -> Iterator[Line]:
    """Lines out of pieces of text whose newlines are ``\\n``; each keeps at most ``longest`` characters.

    A file that ends in a newline does not have an empty line after it.
    """
    number, started, is_cut = 1, "", False
    for chunk in chunks:
        first, *others = chunk.split("\n")
        started, is_cut = _grown(started, first, longest, is_cut)
        for text in others:
            yield Line(number, started, is_cut)
            number += 1
            started, is_cut = (text, False) if len(text) <= longest else (text[:longest], True)
    if started:
        yield Line(number, started, is_cut)


def _grown(started: str, text: str, longest: int, is_cut: bool) -> tuple[str, bool]:
    if is_cut or len(started) + len(text) > longest:
        return started + text[: longest - len(started)], True
    return started + text, False
