"""The lines of a file that are not plain ASCII: all that tells one encoding from another, in bounded memory."""

import re

# A line is kept from this much before its first byte that is not ASCII to this much after it.
BYTES_BEFORE, BYTES_AFTER = 200, 400
LINES_OF_A_CHUNK = 32
LINES = 400
SAMPLE_LINES = 3
SAMPLE_CHARACTERS = 120

_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_FOREIGN_LETTER = re.compile("(?![\x00-\x7f])[^\\W\\d_]")


class Evidence:
    """A fair choice of the lines with bytes that are not ASCII, from the whole of what was added."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._stride = 1  # only each so many lines are kept; doubled whenever there are too many
        self._seen = 0

    def add(self, chunk: bytes) -> None:
        """Keep a few lines of the next part of the file; both ends may be in the middle of a line."""
        place = 0
        for _ in range(LINES_OF_A_CHUNK):
            found = _NOT_ASCII.search(chunk, place)
            if not found:
                return
            line, end = _line_around(chunk, found.start())
            self._keep(line)
            place = max(end, place + len(chunk) // LINES_OF_A_CHUNK)

    def _keep(self, line: bytes) -> None:
        if self._seen % self._stride == 0:
            self.lines.append(line)
        self._seen += 1
        if len(self.lines) > LINES:
            self.lines = self.lines[::2]
            self._stride *= 2

    def samples(self, encoding: str) -> tuple[str, ...]:
        """Up to three different lines as ``encoding`` reads them, those with letters beyond ASCII first."""
        texts = [line.decode(encoding, "replace") for line in self.lines[:: max(1, len(self.lines) // 64)]]
        texts.sort(key=lambda text: _FOREIGN_LETTER.search(text) is None)
        samples = dict.fromkeys(" ".join(text.split())[:SAMPLE_CHARACTERS] for text in texts)
        return tuple(sample for sample in samples if sample)[:SAMPLE_LINES]


def _line_around(chunk: bytes, place: int) -> tuple[bytes, int]:
    """The line at ``place`` and where it ends; a long one is cut, at a blank if there is one near."""
    # A blank is never half of a character, in none of our encodings.
    first, last = max(0, place - BYTES_BEFORE), min(len(chunk), place + BYTES_AFTER)
    start = chunk.rfind(b"\n", first, place) + 1
    if not start and first:
        start = max(chunk.find(b" ", first, place), first)
    end = chunk.find(b"\n", place, last)
    if end < 0:
        end = last if last == len(chunk) else max(chunk.rfind(b" ", place, last), place + 1)
    return chunk[start:end].replace(b"\0", b""), end
