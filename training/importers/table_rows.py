"""Rows out of the lines of a delimited table, each broken one alone.

Python's ``csv`` reads an unclosed quote to the end of the file and has one field limit for the whole process; we read
line by line instead, and know at each moment where the row began:

    a row as those before ── plain_rows ─────▶ row
    line ──▶ no quote in it ─────────────────▶ row
        └──▶ a quoted field stays open ──▶ next lines, until its closing quote ──▶ row
                                     └──▶ a quote that closes nothing, the limit or the end of the file:
                                          does a later line begin a row that fits the header? then this row is
                                          broken and reading goes on there, else the quote belongs to the text
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from .lines import Line, LineReader
from .plain_rows import LINE_COST, plain_rows


class Row(NamedTuple):
    """The cells of one row, or with ``problem`` ("unclosed", "columns", "oversized") what was wrong with it.

    ``next_line`` is where reading went on after an unclosed quote, 0 if that took everything to the end of the file.
    """

    line: int
    cells: list[str]
    problem: str = ""
    beginning: str = ""
    next_line: int = 0


class _Patterns(NamedTuple):
    """How a quoted cell ends, for one delimiter. Possessive quantifiers, so that no text makes them slow."""

    whole: re.Pattern  # a quoted cell that opens and closes on this line
    close: re.Pattern  # from inside a cell: its text up to the first lone quote, if that quote closes the cell
    late_close: re.Pattern  # a quote that closes the cell, whatever quotes stand before it


@lru_cache
def _patterns(delimiter: str) -> _Patterns:
    end = rf" *+(?={re.escape(delimiter)}|$)"
    inside = '([^"]*+(?:""[^"]*+)*+)"'
    return _Patterns(
        whole=re.compile(f' *+"{inside}{end}'),
        close=re.compile(inside + end),
        late_close=re.compile(f'(?<!")((?:"")*+)"{end}'),
    )


_MOST_LATE_CLOSES = 20
_ONLY_DOUBLED = re.compile('[^"]*+(?:""[^"]*+)*+')


@dataclass(slots=True)
class _Reading:
    """A row on its way: the cells so far, which of them were quoted, and the pieces of the cell that is open."""

    cells: list[str]
    quoted: set[int]
    open_cell: list[str] | None = None
    has_stray_quote: bool = False


def _scan(reading: _Reading, text: str, position: int, delimiter: str) -> None:
    """Take cells from ``text`` until it ends or a quoted cell stays open."""
    whole = _patterns(delimiter).whole
    while True:
        if found := whole.match(text, position):
            reading.quoted.add(len(reading.cells))
            reading.cells.append(found[1].replace('""', '"'))
            position = found.end()
        elif text.startswith('"', position):
            reading.open_cell = [text[position + 1 :]]
            reading.has_stray_quote = _ONLY_DOUBLED.fullmatch(text, position + 1) is None
            return
        else:
            end = text.find(delimiter, position)
            end = len(text) if end < 0 else end
            reading.cells.append(text[position:end])
            position = end
        if position >= len(text):
            return
        position += 1


def _continue(reading: _Reading, text: str, delimiter: str) -> None:
    """Take one more line into the open cell, and the cells behind it if it closes; a stray quote is only noted."""
    reading.has_stray_quote = False
    if '"' not in text:
        reading.open_cell.append(text)
    elif found := _patterns(delimiter).close.match(text):
        _close(reading, found[1], text, found.end(), delimiter)
    else:
        reading.open_cell.append(text)
        reading.has_stray_quote = _ONLY_DOUBLED.fullmatch(text) is None


def _close(reading: _Reading, last: str, text: str, position: int, delimiter: str) -> None:
    reading.open_cell.append(last)
    reading.quoted.add(len(reading.cells))
    reading.cells.append("\n".join(reading.open_cell).replace('""', '"'))
    reading.open_cell = None
    if position < len(text):
        _scan(reading, text, position + 1, delimiter)


def _close_late(reading: _Reading, delimiter: str, width: int | None) -> None:
    """Close the open cell in its last line although stray quotes stand before: they belong to the text.

    A quote that would leave the row with more cells than the table's ``width`` closes nothing either.
    """
    text, count = reading.open_cell[-1], len(reading.cells) + 1
    for found in islice(_patterns(delimiter).late_close.finditer(text), _MOST_LATE_CLOSES):
        behind = _Reading([], set())
        if found.end() < len(text):
            _scan(behind, text, found.end() + 1, delimiter)
        if width is None or count + len(behind.cells) + (behind.open_cell is not None) <= width:
            reading.open_cell.pop()
            _close(reading, text[: found.start()] + found[1], text, found.end(), delimiter)
            return


class TableRows:
    """Iterates over the rows of a table; the first one says how many columns every other has to have.

    Args:
        longest: how many characters a row may have; a longer one is given up and reported as oversized.
    """

    def __init__(self, lines: LineReader, delimiter: str, *, longest: int):
        self._lines = lines
        self._again: deque[Line] = deque()
        self._delimiter = delimiter
        self._longest = longest
        self._width: int | None = None
        # Columns whose every filled cell was quoted so far; None until a row was read. A line of lyrics with the
        # right number of commas is told from a real row by this.
        self._always_quoted: set[int] | None = None
        self._ever_quoted: set[int] = set()

    def __iter__(self) -> Iterator[Row]:
        while True:
            yield from self._plain_rows()
            if (line := self._next()) is None:
                return
            if line.is_cut:
                yield self._oversized(line)
            elif line.text and not line.text.isspace():
                row = self._row(line)
                if self._width is None and not row.problem:
                    self._width = len(row.cells)
                yield row

    def _plain_rows(self) -> Iterator[Row]:
        """The rows from here on that need no thought; they are quoted as usual, so nothing is learned from them."""
        if self._again or self._always_quoted is None:
            return
        rows = plain_rows(
            self._lines,
            self._delimiter,
            width=self._width,
            always_quoted=self._always_quoted,
            ever_quoted=self._ever_quoted,
            longest=self._longest,
        )
        for number, cells in rows:
            yield Row(number, cells)

    def _next(self) -> Line | None:
        return self._again.popleft() if self._again else self._lines.next_line()

    def _row(self, first: Line) -> Row:
        if '"' not in first.text:
            return self._finished([first], _Reading(first.text.split(self._delimiter), set()))
        reading = _Reading([], set())
        _scan(reading, first.text, 0, self._delimiter)
        if reading.has_stray_quote:
            reading = self._with_quotes_as_text(first, reading)
        if reading.open_cell is None:
            return self._finished([first], reading)
        return self._several_lines(first, reading)

    def _with_quotes_as_text(self, first: Line, reading: _Reading) -> _Reading:
        """``"Hello" she said`` is a cell that begins with a word in quotes, if the row fits the header so.

        With an odd number of quotes one of them is open and the row goes on.
        """
        cells = first.text.split(self._delimiter)
        if len(cells) == self._width and first.text.count('"') % 2 == 0:
            return _Reading(cells, set())
        _close_late(reading, self._delimiter, self._width)
        return reading

    def _several_lines(self, first: Line, reading: _Reading) -> Row:
        lines, size, checked = [first], len(first.text), 1
        opened_in = len(reading.cells)
        while reading.open_cell is not None:
            line = self._next()
            if line is None:
                return self._unclosed(lines, checked, opened_in)
            lines.append(line)
            size += len(line.text) + LINE_COST
            if line.is_cut or size > self._longest:
                return self._too_long(lines, checked, opened_in)
            if '"' not in line.text:  # most lines of most songs
                reading.open_cell.append(line.text)
                continue
            _continue(reading, line.text, self._delimiter)
            if reading.has_stray_quote:
                if (place := self._next_row(lines, checked, opened_in)) is not None:
                    return self._broken(lines, place)
                checked = len(lines)
                _close_late(reading, self._delimiter, self._width)
        return self._finished(lines, reading)

    def _finished(self, lines: list[Line], reading: _Reading) -> Row:
        cells, width = reading.cells, self._width
        if width is not None and len(cells) != width:
            while len(cells) > width and not cells[-1].strip():
                cells.pop()  # spreadsheets leave empty columns at the right
        if width is None or len(cells) == width:
            self._learn(reading)
            return Row(lines[0].number, cells)
        if len(lines) > 1 and (place := self._next_row(lines, 1, None)) is not None:
            return self._broken(lines, place)
        return Row(lines[0].number, cells, "columns", lines[0].text)

    def _learn(self, reading: _Reading) -> None:
        if self._width is None:
            return  # the header's quotes say nothing about the rows
        self._ever_quoted |= reading.quoted
        columns = range(len(reading.cells)) if self._always_quoted is None else self._always_quoted
        self._always_quoted = {
            column for column in columns if column in reading.quoted or not reading.cells[column].strip()
        }

    def _unclosed(self, lines: list[Line], checked: int, opened_in: int) -> Row:
        place = self._next_row(lines, checked, opened_in)
        return self._broken(lines, len(lines) if place is None else place)

    def _too_long(self, lines: list[Line], checked: int, opened_in: int) -> Row:
        """Give up a row that outgrew its limit: an unclosed quote if a row follows inside it, else an oversized one."""
        if (place := self._next_row(lines, checked, opened_in)) is not None:
            return self._broken(lines, place)
        self._skip_rest(opened_in)
        return Row(lines[0].number, [], "oversized", lines[0].text)

    def _oversized(self, line: Line) -> Row:
        reading = _Reading([], set())
        _scan(reading, line.text, 0, self._delimiter)
        if reading.open_cell is not None:
            self._skip_rest(len(reading.cells))
        return Row(line.number, [], "oversized", line.text[:1000])

    def _skip_rest(self, opened_in: int) -> None:
        """Drop lines until one closes the open cell or begins a row that fits the header."""
        while (line := self._next()) is not None:
            if not line.is_cut and self._fits([line], 0, opened_in):
                self._again.appendleft(line)
                return
            if '"' in line.text and _patterns(self._delimiter).late_close.search(line.text):
                return

    def _broken(self, lines: list[Line], place: int) -> Row:
        """The row of ``lines`` never closes its quote; reading goes on at ``lines[place]``."""
        self._again.extendleft(reversed(lines[place:]))
        next_line = lines[place].number if place < len(lines) else 0
        return Row(lines[0].number, [], "unclosed", lines[0].text, next_line)

    def _next_row(self, lines: list[Line], start: int, opened_in: int | None) -> int | None:
        """The first place from ``start`` where a row begins that fits the header, None if there is none."""
        return next((place for place in range(start, len(lines)) if self._fits(lines, place, opened_in)), None)

    def _fits(self, lines: list[Line], place: int, opened_in: int | None) -> bool:
        """Whether a row with the header's number of columns, quoted like the rows before, begins at ``place``.

        ``opened_in`` is the column whose quote never closed: before any sound row was read it is all we know.
        """
        text = lines[place].text
        if self._width is None or lines[place].is_cut or not text or text.isspace():
            return False
        if '"' not in text and text.count(self._delimiter) + 1 != self._width:
            return False  # most lines of lyrics, at the least cost
        reading = _Reading([], set())
        _scan(reading, text, 0, self._delimiter)
        for position in range(place + 1, len(lines)):
            if reading.open_cell is None or reading.has_stray_quote or lines[position].is_cut:
                break
            _continue(reading, lines[position].text, self._delimiter)
        count = len(reading.cells)
        if reading.open_cell is None:
            is_possible = count == self._width
        else:  # the rest of it has not been read yet; a cell may be open where cells are quoted
            is_possible = count < self._width and (count == opened_in or count in self._ever_quoted)
        return is_possible and not reading.has_stray_quote and self._is_quoted_as_usual(reading, opened_in)

    def _is_quoted_as_usual(self, reading: _Reading, opened_in: int | None) -> bool:
        usual = self._always_quoted
        if usual is None:
            usual = set() if opened_in is None else {opened_in}
        return all(
            column in reading.quoted or not reading.cells[column].strip()
            for column in usual
            if column < len(reading.cells)
        )
