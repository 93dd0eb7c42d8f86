"""Twenty megabytes of trouble, made while they are read, and how much of it is held at once."""

import gzip
import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest

from training.importers import ImportOptions, ImportRefused, ParsedSong, iterate_records

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


def packed(member: MadeFile, times: int, *, wrapped: bool) -> io.BytesIO:
    """An archive of ``times`` members of the same content, that are gzip-wrapped or not."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED if wrapped else zipfile.ZIP_DEFLATED) as target:
        for number in range(times):
            with target.open(f"{number}.csv.gz" if wrapped else f"{number}.csv", "w") as entry:
                member.seek(0)
                unpacked = gzip.GzipFile(fileobj=entry, mode="wb", compresslevel=1) if wrapped else entry
                while piece := member.read(MEGABYTE):
                    unpacked.write(piece)
                if wrapped:
                    unpacked.close()
    archive.seek(0)
    return archive


@pytest.mark.parametrize("wrapped", [False, True])
def test_large_members_of_an_archive_are_not_held_either(wrapped):
    words = "".join(f"{number:x} la {number * 7919 % 10_007:x} lo\n" for number in range(2_000)).encode()
    stream = packed(MadeFile(b"title,lyrics\n", b'Fine,"' + words + b'"\n', 300, b""), 2, wrapped=wrapped)
    tracemalloc.start()
    try:
        count = sum(isinstance(item, ParsedSong) for item in iterate_records(stream))
        held_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 600
    assert held_bytes < MOST_HELD_BYTES


def test_a_directory_of_a_hundred_thousand_empty_members_is_refused_unread():
    name = b"a.txt"
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name
    directory = entry * 100_000
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 100_000, 100_000, len(directory), 4)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 4 + len(directory), 1)
    old_end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    stream = io.BytesIO(b"PK\3\4" + directory + end + locator + old_end)
    tracemalloc.start()
    try:
        with pytest.raises(ImportRefused, match="100,000 members"):
            next(iterate_records(stream))
        held_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held_bytes < 8 * MEGABYTE
