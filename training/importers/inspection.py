"""The two doors of this room: look at a file, and read all of it."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from .binary import refuse_binary, refuse_unreadable_text
from .encoding import DetectedEncoding, decoded_chunks, detect_encoding
from .importer import Findings, Importer, Progress, Sample
from .limits import UPLOAD_LIMITS, Limits
from .options import ImportOptions
from .records import ImportRefused, ParsedSong, RowError
from .registry import IMPORTERS

# Long enough for one whole record of JSON, however its lyrics are escaped.
HEAD_BYTES = 2 * 1024 * 1024
PREVIEW_SONGS = 20
PREVIEW_RECORDS = 100


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file is and what its first records give.

    ``options`` are complete: handed to ``iterate_records`` they read the file the way the preview shows.
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
    """Say what ``source`` is, and show up to 20 of its songs; nothing is stored.

    Args:
        source: a path or a seekable binary stream; a stream is read from its beginning and left at its end.
        filename: the name its owner gave it, which tips the scale where the content leaves a choice.
        options: what a person already decided.
    Raises: ImportRefused if this is no song file; InvalidOptions if the mapping names a column that is not there.
    """
    with _opened(source) as stream:
        filename = filename or _name_of(source)
        importer, findings, encoding = _examine(stream, filename, options or ImportOptions(), limits)
        songs, errors = _preview(importer, stream) if _is_readable(findings) else ((), ())
    return Inspection(
        options=findings.options,
        encoding=encoding,
        columns=findings.columns,
        songs=songs,
        errors=errors,
        warnings=(*_encoding_warnings(encoding), *findings.warnings, *_preview_warnings(findings, songs)),
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
) -> Iterator[ParsedSong | RowError]:
    """Every record of ``source`` in the order of the file, numbered from 1, in bounded memory.

    The same file and options give the same records with the same numbers each time, so an import can go on where
    it was. Options that ``inspect`` completed are used as they are; whatever is open is found out first.

    Args:
        progress: called with the number of bytes read so far (of the archive, for an archive) as reading goes on.
    Raises: ImportRefused if the file cannot be read at all, or where an archive turns out to be a trap.
    """
    with _opened(source) as stream:
        filename = filename or _name_of(source)
        importer, findings, _ = _examine(stream, filename, options or ImportOptions(), limits, scan_all=False)
        if not _is_readable(findings):
            raise ImportRefused("Say first which column holds the lyrics.")
        stream.seek(0)
        yield from importer.records(stream, progress)


def _examine(
    stream: BinaryIO, filename: str, options: ImportOptions, limits: Limits, *, scan_all: bool = True
) -> tuple[Importer, Findings, DetectedEncoding]:
    """The importer for ``stream`` with completed options; leaves the stream anywhere."""
    head = _head(stream)
    if not head:
        raise ImportRefused("This file is empty.")
    refuse_binary(head)
    sample = Sample(head, "", filename, is_whole=len(head) < HEAD_BYTES)
    kind, encoding = _archive(sample), DetectedEncoding("", 1.0)
    if kind is None:
        encoding = _encoding(stream, options.encoding, scan_all)
        sample = _readable(sample, encoding.name)
        kind = IMPORTERS[options.format] if options.format else _most_likely(sample)
    else:
        encoding = replace(encoding, name=options.encoding)  # each member has its own, unless a person chose one
    options = replace(options, format=kind.name, encoding=encoding.name)
    findings = kind.examine(sample, options)
    return kind(findings.options, filename=filename, limits=limits), findings, encoding


def _encoding(stream: BinaryIO, chosen: str, scan_all: bool) -> DetectedEncoding:
    if chosen and not scan_all:
        return DetectedEncoding(chosen, 1.0)
    stream.seek(0)
    return detect_encoding(stream, chosen)


def _most_likely(sample: Sample) -> type[Importer]:
    return max(IMPORTERS.values(), key=lambda importer: importer.recognise(sample))


def _head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(HEAD_BYTES)


def _archive(sample: Sample) -> type[Importer] | None:
    archives = (importer for importer in IMPORTERS.values() if not importer.is_text)
    return next((importer for importer in archives if importer.recognise(sample)), None)


def _readable(sample: Sample, encoding: str) -> Sample:
    """The sample with its text. Raises: ImportRefused if there is none."""
    text = "".join(decoded_chunks(io.BytesIO(sample.head), encoding))
    refuse_unreadable_text(sample.head, text, encoding)
    if sample.is_whole and not text.strip():
        raise ImportRefused("There is nothing but white space in this file.")
    return replace(sample, text=text)


def _preview(importer: Importer, stream: BinaryIO) -> tuple[tuple[ParsedSong, ...], tuple[RowError, ...]]:
    stream.seek(0)
    songs, errors = [], []
    for item in islice(importer.records(stream), PREVIEW_RECORDS):
        (songs if isinstance(item, ParsedSong) else errors).append(item)
        if len(songs) == PREVIEW_SONGS:
            break
    return tuple(songs), tuple(errors)


def _is_readable(findings: Findings) -> bool:
    return not findings.columns or "lyrics" in findings.options.mapping


def _encoding_warnings(encoding: DetectedEncoding) -> Iterator[str]:
    if encoding.confidence < 0.8:
        yield (
            f"The characters were read as {encoding.name}, which is a guess. "
            "If letters look wrong in the preview, choose another encoding."
        )
    if encoding.replaced:
        yield f"{encoding.replaced:,} characters could not be read as {encoding.name} and are shown as \ufffd."


def _preview_warnings(findings: Findings, songs: tuple[ParsedSong, ...]) -> Iterator[str]:
    if not songs and _is_readable(findings):
        yield "No song was found at the beginning of this file."
    if len(songs) >= 3 and all("\n" not in song.text.strip() for song in songs):
        yield "The songs have no line breaks, so a model cannot learn verses from them."


@contextmanager
def _opened(source: str | Path | BinaryIO) -> Iterator[BinaryIO]:
    """The stream itself, or the file at the path, closed afterwards."""
    if isinstance(source, str | Path):
        with Path(source).open("rb") as stream:
            yield stream
    else:
        yield source


def _name_of(source: str | Path | BinaryIO) -> str:
    name = source if isinstance(source, str | Path) else getattr(source, "name", "")
    return Path(name).name if isinstance(name, str | Path) else ""
