"""What a ZIP archive says it holds, read by our own hand: nothing is unpacked here and no name becomes a path.

Python's ``zipfile`` builds an object for every entry before one can count them, and looks at neither overlaps nor the
sizes it was told. Here entries are counted first, and each member's bytes are known to be its own.
Source of the layout: PKWARE APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.14-4.3.16, 4.5.3.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import BinaryIO

from .limits import Limits
from .records import ImportRefused

STORED, DEFLATED = 0, 8

_END = struct.Struct("<4s4H2LH")  # signature, disks and counts, size and offset of the directory, length of the comment
_END_64_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 0xFFFF
_NEEDS_64 = 0xFFFFFFFF
_DAMAGED = "This ZIP archive is damaged or incomplete. Pack it again and upload that."
_HOSTILE = "This ZIP archive contradicts itself, as only a damaged or a hostile one does. It was not opened."


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One entry of an archive: what it claims, and where its bytes begin."""

    name: str
    method: int
    is_encrypted: bool
    is_link: bool
    checksum: int
    compressed_bytes: int
    bytes: int
    header_offset: int
    data_offset: int = 0

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


def read_directory(stream: BinaryIO, limits: Limits) -> list[ZipEntry]:
    """The members of an archive, folders included, after every check that needs no unpacking.

    Raises: ImportRefused if the archive is damaged, has too many members, would unpack to too much, or if members
        overlap.
    """
    count, size, offset = _find_directory(stream)
    if count > limits.archive_members:
        raise ImportRefused(
            f"This archive has {count:,} members; at most {limits.archive_members:,} are read. Split it, or make one "
            "CSV or JSON Lines file of it."
        )
    members = [_with_data_offset(stream, member) for member in _entries(stream, count, size, offset)]
    _refuse_overlaps(members, offset)
    _refuse_bombs(members, offset, limits)
    return members


def _find_directory(stream: BinaryIO) -> tuple[int, int, int]:
    """How many entries the directory has, its size and its offset."""
    length = stream.seek(0, 2)
    start = max(0, length - _END.size - _LONGEST_COMMENT)
    stream.seek(start)
    tail = stream.read(_END.size + _LONGEST_COMMENT)
    place = tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) < place + _END.size:
        raise ImportRefused(_DAMAGED)
    _, disk, first_disk, here, count, size, offset, _ = _END.unpack_from(tail, place)
    end = start + place
    if count == 0xFFFF or _NEEDS_64 in (size, offset):
        count, size, offset, end = _find_directory_64(stream, end)
    elif disk or first_disk or here != count:
        raise ImportRefused("This ZIP archive has several parts. Pack it as one file and upload that.")
    if offset + size != end:
        raise ImportRefused(_DAMAGED)
    return count, size, offset


def _find_directory_64(stream: BinaryIO, end: int) -> tuple[int, int, int, int]:
    signature, _, offset_64, _ = _read(stream, end - _END_64_LOCATOR.size, _END_64_LOCATOR)
    if signature != b"PK\6\7":
        raise ImportRefused(_DAMAGED)
    signature, *_, count, size, offset = _read(stream, offset_64, _END_64)
    if signature != b"PK\6\6":
        raise ImportRefused(_DAMAGED)
    return count, size, offset, offset_64


def _entries(stream: BinaryIO, count: int, size: int, offset: int) -> Iterator[ZipEntry]:
    place = offset
    for _ in range(count):
        fields = _read(stream, place, _ENTRY)
        name_length, extra_length, comment_length = fields[10:13]
        following = place + _ENTRY.size + name_length + extra_length + comment_length
        if fields[0] != b"PK\1\2" or following > offset + size:
            raise ImportRefused(_DAMAGED)
        stream.seek(place + _ENTRY.size)
        name, extra = stream.read(name_length), stream.read(extra_length)
        yield _member(fields, name, extra)
        place = following
    if place != offset + size:
        raise ImportRefused(_HOSTILE)


def _member(fields: tuple, name: bytes, extra: bytes) -> ZipEntry:
    _, made_by, _, flags, method, _, _, checksum, compressed, size, *_, attributes, header_offset = fields
    size, compressed, header_offset = _widened(extra, size, compressed, header_offset)
    is_unix = made_by >> 8 in (3, 19)
    return ZipEntry(
        name=_decoded_name(name, is_utf_8=bool(flags & 0x800)),
        method=method,
        is_encrypted=bool(flags & 0x2041),
        is_link=is_unix and attributes >> 28 == 0o12,
        checksum=checksum,
        compressed_bytes=compressed,
        bytes=size,
        header_offset=header_offset,
    )


def _widened(extra: bytes, *values: int) -> Iterator[int]:
    """The values with those that did not fit into 32 bits taken from the ZIP64 extra field, in their order."""
    wide, place = b"", 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, place)
        if kind == 1:
            wide = extra[place + 4 : place + 4 + length]
        place += 4 + length
    for value in values:
        if value == _NEEDS_64:
            if len(wide) < 8:
                raise ImportRefused(_HOSTILE)
            (value,), wide = struct.unpack("<Q", wide[:8]), wide[8:]
        yield value


def _decoded_name(name: bytes, *, is_utf_8: bool) -> str:
    try:
        return name.decode("utf-8").replace("\\", "/")  # many packers write UTF-8 without saying so
    except UnicodeDecodeError:
        return name.decode("utf-8" if is_utf_8 else "cp437", "replace").replace("\\", "/")


def _with_data_offset(stream: BinaryIO, member: ZipEntry) -> ZipEntry:
    signature, *_, name_length, extra_length = _read(stream, member.header_offset, _LOCAL)
    if signature != b"PK\3\4":
        raise ImportRefused(_HOSTILE)
    data_offset = member.header_offset + _LOCAL.size + name_length + extra_length
    return replace(member, data_offset=data_offset)


def _refuse_overlaps(members: list[ZipEntry], directory_offset: int) -> None:
    in_order = sorted((member.header_offset, member.data_offset + member.compressed_bytes) for member in members)
    for (_, end), (following, _) in pairwise([*in_order, (directory_offset, directory_offset)]):
        if end > following:
            raise ImportRefused(_HOSTILE)


def _refuse_bombs(members: list[ZipEntry], directory_offset: int, limits: Limits) -> None:
    """By what the members claim; that they keep to it is checked while they are unpacked."""
    total = sum(member.bytes for member in members)
    if total > limits.archive_bytes:
        raise ImportRefused(
            f"This archive would unpack to {total:,} bytes; at most {limits.archive_bytes:,} are read. Split it."
        )
    for unpacked, packed in [
        (total, directory_offset),
        *((member.bytes, member.compressed_bytes) for member in members),
    ]:
        if unpacked > max(limits.archive_ratio_floor_bytes, limits.archive_ratio * packed):
            raise ImportRefused(
                f"This archive would unpack to more than {limits.archive_ratio} times its size, as no song does. "
                "It was not opened."
            )


def _read(stream: BinaryIO, offset: int, layout: struct.Struct) -> tuple:
    if offset < 0:
        raise ImportRefused(_DAMAGED)
    stream.seek(offset)
    found = stream.read(layout.size)
    if len(found) < layout.size:
        raise ImportRefused(_DAMAGED)
    return layout.unpack(found)
