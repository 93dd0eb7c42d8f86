"""Tables of songs: one row a song, columns named by the first row, lyrics in a quoted cell of many lines."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import BinaryIO

from .columns import complete_mapping, is_known_name, numbered_names, unique_names
from .encoding import decoded_chunks
from .importer import CountedStream, Findings, Importer, Progress, Sample
from .limits import UPLOAD_LIMITS
from .lines import read_lines
from .options import ImportOptions
from .presets import Preset, name_of, recognised, title_of, working_preset
from .records import ImportRefused, ParsedSong, RowError
from .table_rows import Row, TableRows
from .values import assemble_song, malformed, no_song, oversized, without_guard

_SAMPLE_ROWS = 50
_HEADER_CHARACTERS = 40
_FEW_ROWS = 3  # too few to hold one broken row against a table whose columns are named
_EXCEL_LINE = re.compile(r'"?sep=(.)"?\n', re.IGNORECASE)  # the first line of tables that Excel is to open
_EXCEL_CHARACTERS = 8
_NUMBER = re.compile(r"\s*-?[\d.,]+\s*")


class CsvSongs(Importer):
    """Songs out of a table with commas, semicolons or pipes between its columns."""

    name = "csv"
    title = "CSV table"
    delimiters: tuple[str, ...] = (",", ";", "|")
    extensions: tuple[str, ...] = (".csv",)

    @classmethod
    def recognise(cls, sample: Sample) -> float:
        is_named_so = sample.extension in (".csv", ".tsv", ".tab")
        rows = _sample_rows(sample, likeliest_delimiter(sample, cls.delimiters))
        if not rows or len(rows[0].cells) < 2:
            # One column only: nothing but its name makes this a table.
            return 0.5 if sample.extension in cls.extensions else 0.0
        known = sum(map(is_known_name, rows[0].cells))
        sound = _sound_share(rows)
        if known and (sound >= 0.5 or (is_named_so and (known > 1 or len(rows) <= _FEW_ROWS))):
            return min(0.95, 0.55 + 0.1 * known + 0.2 * is_named_so + 0.05 * sound)
        if is_named_so and sound >= 0.5:
            return 0.6
        return 0.55 if sound >= 0.95 and len(rows) > 5 and len(rows[0].cells) > 2 else 0.1

    @classmethod
    def examine(cls, sample: Sample, options: ImportOptions) -> Findings:
        delimiter = options.delimiter or likeliest_delimiter(sample, cls.delimiters)
        rows = _sample_rows(sample, delimiter)
        if not rows or rows[0].problem:
            raise ImportRefused(
                "The first row of this table cannot be read: it is very long, or a quotation mark in it never closes."
            )
        has_header = options.has_header
        if has_header is None:
            has_header = _begins_with_names(rows)
        columns = unique_names(rows[0].cells) if has_header else numbered_names(len(rows[0].cells))
        preset = recognised(columns, sample.filename, chosen=options.preset) if has_header else None
        if preset and preset.refusal and not options.mapping:
            raise ImportRefused(preset.refusal)
        songs = [dict(zip(columns, row.cells, strict=True)) for row in rows[has_header:] if not row.problem]
        mapping, needs_mapping = complete_mapping(options.mapping, columns, songs, preset)
        if len(columns) == 1 and not mapping:
            mapping = {"lyrics": columns[0]}
        options = replace(
            options,
            delimiter=delimiter,
            has_header=has_header,
            mapping=mapping,
            preset=name_of(preset, options.preset),
        )
        warnings = (*_warnings(columns, mapping, has_header, needs_mapping), *(preset.notes if preset else ()))
        return Findings(options, columns, warnings, needs_mapping, looks_like=title_of(options.preset))

    def records(self, stream: BinaryIO, progress: Progress | None = None) -> Iterator[ParsedSong | RowError]:
        chunks = decoded_chunks(CountedStream(stream, progress), self.options.encoding)
        rows = iter(self._rows(chunks))
        if (first := next(rows, None)) is None or (first.problem and self.options.has_header):
            raise ImportRefused("The first row of this table cannot be read.")
        if self.options.has_header:
            columns = unique_names(first.cells)
        else:
            columns, rows = numbered_names(len(first.cells)), chain([first], rows)
        places = self._places(columns)
        preset = working_preset(self.options.preset, self.options.mapping)
        for number, row in enumerate(rows, start=1):
            if row.problem:
                yield self._problem(number, row, len(columns))
            else:
                yield self._song(number, row, places, preset)

    def _rows(self, chunks) -> TableRows:
        return _table(chunks, self.options.delimiter, self.limits.record_characters)

    def _places(self, columns: Sequence[str]) -> dict[str, int]:
        """Where in a row each role stands."""
        mapping, _ = complete_mapping(self.options.mapping, columns, ())
        return {role: columns.index(column) for role, column in mapping.items() if role in self.options.mapping}

    def _problem(self, number: int, row: Row, width: int) -> RowError:
        if row.problem == "oversized":
            return oversized(number, row.line, row.beginning, limits=self.limits)
        if row.problem == "unclosed":
            message = f"A quotation mark in this row never closes. {_went_on(row)}"
        else:
            message = f"This row has {len(row.cells)} columns where the table has {width}."
        return malformed(number, row.line, row.beginning, message)

    def _song(self, number: int, row: Row, places: dict[str, int], preset: Preset | None) -> ParsedSong | RowError:
        values = {role: row.cells[place] for role, place in places.items()}
        column = self.options.mapping["lyrics"]
        if preset:
            if preset.guards_formulas:
                values = {role: without_guard(cell) for role, cell in values.items()}
            if preset.is_no_song(values):
                return no_song(number, row.line, values["lyrics"], values["genre"])
            values = preset.repaired(values)
        return assemble_song(number, row.line, values.pop("lyrics"), limits=self.limits, column=column, **values)


class TsvSongs(CsvSongs):
    """The same with tabs, whatever the file is called: many tables with tabs are named .csv."""

    name = "tsv"
    title = "table with tabs"
    delimiters = ("\t",)
    extensions = (".tsv", ".tab")


def _went_on(row: Row) -> str:
    if not row.next_line:
        return "It takes the rest of the file with it."
    return f"Reading went on at line {row.next_line:,}."


def likeliest_delimiter(sample: Sample, delimiters: Sequence[str]) -> str:
    """The delimiter under which the sample's rows agree best with its first row, unless Excel left word of it."""
    if (found := _EXCEL_LINE.match(sample.text)) and found[1] in delimiters:
        return found[1]
    return max(delimiters, key=lambda delimiter: _agreement(_sample_rows(sample, delimiter)))


