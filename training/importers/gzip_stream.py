"""The bytes inside a gzip file, unpacked as they are asked for, counted, and never more than was promised.

Source of the layout: RFC 1952. One file may hold several members one after the other; together they are its content.
"""

import zlib
from typing import BinaryIO

from .limits import Limits
from .records import ImportRefused, Reason
from .unpacking import PIECE_BYTES, UnpackedStream

MAGIC = b"\x1f\x8b"
_WITH_HEADER = zlib.MAX_WBITS + 16  # zlib reads gzip's header and checks its checksum and length
# Block-wise packers write members of about 64 KiB. A crowd of empty ones is made to keep a reader busy.
_MANY_MEMBERS = 1000
_SMALLEST_MEMBER_BYTES = 1024


class DamagedGzip(ImportRefused):
    """Raised when the bytes of a gzip file are not those that were packed, or end too early."""


class GzipTooLarge(ImportRefused):
    """Raised when a gzip file unpacks to more than is read."""

    def __init__(self, message: str):
        super().__init__(message, reason=Reason.OVERSIZED)


def is_gzip(head: bytes) -> bool:
    """Whether a file with these first bytes is gzip-wrapped; no text begins with them."""
    return head.startswith(MAGIC)


def unwrapped_name(filename: str) -> str:
    """The name of the file inside: without ``.gz``."""
    return filename[:-3] if filename.lower().endswith(".gz") else filename


class GunzipStream(UnpackedStream):
    """A readable stream of what a gzip file holds, in bounded memory whatever it holds.

    ``has_garbage`` says, once the end was read, that something which is no gzip data follows it; all that comes
    before is sound, as every member's checksum was right.

    Args:
        stream: the gzip file; it is rewound when this one is, and only needs ``read`` and ``seek``.
        most_bytes: where others share the limit, what is left of it.
    Raises: DamagedGzip, GzipTooLarge, from reading.
    """

    def __init__(self, stream: BinaryIO, limits: Limits, *, most_bytes: int | None = None) -> None:
        super().__init__()
        self._stream = stream
        self._limits = limits
        self._most_bytes = limits.archive_bytes if most_bytes is None else most_bytes
        self._restart()

    def _restart(self) -> None:
        self._stream.seek(0)
        self._inflate = None
        self._packed = b""
        self._packed_bytes = self._unpacked_bytes = self._members = 0
        self._is_over = self.has_garbage = False

    def _piece(self, size: int) -> bytes:
        while not self._is_over:
            if self._inflate is None and not self._begin_member():
                break
            if not self._packed and not self._fetch():
                raise DamagedGzip("This gzip file ends too early. Pack or upload it again.")
            if piece := self._inflated(size):
                return self._counted(piece)
        return b""

    def _fetch(self) -> bool:
        """Take more packed bytes; False at the end."""
        packed = self._stream.read(PIECE_BYTES)
        self._packed += packed
        self._packed_bytes += len(packed)
        return bool(packed)

    def _begin_member(self) -> bool:
        """Stand at the beginning of the next member; False if there is none."""
        self._packed = self._packed.lstrip(b"\0") if self._members else self._packed
        while len(self._packed) < len(MAGIC) and self._fetch():
            self._packed = self._packed.lstrip(b"\0") if self._members else self._packed
        if self._packed[:2] != MAGIC:
            self._is_over, self.has_garbage = True, bool(self._packed)
            return False
        self._members += 1
        if self._members > _MANY_MEMBERS and self._members * _SMALLEST_MEMBER_BYTES > self._unpacked_bytes:
            raise DamagedGzip("This gzip file is made of thousands of empty pieces. Pack it again and upload that.")
        self._inflate = zlib.decompressobj(_WITH_HEADER)
        return True

    def _inflated(self, size: int) -> bytes:
        try:
            piece = self._inflate.decompress(self._packed, size)
        except zlib.error:
            raise DamagedGzip("This gzip file is damaged. Pack or upload it again.") from None
        if self._inflate.eof:
            self._packed, self._inflate = self._inflate.unused_data, None
        else:
            self._packed = self._inflate.unconsumed_tail
        return piece

    def _counted(self, piece: bytes) -> bytes:
        """The piece, if what came so far is within the limits."""
        self._unpacked_bytes += len(piece)
        read_so_far = self._packed_bytes - len(self._packed)
        if self._unpacked_bytes > self._most_bytes:
            raise GzipTooLarge(f"This gzip file unpacks to more than {self._most_bytes:,} bytes. Split it.")
        if self._unpacked_bytes > max(self._limits.archive_ratio_floor_bytes, self._limits.archive_ratio * read_so_far):
            raise GzipTooLarge(
                f"This gzip file unpacks to more than {self._limits.archive_ratio} times its size, as no song does. "
                "It was not read."
            )
        return piece
