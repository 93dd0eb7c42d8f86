"""Every text format's importer, one line each. Where two are equally sure about a file, the earlier one gets it."""

from .csv_songs import CsvSongs, TsvSongs
from .importer import Importer
from .json_document import JsonDocument
from .json_lines import JsonLines
from .plain_text import PlainText

IMPORTERS: dict[str, type[Importer]] = {
    importer.name: importer
    for importer in (
        JsonLines,
        JsonDocument,
        TsvSongs,
        CsvSongs,
        PlainText,
    )
}
