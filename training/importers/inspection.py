"""The two doors of this room: look at a file, and read all of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from .archive import NAME as ARCHIVE
from .archive import Archive
from .encoding import DetectedEncoding
from .folder_members import folder_members
from .importer import CountedStream, Findings, Progress
from .limits import UPLOAD_LIMITS, Limits
from .options import ImportOptions
from .records import ImportRefused, ParsedSong, RowError
from .text_files import examine, head_of, records, unwrapped
from .zip_members import zip_members

PREVIEW_SONGS = 20
PREVIEW_RECORDS = 100
_ZIP_SIGNATURES = (b"PK\3\4", b"PK\5\6")

EncodingFound = Callable[[DetectedEncoding], None]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file is and what its first records give.

    ``options`` are complete: handed to ``iterate_records`` they read the file the way the preview shows. Only the
    encoding of a very large file stays open, as the preview looked at samples of it; reading looks at all of it.
    ``needs_mapping`` says that a person has to name or confirm the lyrics column first; ``looks_like`` is the title
    of the public dataset that this seems to be, if any.
    """

    options: ImportOptions
    encoding: DetectedEncoding
    columns: tuple[str, ...]
    songs: tuple[ParsedSong, ...]
    errors: tuple[RowError, ...]
    warnings: tuple[str, ...]
    needs_mapping: bool
    looks_like: str = ""

    @property
    def format(self) -> str:
        return self.options.format

    @property
    def delimiter(self) -> str:
        return self.options.delimiter

    @property
    def mapping(self) -> dict[str, str]:
        return dict(self.options.mapping)

    def to_dict(self) -> dict:
        """JSON-safe values for the API's preview."""
        return {
            "format": self.format,
            "encoding": self.encoding.to_dict(),
            "delimiter": self.delimiter,
            "columns": list(self.columns),
            "mapping": self.mapping,
            "songs": [song.to_dict() for song in self.songs],
            "errors": [error.to_dict() for error in self.errors],
            "warnings": list(self.warnings),
            "needs_mapping": self.needs_mapping,
            "looks_like": self.looks_like,
            "options": self.options.to_dict(),
        }


def inspect(
    source: str | Path | BinaryIO,
    filename: str = "",
    options: ImportOptions | None = None,
    *,
    limits: Limits = UPLOAD_LIMITS,
) -> Inspection:
    """Say what ``source`` is, and show up to 20 of its songs; nothing is stored, and little of a large file is read.

    Args:
        source: the path of a file or folder, or a seekable binary stream, which is left anywhere.
        filename: the name its owner gave it, which tips the scale where the content leaves a choice.
        options: what a person already decided.
    Raises: ImportRefused if this is no song file; InvalidOptions if the mapping names a column that is not there.
    """
    options, filename = options or ImportOptions(), filename or _name_of(source)
    with _opened(source) as opened:
        if (archive := _archive(opened, options, limits, is_preview=True)) is not None:
            findings, songs, errors = archive.preview(PREVIEW_SONGS, PREVIEW_RECORDS)
            encoding = archive.encoding
        else:
            stream = unwrapped(opened, limits)
            importer, findings, encoding = examined = examine(stream, filename, options, limits, quick=True)
            songs, errors = _preview(records(importer, stream)) if examined.is_readable else ([], [])
    warnings = (*_encoding_warnings(encoding), *findings.warnings, *_preview_warnings(findings, songs))
    return Inspection(
        options=findings.options,
        encoding=encoding,
        columns=findings.columns,
        songs=tuple(songs),
        errors=tuple(errors),
        warnings=warnings,
        needs_mapping=findings.needs_mapping,
        looks_like=findings.looks_like,
    )


def iterate_records(
    source: str | Path | BinaryIO,
    options: ImportOptions | None = None,
    *,
    filename: str = "",
    limits: Limits = UPLOAD_LIMITS,
    progress: Progress | None = None,
    encoding_found: EncodingFound | None = None,
) -> Iterator[ParsedSong | RowError]:
    """Every record of ``source`` in the order of the file, numbered from 1, in bounded memory.

    The same file and options give the same records with the same numbers each time, so an import can go on where
    it was. Options that ``inspect`` completed are used as they are; whatever is open is found out first.

    Args:
        source: the path of a file or folder, or a seekable binary stream.
        progress: called with the number of bytes read so far as reading goes on: of the file as it is stored, also
            where it is an archive or gzip-wrapped; of a folder, of all its files. While a file is only checked it is
            called too, with the number it had, so that silence means that nothing happens any more.
        encoding_found: called before the first record with the encoding that a file which is no archive is read in.
    Raises: ImportRefused if the file cannot be read at all, or where an archive turns out to be a trap.
    """
    options, filename = options or ImportOptions(), filename or _name_of(source)
    with _opened(source) as opened:
        if (archive := _archive(opened, options, limits)) is not None:
            yield from archive.records(progress)
            return
        waiting = CountedStream(opened, _standing_still(progress))
        examined = examine(unwrapped(waiting, limits), filename, options, limits, checked=True)
        if not examined.is_readable:
            raise ImportRefused("Say first which column holds the lyrics.")
        if encoding_found:
            encoding_found(examined.encoding)
        yield from records(examined.importer, unwrapped(CountedStream(opened, progress), limits))


def _standing_still(progress: Progress | None) -> Progress | None:
    return (lambda _: progress(0)) if progress else None


def _archive(
    opened: Path | BinaryIO, options: ImportOptions, limits: Limits, *, is_preview: bool = False
) -> Archive | None:
    """The many files that this is, None if it is one."""
    if isinstance(opened, Path):
        return Archive(folder_members(opened), options, limits, is_preview=is_preview)
    if head_of(opened).startswith(_ZIP_SIGNATURES) or options.format == ARCHIVE:
        return Archive(zip_members(opened, limits), options, limits, is_preview=is_preview)
    return None


def _preview(items: Iterator[ParsedSong | RowError]) -> tuple[list[ParsedSong], list[RowError]]:
    songs, errors = [], []
    for item in islice(items, PREVIEW_RECORDS):
        (songs if isinstance(item, ParsedSong) else errors).append(item)
        if len(songs) == PREVIEW_SONGS:
            break
    return songs, errors


def _encoding_warnings(encoding: DetectedEncoding) -> Iterator[str]:
    if encoding.confidence < 0.8:
        yield (
            f"The characters were read as {encoding.name}, which is a guess. "
            "If letters look wrong in the preview, choose another encoding."
        )
    if encoding.replaced:
        yield f"{encoding.replaced:,} characters could not be read as {encoding.name} and are shown as \ufffd."


def _preview_warnings(findings: Findings, songs: list[ParsedSong]) -> Iterator[str]:
    is_readable = not findings.columns or "lyrics" in findings.options.mapping
    if not songs and is_readable:
        yield "No song was found at the beginning of this file."
    if len(songs) >= 3 and all("\n" not in song.text.strip() for song in songs):
        yield "The songs have no line breaks, so a model cannot learn verses from them."


@contextmanager
def _opened(source: str | Path | BinaryIO) -> Iterator[Path | BinaryIO]:
    """The stream itself, the file at the path, closed afterwards, or the path of a folder."""
    if not isinstance(source, str | Path):
        yield source
    elif Path(source).is_dir():
        yield Path(source)
    else:
        with Path(source).open("rb") as stream:
            yield stream


def _name_of(source: str | Path | BinaryIO) -> str:
    name = source if isinstance(source, str | Path) else getattr(source, "name", "")
    return Path(name).name if isinstance(name, str | Path) else ""
