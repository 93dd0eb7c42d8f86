"""Tables inside an archive, known by their headers: where a song's artist or title may stand if not beside its text."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from .encoding import decoded_chunks, detect_encoding
from .importer import Progress
from .limits import Limits
from .lines import read_lines
from .members import TABLE_EXTENSIONS, Member, extension_of
from .options import DELIMITERS
from .quick_look import look_quickly
from .records import ImportRefused
from .table_rows import Row, TableRows
from .text_files import unwrapped
from .values import folded
from .zip_members import DamagedMember

_MOST_TABLES = 50
_HEADER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class CompanionTable:
    """One table: its member, what stands between its columns, and their names folded and as they are spelled."""

    member: Member
    delimiter: str
    columns: tuple[str, ...]
    spelling: tuple[str, ...]

    def has(self, *columns: str) -> bool:
        return all(column in self.columns for column in columns)

    def spelled(self, column: str) -> str:
        return self.spelling[self.columns.index(column)]

    def values(self, row: Row) -> dict[str, str]:
        """The cells of a row by folded column name."""
        return dict(zip(self.columns, row.cells, strict=False))


def companion_tables(members: Sequence[Member], limits: Limits) -> list[CompanionTable]:
    """The tables among the members, as far as their names and first rows tell; at most the first fifty."""
    named_so = (member for member in members if not member.problem and extension_of(member.name) in TABLE_EXTENSIONS)
    return [table for member in islice(named_so, _MOST_TABLES) if (table := _table(member, limits))]


def rows_of(
    table: CompanionTable, limits: Limits, *, quick: bool = False, progress: Progress | None = None
) -> Iterator[Row]:
    """The rows below the header, in bounded memory.

    Args:
        quick: of a large table look at samples only to know its encoding.
    Raises: DamagedMember, ImportRefused.
    """
    with table.member.open(progress) as packed:
        stream = unwrapped(packed, limits)
        encoding = look_quickly(stream)[0] if quick else detect_encoding(stream)
    with table.member.open(progress) as packed:
        chunks = decoded_chunks(unwrapped(packed, limits), encoding.name)
        longest = limits.record_characters
        rows = TableRows(read_lines(chunks, longest), table.delimiter, longest=longest)
        yield from islice(rows, 1, None)


def _table(member: Member, limits: Limits) -> CompanionTable | None:
    """The member as a table, None if it is none or cannot be read; its own reading says what is wrong then."""
    try:
        with member.open() as packed:
            head = unwrapped(packed, limits).read(_HEADER_BYTES)
    except (DamagedMember, ImportRefused):
        return None
    text = "".join(decoded_chunks(io.BytesIO(head), detect_encoding(io.BytesIO(head)).name))
    headers = {delimiter: _header(text, delimiter) for delimiter in DELIMITERS}
    delimiter = max(headers, key=lambda delimiter: len(headers[delimiter]))
    spelling = tuple(" ".join(cell.split()) for cell in headers[delimiter])
    return CompanionTable(member, delimiter, tuple(map(folded, spelling)), spelling) if len(spelling) > 1 else None


def _header(text: str, delimiter: str) -> list[str]:
    first = next(iter(TableRows(read_lines([text], _HEADER_BYTES), delimiter, longest=_HEADER_BYTES)), None)
    return first.cells if first and not first.problem else []
