"""Rows of a table as they nearly always are, each taken by one regular expression: 20 times as fast as line by line.

It only takes rows about which nobody can be of two minds: the right number of cells, each quoted or bare as its
column was in the rows before. Everything else is left to ``table_rows``, which knows what to do with broken ones.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from .lines import LineReader

# What a line counts beyond its characters while a row is held: a million empty lines need memory too.
LINE_COST = 12
_MOST_COLUMNS = 64  # an expression of 10,000 columns would take longer to build than the table to read
_READ_AHEAD = 64 * 1024  # a row of which this much has been read is complete or no plain row
_QUOTED = '"[^"]*+(?:""[^"]*+)*+"'


@lru_cache
def _pattern(
    delimiter: str, width: int, always_quoted: frozenset[int], ever_quoted: frozenset[int]
) -> re.Pattern | None:
    """One whole row with its newline, a group for each cell. Possessive, so that no text makes it slow."""
    if not 2 <= width <= _MOST_COLUMNS:
        return None
    stop = re.escape(delimiter)
    blank, bare = rf"[^\S\n{stop}]*+", rf'[^"\n{stop}]*+'

    def cell(column: int) -> str:
        unquoted = blank if column in always_quoted else bare
        return f"({_QUOTED}|{unquoted})" if column in ever_quoted else f"({unquoted})"

    not_blank = r"(?![^\S\n]*+\n)" if delimiter.isspace() else ""
    return re.compile(not_blank + stop.join(map(cell, range(width))) + "\n")


def plain_rows(
    lines: LineReader,
    delimiter: str,
    *,
    width: int,
    always_quoted: set[int],
    ever_quoted: set[int],
    longest: int,
) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each plain row from where ``lines`` stands, up to the first row that is none.

    Args:
        always_quoted: columns whose every filled cell was quoted so far; ``ever_quoted``: those with any quoted cell.
        longest: how many characters a row may have.
    """
    pattern = _pattern(delimiter, width, frozenset(always_quoted), frozenset(ever_quoted))
    while pattern is not None:
        found = pattern.match(lines.text, lines.place)
        if found is None:
            if len(lines.text) - lines.place < _READ_AHEAD and lines.fill():
                continue
            return
        start, end = found.span()
        newlines = lines.text.count("\n", start, end)
        if end - start + LINE_COST * newlines > longest:
            return
        number = lines.number
        lines.take(end, newlines)
        yield number, [cell[1:-1].replace('""', '"') if cell[:1] == '"' else cell for cell in found.groups()]
