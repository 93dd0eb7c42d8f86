"""The members of a ZIP archive: their bytes unpacked as they are asked for, and counted as they come."""

import zlib
from collections import Counter
from typing import BinaryIO

from .importer import CountedStream, Progress
from .limits import Limits
from .members import Problem, problem_of_name
from .records import ImportRefused, Reason
from .unpacking import PIECE_BYTES, UnpackedStream
from .zip_directory import DEFLATED, STORED, ZipEntry, read_directory

# Word, Excel, OpenDocument and EPUB files are ZIP archives too.
_DOCUMENT_MEMBERS = frozenset({"[Content_Types].xml", "mimetype"})


class DamagedMember(ValueError):
    """Raised when a member's bytes are not those that were packed."""


class LyingArchive(ImportRefused):
    """Raised when a member unpacks to more than its archive says, as no honest one does."""


class ZipMember:
    """One file of an archive, see `members.Member`."""

    __slots__ = ("_archive", "_entry", "problem")

    def __init__(self, archive: BinaryIO, entry: ZipEntry, problem: Problem | None):
        self._archive = archive
        self._entry = entry
        self.problem = problem

    @property
    def name(self) -> str:
        return self._entry.name

    @property
    def bytes(self) -> int:
        return self._entry.bytes

    def open(self, progress: Progress | None = None) -> "MemberStream":
        return MemberStream(CountedStream(self._archive, progress), self._entry)


class MemberStream(UnpackedStream):
    """A readable stream of what a member holds.

    It never unpacks more than was asked for nor more than the member claims, which the directory's checks have
    limited; so a bomb costs one piece of memory, whatever it says about itself.

    Raises, from reading: DamagedMember if the bytes are not what was packed; LyingArchive if they are more than was
        claimed.
    """

    def __init__(self, archive: BinaryIO, entry: ZipEntry):
        super().__init__()
        self._archive = archive
        self._entry = entry
        self._restart()

    def _restart(self) -> None:
        self._offset = self._entry.data_offset
        self._left = self._entry.compressed_bytes
        self._packed = b""
        self._inflate = None if self._entry.method == STORED else zlib.decompressobj(-zlib.MAX_WBITS)
        self._bytes = 0
        self._checksum = 0

    def _piece(self, size: int) -> bytes:
        piece = self._packed_bytes(size) if self._inflate is None else self._inflated(size)
        self._bytes += len(piece)
        self._checksum = zlib.crc32(piece, self._checksum)
        if self._bytes > self._entry.bytes:
            raise LyingArchive("This ZIP archive lies about the size of its members. It was not read.")
        if not piece and (self._bytes, self._checksum) != (self._entry.bytes, self._entry.checksum):
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
            packed = self._packed or self._packed_bytes(PIECE_BYTES)
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


def zip_members(stream: BinaryIO, limits: Limits) -> list[ZipMember]:
    """The files of an archive in the order of its directory.

    Raises: ImportRefused if the archive as a whole is damaged, a trap, or another document.
    """
    entries = read_directory(stream, limits)
    if any(entry.name in _DOCUMENT_MEMBERS for entry in entries):
        raise ImportRefused("This is a Word, Excel or e-book document. Save it as CSV or plain text and upload that.")
    times: Counter[str] = Counter()
    members = []
    for entry in entries:
        if not entry.is_folder:
            times[entry.name] += 1
            members.append(ZipMember(stream, entry, _problem(entry, is_repeated=times[entry.name] > 1)))
    return members


def _problem(entry: ZipEntry, *, is_repeated: bool) -> Problem | None:
    """What its entry alone says against a member."""
    if is_repeated:
        return Reason.MALFORMED, "The archive has another member of the same name."
    if entry.is_link:
        return Reason.UNSAFE_PATH, "This member is a link to another file."
    if problem := problem_of_name(entry.name):
        return problem
    if entry.is_encrypted:
        return Reason.BINARY, "This member is encrypted. Pack the archive without a password."
    if entry.method not in (STORED, DEFLATED):
        return (
            Reason.BINARY,
            "This member is packed by a method other than ZIP's usual one. Pack it again as plain ZIP.",
        )
    return None
