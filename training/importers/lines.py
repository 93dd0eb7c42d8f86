"""The lines of a text file, in bounded memory however long a line is."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Line(NamedTuple):
    """One line without its newline. ``is_cut`` says that it was longer than allowed and its rest is gone."""

    number: int
    text: str
    is_cut: bool = False


class LineReader:
    """Lines out of pieces of text whose newlines are ``\\n``; each keeps at most ``longest`` characters.

    A file that ends in a newline does not have an empty line after it. Whoever can take several lines at once may do
    so: ``text`` from ``place`` on is what has been read ahead, line ``number`` begins there, ``fill`` reads more.
    """

    def __init__(self, chunks: Iterable[str], longest: int):
        self._chunks = iter(chunks)
        self._longest = longest
        self.text, self.place, self.number = "", 0, 1

    def __iter__(self) -> Iterator[Line]:
        while (line := self.next_line()) is not None:
            yield line

    def fill(self) -> bool:
        """Read one more piece of text behind what is left; False if there is none."""
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self.text, self.place = self.text[self.place :] + chunk, 0
        return True

    def take(self, end: int, newlines: int) -> None:
        """Go on at ``end``, which ``newlines`` newlines stand before."""
        self.place = end
        self.number += newlines

    def next_line(self) -> Line | None:
        """The line at ``place``, None at the end of the file."""
        started, is_cut = "", False
        while (end := self.text.find("\n", self.place)) < 0:
            started, is_cut = _grown(started, self.text[self.place :], self._longest, is_cut)
            self.place = len(self.text)
            if not self.fill():
                return Line(self.number, started, is_cut) if started else None
        started, is_cut = _grown(started, self.text[self.place : end], self._longest, is_cut)
        line = Line(self.number, started, is_cut)
        self.take(end + 1, 1)
        return line


def read_lines(chunks: Iterable[str], longest: int) -> LineReader:
    """The lines of a text that comes in pieces, each cut after ``longest`` characters."""
    return LineReader(chunks, longest)


def _grown(started: str, text: str, longest: int, is_cut: bool) -> tuple[str, bool]:
    if is_cut or len(started) + len(text) > longest:
        return started + text[: longest - len(started)], True
    return started + text, False
