"""One file of songs, alone or as a member of an archive: unwrapped, its encoding and format found, its songs read."""

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, NamedTuple

from .binary import refuse_binary, refuse_unreadable_text
from .encoding import DetectedEncoding, decoded_chunks, detect_encoding
from .gzip_stream import GunzipStream, is_gzip, unwrapped_name
from .importer import Findings, Importer, Sample
from .limits import Limits
from .options import ImportOptions
from .quick_look import look_quickly
from .records import ImportRefused, InvalidOptions, ParsedSong, Reason, RowError
from .registry import IMPORTERS
from .values import malformed

# Long enough for one whole record of JSON, however its lyrics are escaped.
HEAD_BYTES = 2 * 1024 * 1024
_GARBAGE = "Something that is no gzip data follows the end of this gzip file. It was left out."


class Examined(NamedTuple):
    """The importer that reads a file, what it found out, and the encoding."""

    importer: Importer
    findings: Findings
    encoding: DetectedEncoding

    @property
    def is_readable(self) -> bool:
        """Whether it is known which column holds the lyrics, or there are no columns."""
        return not self.findings.columns or "lyrics" in self.findings.options.mapping


def unwrapped(stream: BinaryIO, limits: Limits, *, most_bytes: int | None = None) -> BinaryIO:
    """The stream itself at its beginning, or what is inside if it is gzip-wrapped."""
    stream.seek(0)
    head = stream.read(2)
    stream.seek(0)
    return GunzipStream(stream, limits, most_bytes=most_bytes) if is_gzip(head) else stream


def head_of(stream: BinaryIO) -> bytes:
    """The beginning of a file. Raises: ImportRefused if there is none."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    if not head:
        raise ImportRefused("This file is empty.", reason=Reason.EMPTY)
    return head


def examine(
    stream: BinaryIO,
    filename: str,
    options: ImportOptions,
    limits: Limits,
    *,
    quick: bool = False,
    checked: bool = False,
    is_member: bool = False,
) -> Examined:
    """The importer for ``stream`` with completed options; leaves the stream anywhere.

    Args:
        stream: rewindable and not gzip-wrapped (any more).
        quick: look at a large file's encoding here and there only; the options then leave it open, so that reading
            looks at all of it.
        checked: an encoding in the options is taken as it is, without looking how well it fits.
        is_member: a mapping that names columns which are not there is that of another member, and left alone.
    Raises: ImportRefused if this is no text, or nothing of the kind that the options say.
    """
    filename = unwrapped_name(filename)
    head = head_of(stream)
    refuse_binary(head)
    encoding, is_whole = _encoding(stream, options.encoding, quick=quick, checked=checked)
    sample = Sample(head, _text(head, encoding.name), filename, is_whole=len(head) < HEAD_BYTES)
    if sample.is_whole and not sample.text.strip():
        raise ImportRefused("There is nothing but white space in this file.", reason=Reason.EMPTY)
    kind = IMPORTERS[options.format] if options.format else most_likely(sample)
    completed = replace(options, format=kind.name, encoding=encoding.name)
    try:
        findings = kind.examine(sample, completed)
    except InvalidOptions:
        if not is_member:
            raise
        findings = kind.examine(sample, replace(completed, mapping={}))
    importer = kind(findings.options, filename=filename, limits=limits)
    if not (is_whole or options.encoding):
        findings = replace(findings, options=replace(findings.options, encoding=""))
    return Examined(importer, findings, encoding)


def most_likely(sample: Sample) -> type[Importer]:
    """The format whose importer is surest about the sample."""
    return max(IMPORTERS.values(), key=lambda importer: importer.recognise(sample))


def records(importer: Importer, stream: BinaryIO) -> Iterator[ParsedSong | RowError]:
    """Every record of the stream, and what is wrong with the gzip file around it."""
    stream.seek(0)
    number = 0
    for item in importer.records(stream):
        number = item.record_number
        yield item
    if isinstance(stream, GunzipStream) and stream.has_garbage:
        yield malformed(number + 1, 1, "", _GARBAGE)


def _encoding(stream: BinaryIO, chosen: str, *, quick: bool, checked: bool) -> tuple[DetectedEncoding, bool]:
    """The encoding, and whether all of the file was looked at for it."""
    if chosen and checked:
        return DetectedEncoding(chosen, 1.0), True
    if quick:
        return look_quickly(stream, chosen)
    stream.seek(0)
    return detect_encoding(stream, chosen), True


def _text(head: bytes, encoding: str) -> str:
    """The decoded beginning of a file. Raises: ImportRefused if it is no text."""
    text = "".join(decoded_chunks(io.BytesIO(head), encoding))
    refuse_unreadable_text(head, text, encoding)
    return text
