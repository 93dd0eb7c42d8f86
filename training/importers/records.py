"""What every importer hands out: a song, or the reason why a record is none."""

from dataclasses import asdict, dataclass
from enum import StrEnum

SNIPPET_CHARACTERS = 120


class Reason(StrEnum):
    """Why a record was rejected."""

    EMPTY = "empty"  # no word to sing
    MALFORMED = "malformed"  # cannot be read as a record: wrong number of columns, broken JSON, unclosed quote
    OVERSIZED = "oversized"  # longer than the limit for one song
    BINARY = "binary"  # not text
    JUNK = "junk"  # a system file inside an archive, or one that holds no lyrics
    UNSAFE_PATH = "unsafe_path"  # a name inside an archive that points out of it


class ImportRefused(Exception):
    """Raised when a file as a whole cannot be imported; the message says what to do about it.

    ``reason`` is under what the file counts where it is only a member of an archive.
    """

    def __init__(self, message: str, *, reason: Reason = Reason.MALFORMED):
        self.reason = reason
        super().__init__(message)


class InvalidOptions(ImportRefused):
    """Raised when the caller's options make no sense; ``errors`` maps each option to its messages."""

    def __init__(self, errors: dict[str, list[str]]):
        self.errors = errors
        super().__init__(" ".join(message for messages in errors.values() for message in messages))


@dataclass(frozen=True, slots=True)
class ParsedSong:
    """One song as its file gives it: decoded, NFC, newlines as ``\\n``, nothing cleaned.

    ``record_number`` counts every record of the file from 1, rejected ones too, and is the same each time the
    file is read with the same options. ``line`` is where the record begins (in an archive: within its member).
    Whatever the file does not say is the empty string, or None for the year.
    """

    record_number: int
    line: int
    title: str = ""
    artist: str = ""
    genre: str = ""
    year: int | None = None
    language: str = ""
    text: str = ""

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RowError:
    """One record that gave no song, and why.

    ``column`` is the column's name where one cell is to blame, in an archive the member's name, otherwise empty.
    ``snippet`` is the beginning of what stood there, on one line. Both are hostile text: escape them.
    """

    record_number: int
    line: int
    column: str
    reason: Reason
    message: str
    snippet: str = ""

    def to_dict(self) -> dict:
        return {**asdict(self), "reason": str(self.reason)}
