"""Files wrapped by gzip, sound and broken, read through the doors that everybody uses."""

import gzip
import io
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.importers import ImportRefused, Limits, iterate_records
from training.importers.gzip_stream import DamagedGzip, GunzipStream

from .reading import errors_of, look, read, songs_of, texts_of

TABLE = "artist,title,text\n" + "".join(f'A{n},S{n},"la la {n}\nla"\n' for n in range(50))
FILES = {
    "songs.csv": TABLE,
    "songs.tsv": TABLE.replace(",", "\t"),
    "songs.jsonl": '{"lyrics": "la la"}\n{"lyrics": "lo lo"}\n',
    "songs.json": '[{"lyrics": "la la"},\n {"lyrics": "lo lo"}]',
    "songs.txt": "-One-\nla la\n-Two-\nlo lo\n",
    "Winter.txt": "é la".encode("latin-1"),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_may_be_wrapped_whatever_the_name(name):
    content = FILES[name] if isinstance(FILES[name], bytes) else FILES[name].encode()
    assert read(gzip.compress(content), f"{name}.gz") == read(content, name)
    assert texts_of(read(gzip.compress(content), "x")) == texts_of(read(content, "x"))
    found, plain = look(gzip.compress(content), f"{name}.GZ"), look(content, name)
    assert (found.options, found.encoding, found.songs) == (plain.options, plain.encoding, plain.songs)


def test_several_members_and_padding_are_one_content():
    content = gzip.compress(TABLE[:300].encode()) + gzip.compress(b"") + gzip.compress(TABLE[300:].encode())
    assert read(content + bytes(1000)) == read(TABLE)


def test_what_follows_the_end_is_one_error_and_costs_no_song():
    items = read(gzip.compress(TABLE.encode()) + b"garbage")
    assert len(songs_of(items)) == 50
    assert errors_of(items) == [(51, 1, "malformed")]


@pytest.mark.parametrize("kept", [3, 15, 0.5, -9, -1])
def test_half_a_gzip_file_is_refused(kept):
    content = gzip.compress(TABLE.encode())
    with pytest.raises(ImportRefused, match="ends too early"):
        look(content[: int(len(content) * kept) if isinstance(kept, float) else kept])


def test_a_wrong_checksum_is_refused():
    content = bytearray(gzip.compress(TABLE.encode()))
    content[-6] ^= 1
    with pytest.raises(ImportRefused, match="damaged"):
        look(bytes(content))


def test_a_bomb_is_refused_in_bounded_memory():
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS + 16)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(ImportRefused, match="100 times"):
            look(bomb)
        held_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held_bytes < 16 * 1024 * 1024


def test_more_than_the_limit_is_refused_though_it_is_packed_badly():
    content = gzip.compress(TABLE.encode(), 0)
    with pytest.raises(ImportRefused, match="more than 1,000 bytes"):
        list(iterate_records(io.BytesIO(content), limits=Limits(archive_bytes=1000)))


def test_a_crowd_of_empty_members_is_refused():
    with pytest.raises(ImportRefused, match="empty pieces"):
        look(gzip.compress(b"") * 2_000 + gzip.compress(b"la la"))


def test_gzip_in_gzip_and_archives_in_gzip_are_refused():
    with pytest.raises(ImportRefused, match="gzip file inside"):
        look(gzip.compress(gzip.compress(b"la la")))
    with pytest.raises(ImportRefused, match="archive inside"):
        look(gzip.compress(b"PK\3\4"))
    with pytest.raises(ImportRefused, match="tar"):
        look(gzip.compress(bytes(257) + b"ustar\0" + bytes(300)), "songs.tar.gz")


def test_nothing_in_a_gzip_file_is_nothing():
    with pytest.raises(ImportRefused, match="empty"):
        look(gzip.compress(b""))


def test_progress_is_told_in_packed_bytes_and_ends_at_the_size_of_the_file():
    content, seen = gzip.compress(TABLE.encode() * 200), []
    for _ in iterate_records(io.BytesIO(content), progress=seen.append):
        pass
    assert seen == sorted(seen)
    assert seen[-1] == len(content)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=9), st.integers(min_value=0))
def test_any_bytes_come_out_as_they_went_in_or_the_damage_is_named(content, noise, place):
    packed = gzip.compress(content, mtime=0)
    assert GunzipStream(io.BytesIO(packed), Limits()).read(1000) == content
    place %= len(packed)
    broken = packed[:place] + noise + packed[place + len(noise) :]
    try:
        for item in iterate_records(io.BytesIO(broken)):
            assert item.record_number
    except ImportRefused:
        pass


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=500), st.lists(st.integers(0, 600), max_size=8), st.integers(1, 99))
def test_a_gzip_stream_can_be_rewound_and_wound_on(content, places, size):
    stream = GunzipStream(io.BytesIO(gzip.compress(content[:200]) + gzip.compress(content[200:])), Limits())
    for place in places:
        assert stream.seek(place) == min(place, len(content))
        assert stream.read(size) == content[place : place + size]
        assert stream.tell() == min(max(place, 0) + size, len(content)) or place > len(content)


def test_a_stream_that_is_damaged_late_gives_what_comes_before():
    content = bytes(range(256)) * 2_000
    stream = GunzipStream(io.BytesIO(gzip.compress(content)[:-9]), Limits())
    with pytest.raises(DamagedGzip):
        stream.seek(len(content) + 1)
    assert stream.seek(0) == 0
    assert stream.read(256) == content[:256]
