"""The encoding of a file, found at once: a preview has no time to read a gigabyte.

Where a letter in another encoding hides outside of what was looked at, the import, which checks all of the file
first, still finds it.
"""

from typing import BinaryIO

from .encoding import DetectedEncoding, detect_encoding
from .unpacking import UnpackedStream

WHOLE_BYTES = 64 * 1024 * 1024  # up to here all of a file is checked: that takes about a third of a second
BEGINNING_BYTES = 8 * 1024 * 1024


class Beginning:
    """The first megabytes of a stream that has to be unpacked to be read; ``is_whole`` says if that is all of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self.is_whole = False
        self._stream = stream
        self._left = BEGINNING_BYTES

    def read(self, size: int) -> bytes:
        found = self._stream.read(min(size, self._left))
        self._left -= len(found)
        self.is_whole = self.is_whole or (not found and not self._stream.read(1))
        return found


def look_quickly(stream: BinaryIO, chosen: str = "") -> tuple[DetectedEncoding, bool]:
    """The encoding of ``stream`` as far as a quick look tells, and whether that was a look at all of it."""
    stream.seek(0)
    if isinstance(stream, UnpackedStream):
        beginning = Beginning(stream)
        return detect_encoding(beginning, chosen), beginning.is_whole
    is_large = stream.seek(0, 2) > WHOLE_BYTES
    stream.seek(0)
    return detect_encoding(stream, chosen, quick=is_large), not is_large
