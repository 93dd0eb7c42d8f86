"""A preview of a large file looks at little of it, and the import at all of it."""

import gzip
import io

import pytest

from training.importers import ImportOptions, inspect, iterate_records, quick_look

ROW = b'Ada,"la la la\nla la"\n'
LATE_LETTER = b"title,lyrics\n" + ROW * 3_000 + 'Ada,"é la"\n'.encode("latin-1") + ROW * 3_000


class CountedBytes(io.BytesIO):
    """A file that counts how much of it was read."""

    bytes_read = 0

    def read(self, size: int = -1) -> bytes:
        piece = super().read(size)
        self.bytes_read += len(piece)
        return piece


@pytest.fixture(autouse=True)
def _everything_is_large(monkeypatch):
    monkeypatch.setattr(quick_look, "WHOLE_BYTES", 10_000)
    monkeypatch.setattr(quick_look, "BEGINNING_BYTES", 5_000)
    monkeypatch.setattr("training.importers.encoding.CHUNK_BYTES", 1_000)
    monkeypatch.setattr("training.importers.encoding.QUICK_HEAD_BYTES", 5_000)
    monkeypatch.setattr("training.importers.text_files.HEAD_BYTES", 5_000)


@pytest.mark.parametrize("wrap", [bytes, gzip.compress])
def test_a_letter_that_the_preview_misses_is_found_by_the_import(wrap):
    stream, found = io.BytesIO(wrap(LATE_LETTER)), []
    looked = inspect(stream)
    assert looked.encoding.name == "utf-8"
    assert looked.options.encoding == ""
    songs = list(iterate_records(stream, looked.options, encoding_found=found.append))
    assert songs[3_000].text == "é la"
    assert [encoding.name for encoding in found] == ["windows-1252"]


def test_an_encoding_that_a_person_chose_stays():
    looked = inspect(io.BytesIO(LATE_LETTER), options=ImportOptions(encoding="iso-8859-15"))
    assert looked.options.encoding == "iso-8859-15"


def test_a_preview_reads_a_small_part_of_a_large_file():
    stream = CountedBytes(LATE_LETTER * 20)
    inspect(stream)
    assert stream.bytes_read < len(LATE_LETTER)


def test_a_small_file_is_known_whole():
    looked = inspect(io.BytesIO(LATE_LETTER[:4_000]))
    assert (looked.options.encoding, looked.encoding.name) == ("utf-8", "utf-8")
    looked = inspect(io.BytesIO(gzip.compress(LATE_LETTER[:4_000])))
    assert looked.options.encoding == "utf-8"
