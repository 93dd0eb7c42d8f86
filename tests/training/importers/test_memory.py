"""Twenty megabytes of trouble, made while they are read, and how much of it is held at once."""

import io
import tracemalloc
from collections.abc import Callable

import pytest

from training.importers import ImportOptions, ParsedSong, iterate_records

MEGABYTE = 1024 * 1024
MOST_HELD_BYTES = 40 * MEGABYTE


class MadeFile(io.RawIOBase):
    """A file of a beginning, very much of the same, and an end, that never exists as a whole."""

    def __init__(self, beginning: bytes, middle: bytes, times: int, end: bytes):
        self.parts = [(beginning, 1), (middle, times), (end, 1)]
        self.length = sum(len(part) * times for part, times in self.parts)
        self.place = 0

    def seek(self, place: int, whence: int = 0) -> int:
        self.place = place + (0, self.place, self.length)[whence]
        return self.place

    def tell(self) -> int:
        return self.place

    def read(self, size: int = -1) -> bytes:
        size = min(size if size >= 0 else self.length, self.length - self.place)
        found, start, wanted = [], 0, self.place
        for part, times in self.parts:
            end = start + len(part) * times
            if wanted < end and size:
                offset = (wanted - start) % len(part)
                taken = min(size, end - wanted)
                found.append((part * ((offset + taken) // len(part) + 1))[offset : offset + taken])
                size, wanted = size - taken, wanted + taken
            start = end
        self.place = wanted
        return b"".join(found)


GOOD_ROW = b'Fine,"la la\nla"\n'
CASES: dict[str, Callable[[], MadeFile]] = {
    "one field": lambda: MadeFile(b"title,lyrics\n" + GOOD_ROW + b'a,"', b"la la la la ", 1_750_000, b'"\n' + GOOD_ROW),
    "one row of lines": lambda: MadeFile(
        b"title,lyrics\n" + GOOD_ROW + b'a,"', b"la la la la la la la la la la la la la\n", 520_000, b'"\n' + GOOD_ROW
    ),
    "one line of a table": lambda: MadeFile(b"title,lyrics\n" + GOOD_ROW, b"x" * 1024, 20_480, b"\n" + GOOD_ROW),
    "one line of JSON": lambda: MadeFile(
        b'{"lyrics": "la la"}\n{"lyrics": "', b"la " * 1024, 6_800, b'"}\n{"lyrics": "la la"}\n'
    ),
    "one object of a document": lambda: MadeFile(
        b'[{"lyrics": "la la"},\n{"lyrics": "', b"la " * 1024, 6_800, b'"},\n{"lyrics": "la la"}]'
    ),
    "one song of a text": lambda: MadeFile(
        b"la la\n---\n", b"la la la la la la la la la la la la la\n" * 1024, 520, b"---\nla la"
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_twenty_megabytes_in_one_record_are_one_error_and_never_held(case):
    stream, options = CASES[case](), ImportOptions()
    assert stream.length > 19 * MEGABYTE
    tracemalloc.start()
    try:
        items = list(iterate_records(stream, options))
        held_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [isinstance(item, ParsedSong) for item in items] == [True, False, True]
    assert items[1].reason == "oversized"
    assert held_bytes < MOST_HELD_BYTES


def test_many_good_songs_are_not_held_either():
    stream = MadeFile(b"title,lyrics\n", b'Fine,"' + b"la la la la la la la la\n" * 40 + b'"\n', 12_000, b"")
    tracemalloc.start()
    try:
        count = sum(isinstance(item, ParsedSong) for item in iterate_records(stream))
        held_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 12_000
    assert held_bytes < MOST_HELD_BYTES
