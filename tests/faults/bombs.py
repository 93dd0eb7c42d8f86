"""Files made to hurt whoever opens them, and how much memory it took."""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1024 * 1024
STORED, DEFLATED = 0, 8
_LOCAL = struct.Struct("<4s5H3L2H")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")


@dataclass
class Claimed:
    """A member with whatever its headers are to say of it, true or not."""

    name: str
    data: bytes
    bytes: int
    method: int = DEFLATED
    checksum: int = 0
    offset: int | None = None  # where its header stands, if it is written already
    compressed_bytes: int | None = None

    @property
    def claimed_bytes(self) -> int:
        return len(self.data) if self.compressed_bytes is None else self.compressed_bytes

    def header(self) -> bytes:
        name, wide = self.name.encode(), self._wide()
        sizes = (0xFFFFFFFF, 0xFFFFFFFF) if wide else (self.claimed_bytes, self.bytes)
        return (
            _LOCAL.pack(b"PK\3\4", 20, 0, self.method, 0, 0, self.checksum, *sizes, len(name), len(wide)) + name + wide
        )

    def entry(self, offset: int) -> bytes:
        name, wide = self.name.encode(), self._wide()
        sizes = (0xFFFFFFFF, 0xFFFFFFFF) if wide else (self.claimed_bytes, self.bytes)
        return (
            _ENTRY.pack(b"PK\1\2", 20, 20, 0, self.method, 0, 0, self.checksum, *sizes, len(name), len(wide), 0, 0, 0,
                        0, offset) + name + wide
        )  # fmt: skip

    def _wide(self) -> bytes:
        """The ZIP64 field that sizes beyond 32 bits need."""
        return struct.pack("<2H2Q", 1, 16, self.bytes, self.claimed_bytes) if self.bytes > 0xFFFFFFFE else b""


def archive_of(*members: Claimed) -> bytes:
    """A ZIP archive whose headers say what the members claim."""
    body, entries = b"", b""
    for member in members:
        offset = len(body) if member.offset is None else member.offset
        entries += member.entry(offset)
        if member.offset is None:
            body += member.header() + member.data
    count = len(members)
    return body + entries + _END.pack(b"PK\5\6", 0, 0, count, count, len(entries), len(body), 0)


def deflated(content: bytes, times: int) -> bytes:
    """``content`` so many times over as one raw deflate stream, packed once: each piece begins at a whole byte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    piece = packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH)
    last = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return piece * times + last.flush()


def gzip_bomb(content: bytes, times: int) -> bytes:
    """The same as a gzip file, whose end nobody will reach."""
    return gzip.compress(b"")[:10] + deflated(content, times) + bytes(8)


def quoted_overlap(kernel: bytes, count: int) -> bytes:
    """David Fifield's bomb: each member quotes the headers behind its own, and all of them share one kernel.

    Source: https://www.bamsoftware.com/hacks/zipbomb/ (2019).
    """
    packed = zlib.compress(kernel, 9, -zlib.MAX_WBITS)
    content, data, written = kernel, packed, b""
    members: list[tuple[Claimed, int]] = []  # each with how far before the end of the kernel its header begins
    for number in reversed(range(count)):
        if written:  # a stored block that is not the last quotes what follows, up to the member behind
            header = written[: len(written) - len(data)]
            content = header + content
            data = struct.pack("<B2H", 0, len(header), 0xFFFF ^ len(header)) + header + data
        member = Claimed(f"{number}.txt", data, len(content), checksum=zlib.crc32(content))
        written = member.header() + data
        members.append((member, len(written)))
    claimed = []
    for member, behind in reversed(members):
        member.offset = len(written) - behind
        claimed.append(member)
    entries = b"".join(member.entry(member.offset) for member in claimed)
    return written + entries + _END.pack(b"PK\5\6", 0, 0, count, count, len(entries), len(written), 0)


def packed_as(method: int, content: bytes) -> bytes:
    """An archive of one member, packed by ``method`` of `zipfile`."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as target:
        target.writestr("a.txt", content)
    return archive.getvalue()


class Peak:
    """How much more memory than before a process held at once, in bytes, as the system counts it."""

    bytes = 0


@contextmanager
def measured(pid: int | str = "self") -> Iterator[Peak]:
    """Measure this process, or the one with this id."""
    peak, process = Peak(), Path("/proc") / str(pid)
    (process / "clear_refs").write_text("5")  # forget the highest so far
    before = _memory(process, "VmRSS")
    yield peak
    peak.bytes = _memory(process, "VmHWM") - before


def _memory(process: Path, name: str) -> int:
    lines = (process / "status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
