"""Archives that would burst, lie or reach outside: refused in bounded memory, and nothing left."""

import bz2
import io
import lzma
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from tests.faults import bombs
from tests.faults.bombs import DEFLATED, MEGABYTE, Claimed, archive_of, deflated, gzip_bomb, measured, quoted_overlap
from tests.faults.uploading import assert_refused, upload
from tests.training.song_files import run_waiting_import
from training.models import Dataset, Rejection

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

ZEROS, SONG = bytes(MEGABYTE), (b"la la la\n" * 120_000)[:MEGABYTE]
BOMBS = {
    "10 GB of zeros": lambda: archive_of(Claimed("a.txt", deflated(ZEROS, 10_240), 10_240 * MEGABYTE)),
    "10 GB of song": lambda: archive_of(Claimed("a.txt", deflated(SONG, 3_000), 3_000 * MEGABYTE)),
    "10 GB that claim to be 5 bytes": lambda: archive_of(Claimed("a.txt", deflated(ZEROS, 10_240), 5)),
    "10 GB that claim to be nothing": lambda: archive_of(Claimed("a.txt", deflated(SONG, 3_000), 0)),
    "10 GB in gzip": lambda: gzip_bomb(ZEROS, 10_240),
    "a song without end in gzip": lambda: gzip_bomb(SONG, 3_000),
    "a bomb in gzip in an archive": lambda: archive_of(
        Claimed("a.txt.gz", bomb := gzip_bomb(ZEROS, 10_240), len(bomb), method=0)
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_in_bounded_memory_and_leaves_nothing(api, disk, django_capture_on_commit_callbacks, bomb):
    """F60: ten megabytes that unpack to ten gigabytes."""
    content = BOMBS[bomb]()
    with measured() as peak, django_capture_on_commit_callbacks(execute=True):
        assert_refused(upload(api, content))
    assert peak.bytes < 100 * MEGABYTE + 2 * len(content)  # the test itself holds the request
    assert disk.is_clean()


@pytest.mark.parametrize(
    ("method", "pack"),
    [
        pytest.param(zipfile.ZIP_BZIP2, bz2.compress, id="bzip2"),
        pytest.param(zipfile.ZIP_LZMA, lzma.compress, id="lzma"),
    ],
)
def test_other_methods_are_refused_before_anything_is_unpacked(api, disk, method, pack):
    """F61: 187 bytes of bzip2 from which ``zipfile`` takes 148 MB to read a thousand."""
    content = archive_of(Claimed("a.txt", pack(bytes(64 * MEGABYTE)), 900_000, method))
    assert len(content) < 12_000
    with measured() as peak:
        answer = upload(api, content)
    assert (answer.status_code, "Pack it again" in answer.json()["file"][0]) == (400, True)
    assert peak.bytes < 16 * MEGABYTE
    assert disk.is_clean()


LIES = {
    "a size that is too small": Claimed("a.txt", deflated(SONG, 100), 5),
    "a size just within the limits": Claimed("a.txt", deflated(SONG, 40), 900_000),
    "a forged compressed size": Claimed("a.txt", deflated(SONG, 1), MEGABYTE, compressed_bytes=0xFFFFFFFE),
    "a size of sixteen exabytes": Claimed("a.txt", b"x", 2**64 - 1),
    "a wrong checksum": Claimed("a.txt", deflated(b"la la\n", 1), 6, checksum=7),
    "a header beyond the end": Claimed("a.txt", b"", 0, offset=10**6),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_archive_that_lies_is_refused(api, disk, django_capture_on_commit_callbacks, lie):
    """F62: sizes, places and checksums that are not true."""
    with measured() as peak, django_capture_on_commit_callbacks(execute=True):
        assert_refused(upload(api, archive_of(LIES[lie])))
    assert peak.bytes < 64 * MEGABYTE
    assert disk.is_clean()


def test_a_bomb_of_quoted_overlapping_members_is_refused(api, disk):
    """F63: a thousand members that are all made of the same bytes."""
    content = quoted_overlap(b"la la la\n" * 100_000, 900)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:  # it is a sound archive by everything but our check
        assert sum(entry.file_size for entry in archive.infolist()) > 500 * MEGABYTE
    answer = upload(api, content)
    assert (answer.status_code, "contradicts itself" in answer.json()["file"][0]) == (400, True)
    assert disk.is_clean()


def zipped(name: str, content: bytes = b"la la", *, link: bool = False, flags: int = 0) -> bytes:
    """An archive of one song that is read, and one member that may not be."""
    archive = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(archive, "w") as target:
        target.writestr("good.txt", "lo lo\nlo")
        member = zipfile.ZipInfo(name.replace("\0", "!"))
        if link:
            member.create_system, member.external_attr = 3, 0o120777 << 16
        target.writestr(member, content)
    packed = archive.getvalue().replace(name.replace("\0", "!").encode(), name.encode())
    entry = packed.rindex(b"PK\1\2")
    return packed[: entry + 8] + struct.pack("<H", flags) + packed[entry + 10 :] if flags else packed


MEMBERS = {
    "an archive": (zipped("inner.zip", bombs.packed_as(DEFLATED, b"la")), "binary"),
    "an archive by another name": (zipped("inner.txt", bombs.packed_as(DEFLATED, b"la")), "binary"),
    "an encrypted one": (zipped("secret.txt", flags=1), "binary"),
    "a link": (zipped("link.txt", b"/etc/passwd", link=True), "unsafe_path"),
    "one above": (zipped("../../x.txt"), "unsafe_path"),
    "one at the root": (zipped("/etc/x.txt"), "unsafe_path"),
    "one on a drive": (zipped("C:\\x.txt"), "unsafe_path"),
    "one with NUL": (zipped("a\0b.txt"), "unsafe_path"),
    "a second one of the same name": (zipped("good.txt"), "malformed"),
}


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_that_points_elsewhere_is_left_out_and_written_nowhere(api, disk, member):
    """F64: one clear message about it, and the song beside it is imported."""
    content, reason = MEMBERS[member]
    answer = upload(api, content)
    assert answer.status_code == 202, answer.content
    dataset = Dataset.objects.get()
    run_waiting_import(dataset)
    assert [song.text for song in dataset.songs_in_use()] == ["lo lo\nlo"]
    rejection = Rejection.objects.get()
    assert (rejection.reason, bool(rejection.message)) == (reason, True)
    assert [path.name for path in disk.files()] == [Path(dataset.files.get().file.name).name]
