"""Song files in, songs out: any file a person has becomes ParsedSong and RowError, in bounded memory.

    inspection = inspect("songs.csv")                      # what is it, and what would we read out of it?
    for item in iterate_records("songs.csv", inspection.options):
        ...                                                # ParsedSong or RowError, in the order of the file

Nothing here knows Django or the database. A broken record becomes a RowError and never swallows its neighbours; a
file that is no song file at all raises ImportRefused with a sentence its owner can act on.

To add an importer: write one file with a class like those in ``csv_songs``, ``json_lines`` or ``plain_text`` (the
contract is ``Importer`` in ``importer``) and add one line to ``IMPORTERS`` in ``registry``.
"""

from .encoding import ENCODINGS, DetectedEncoding
from .inspection import Inspection, inspect, iterate_records
from .limits import UPLOAD_LIMITS, Limits
from .options import FORMAT_NAMES, ROLES, SEPARATORS, SHOWN_CHARACTERS, ImportOptions
from .records import ImportRefused, InvalidOptions, ParsedSong, Reason, RowError

__all__ = [
    "ENCODINGS",
    "FORMAT_NAMES",
    "ROLES",
    "SEPARATORS",
    "SHOWN_CHARACTERS",
    "UPLOAD_LIMITS",
    "DetectedEncoding",
    "ImportOptions",
    "ImportRefused",
    "Inspection",
    "InvalidOptions",
    "Limits",
    "ParsedSong",
    "Reason",
    "RowError",
    "inspect",
    "iterate_records",
]
