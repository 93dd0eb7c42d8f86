"""The bytes of one member of a ZIP archive, unpacked as they are asked for and counted as they come."""

import zlib
from typing import BinaryIO

from .records import ImportRefused
from .zip_directory import STORED, Member

_PIECE_BYTES = 64 * 1024


class DamagedMember(ValueError):
    """Raised when a member's bytes are not those that were packed."""


class MemberStream:
    """A readable stream of what a member holds.

    It never unpacks more than was asked for nor more than the member claims, which the directory's checks have
    limited; so a bomb costs one piece of memory, whatever it says about itself.
    """

    def __init__(self, archive: BinaryIO, member: Member):
        self._archive = archive
        self._member = member
        self._offset = member.data_offset
        self._left = member.compressed_bytes
        self._packed = b""
        self._inflate = None if member.method == STORED else zlib.decompressobj(-zlib.MAX_WBITS)
        self._bytes = 0
        self._checksum = 0

    def read(self, size: int = _PIECE_BYTES) -> bytes:
        """At most ``size`` bytes, none at the end.

        Raises: DamagedMember if the bytes are not what was packed; ImportRefused if they are more than was claimed.
        """
        piece = self._packed_bytes(size) if self._inflate is None else self._inflated(size)
        self._bytes += len(piece)
        self._checksum = zlib.crc32(piece, self._checksum)
        if self._bytes > self._member.bytes:
            raise ImportRefused("This ZIP archive lies about the size of its members. It was not read.")
        if not piece and (self._bytes, self._checksum) != (self._member.bytes, self._member.checksum):
            raise DamagedMember
        return piece

    def _packed_bytes(self, size: int) -> bytes:
        self._archive.seek(self._offset)
        piece = self._archive.read(min(size, self._left))
        self._offset += len(piece)
        self._left -= len(piece)
        return piece

    def _inflated(self, size: int) -> bytes:
        while not self._inflate.eof:
            packed = self._packed or self._packed_bytes(_PIECE_BYTES)
            try:
                piece = self._inflate.decompress(packed, size)
            except zlib.error as error:
                raise DamagedMember from error
            self._packed = self._inflate.unconsumed_tail
            if piece:
                return piece
            if not packed:
                break  # it ends in the middle; the checksum will tell
        return b""
