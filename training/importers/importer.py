"""What an importer is: the contract that every format's class keeps."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .limits import UPLOAD_LIMITS, Limits
from .options import ImportOptions
from .records import ParsedSong, RowError

Progress = Callable[[int], None]


class CountedStream:
    """A stream that tells ``progress`` after each read how far into the file that was."""

    def __init__(self, stream: BinaryIO, progress: Progress | None):
        self._stream = stream
        self._progress = progress
        self.seek = stream.seek
        self.seekable = getattr(stream, "seekable", bool)

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        if self._progress:
            self._progress(self._stream.tell())
        return chunk


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a file, for recognising what it is."""

    head: bytes
    text: str
    filename: str = ""
    is_whole: bool = False

    @property
    def extension(self) -> str:
        """The file name's ending in lower case with its dot, or the empty string."""
        _, dot, ending = self.filename.rpartition(".")
        return (dot + ending).lower()


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out about a file: options completed, and what a person should hear about it.

    ``looks_like`` is the title of the public dataset that the file seems to be, if any.
    """

    options: ImportOptions
    columns: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    needs_mapping: bool = False
    looks_like: str = ""


class Importer:
    """One format. Subclasses are pure: a binary stream in, ParsedSong and RowError out."""

    name: str
    title: str  # for people: "CSV table"

    def __init__(self, options: ImportOptions, *, filename: str = "", limits: Limits = UPLOAD_LIMITS):
        self.options = options
        self.filename = filename
        self.limits = limits

    @classmethod
    def recognise(cls, sample: Sample) -> float:
        """How surely the sample is of this format, 0 to 1; by content first, the name only tips the scale."""
        raise NotImplementedError

    @classmethod
    def examine(cls, sample: Sample, options: ImportOptions) -> Findings:
        """Complete ``options`` (delimiter, mapping, separator …) from the sample."""
        return Findings(options)

    def records(self, stream: BinaryIO, progress: Progress | None = None) -> Iterator[ParsedSong | RowError]:
        """Every record of ``stream``, which stands at its beginning, numbered from 1, in bounded memory.

        Calls ``progress`` with the number of bytes read so far.

        Raises: ImportRefused where the file as a whole turns out unreadable.
        """
        raise NotImplementedError
