"""A large file seen through samples: its beginning, and pieces spread over the rest, as if they were all of it.

A preview has no time to read a gigabyte; where a letter in another encoding hides between the samples, the import,
which reads all of the file first, still finds it.
"""

from typing import BinaryIO

from .unpacking import UnpackedStream

WHOLE_BYTES = 64 * 1024 * 1024  # up to here all of the file is read: about a fifth of a second
BEGINNING_BYTES = 8 * 1024 * 1024
PIECES = 32
PIECE_BYTES = 256 * 1024
_TO_JUDGE_BYTES = 64 * 1024


class SampledStream:
    """A readable stream of the samples of ``stream``; ``is_whole`` at its end says whether that was all of the file.

    Pieces are cut at line ends, so that no letter is cut in two. Of a stream that cannot jump (one that is unpacked
    as it is read) and of text in two-byte letters, whose line ends are not told by one byte, only the beginning is
    looked at.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.is_whole = True
        self._stream = stream
        self._size = None if isinstance(stream, UnpackedStream) else stream.seek(0, 2)
        self._most = WHOLE_BYTES if self._size is not None and self._size <= WHOLE_BYTES else BEGINNING_BYTES
        stream.seek(0)
        self._can_jump = self._size is not None and b"\0" not in stream.read(_TO_JUDGE_BYTES)
        stream.seek(0)
        self._place = 0
        self._pieces: list[int] | None = None

    def read(self, size: int) -> bytes:
        if self._pieces is None:
            if chunk := self._stream.read(min(size, self._most - self._place)):
                self._place += len(chunk)
                return chunk
            self.is_whole = not self._stream.read(1)
            self._pieces = [] if self.is_whole or not self._can_jump else self._places_of_pieces()
        while self._pieces:
            self._stream.seek(self._pieces.pop())
            if lines := _whole_lines(self._stream.read(PIECE_BYTES)):
                return lines
        return b""

    def _places_of_pieces(self) -> list[int]:
        """Where the pieces begin, the last first."""
        room = max(0, self._size - PIECE_BYTES - self._place)
        return [self._place + room * number // (PIECES - 1) for number in reversed(range(PIECES))]


def _whole_lines(piece: bytes) -> bytes:
    return piece[piece.find(b"\n") + 1 : piece.rfind(b"\n") + 1]