def _table(chunks: Iterable[str], delimiter: str, longest: int) -> TableRows:
    """The rows of a table, without the line in which Excel names its delimiter."""
    lines = read_lines(chunks, longest)
    while len(lines.text) < _EXCEL_CHARACTERS and lines.fill():
        pass
    if found := _EXCEL_LINE.match(lines.text):
        lines.take(found.end(), 1)
    return TableRows(lines, delimiter, longest=longest)


def _agreement(rows: list[Row]) -> tuple:
    if not rows or len(rows[0].cells) < 2:
        return 0, 0.0, 0
    return sum(map(is_known_name, rows[0].cells)), _sound_share(rows), len(rows[0].cells)


def _sound_share(rows: list[Row]) -> float:
    """The share of rows that have as many columns as the first one."""
    return sum(not row.problem for row in rows[1:]) / (len(rows) - 1) if len(rows) > 1 else 1.0


def _sample_rows(sample: Sample, delimiter: str) -> list[Row]:
    """The first rows of the sample, without one that its end cuts through."""
    rows = list(islice(_table([sample.text], delimiter, UPLOAD_LIMITS.record_characters), _SAMPLE_ROWS))
    return rows[:-1] if len(rows) > 1 and len(rows) < _SAMPLE_ROWS and not sample.is_whole else rows


def _begins_with_names(rows: list[Row]) -> bool:
    """Whether the first row names the columns: by a name we know, or short words above longer text."""
    names, others = rows[0].cells, [row.cells for row in rows[1:] if not row.problem]
    if any(map(is_known_name, names)):
        return True
    if not others or not all(_could_be_a_name(name) for name in names[1:] or names):
        return False
    averages = [sum(len(cells[place]) for cells in others) / len(others) for place in range(len(names))]
    longest = max(range(len(names)), key=averages.__getitem__)
    return averages[longest] > 3 * max(len(names[longest]), 5)


def _could_be_a_name(cell: str) -> bool:
    is_short_line = 0 < len(cell.strip()) <= _HEADER_CHARACTERS and "\n" not in cell
    return is_short_line and not _NUMBER.fullmatch(cell)


def _warnings(columns: Sequence[str], mapping: dict[str, str], has_header: bool, needs_mapping: bool) -> Iterator[str]:
    if not has_header:
        yield "The first row does not look like column names, so the columns are numbered and it is read as a song."
    if len(columns) == 1:
        yield (
            "This table has one column only, so each row is read as one song. If that is wrong, choose the delimiter, "
            "or plain text as the format."
        )
    if needs_mapping and "lyrics" in mapping:
        yield f"No column is named like lyrics; “{mapping['lyrics']}” holds the longest text. Please confirm it."
    elif needs_mapping:
        yield "No column looks like lyrics. Please say which one holds them."
