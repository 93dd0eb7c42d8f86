"""Uploads to a real server and a long way out of it again: cut while they come, in constant memory."""

import socket
import time
from pathlib import Path

import httpx
import pytest

from lyricsite.models import ApiToken
from tests.faults.bombs import MEGABYTE, measured
from tests.faults.uploading import DATASETS
from tests.processes import running_platform, wait_until
from tests.questions import questions
from training import exports
from training.models import Dataset, Song

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

LIMIT_MB = 20
ALLOWANCE_SECONDS = 2  # a machine that does other things besides


@pytest.fixture
def web(transactional_db, tmp_path_factory):
    """A web server that takes uploads of 20 MB, on the test's database."""
    with running_platform(tmp_path_factory.mktemp("w"), workers=False) as platform:
        platform.stop("web")
        platform.environment |= {"UPLOAD_LIMIT_MB": str(LIMIT_MB), "STAFF_UPLOAD_LIMIT_MB": str(LIMIT_MB)}
        platform.environment["TMPDIR"] = str(tmp_path_factory.mktemp("t"))
        platform.start_web()
        yield platform


FORM_HEAD = (
    b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nLong\r\n--x\r\nContent-Disposition: form-data; '
    b'name="file"; filename="songs.csv"\r\n'
)
ROWS = b'Song,"la la la la\nla la"\n' * 40_000  # about a megabyte


def chunk(content: bytes) -> bytes:
    return b"%x\r\n" % len(content) + content + b"\r\n"


OVERLONG = {
    "chunks without a length": (
        "Transfer-Encoding: chunked",
        lambda: [chunk(FORM_HEAD + b"\r\ntitle,lyrics\n"), *[chunk(ROWS)] * 60, chunk(b"\r\n--x--\r\n"), chunk(b"")],
    ),
    "a length that is too small": (
        "Content-Length: 1000",
        lambda: [FORM_HEAD + b"\r\ntitle,lyrics\n", *[ROWS] * 60],
    ),
    "a true length": ("Content-Length: 62914560", lambda: [FORM_HEAD + b"\r\ntitle,lyrics\n", *[ROWS] * 60]),
    "base64 of blanks": (
        "Transfer-Encoding: chunked",
        lambda: [chunk(FORM_HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n"), *[chunk(b" \n" * 500_000)] * 60,
                 chunk(b"\r\n--x--\r\n"), chunk(b"")],
    ),
    "base64 of blanks within the limit": (
        "Transfer-Encoding: chunked",
        lambda: [chunk(FORM_HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n"), *[chunk(b" \n" * 500_000)] * 15,
                 chunk(b"\r\n--x--\r\n"), chunk(b"")],
    ),
}  # fmt: skip


@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_a_body_over_the_limit_is_refused_while_it_comes(user, web):
    """F71: whatever it says about its length, and in whatever it is wrapped."""
    token = ApiToken.issue(user=user, name="t")[1]
    server = web.processes["web"].pid
    assert web.status("/") == 200
    for kind, (length, parts) in OVERLONG.items():
        with measured(server) as peak:
            status = sent(web.url, token, length, parts())
        assert status in {400, 413}, kind
        assert status == 413 or kind not in {"chunks without a length", "a true length", "base64 of blanks"}, kind
        assert peak.bytes < 64 * MEGABYTE, kind
    assert web.status("/healthz") == 200
    assert not Dataset.objects.exists()
    assert not list(Path(web.environment["TMPDIR"]).iterdir())
    assert "Traceback" not in web.logs()


@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_an_upload_cut_in_half_leaves_nothing_with_a_real_server(user, web):
    """F72: the client hangs up in the middle."""
    token = ApiToken.issue(user=user, name="t")[1]
    for _ in range(3):
        sent(web.url, token, "Content-Length: 10000000", [FORM_HEAD + b"\r\ntitle,lyrics\n", *[ROWS] * 5], hang_up=True)
    wait_until(lambda: web.status("/healthz") == 200)
    assert not Dataset.objects.exists()
    assert not list(Path(web.environment["TMPDIR"]).iterdir())
    assert not [path for path in Path(web.environment["MEDIA_ROOT"]).rglob("*") if path.is_file()]
    assert "Traceback" not in web.logs()


def sent(url: str, token: str, length: str, parts: list[bytes], *, hang_up: bool = False) -> int:
    """Send an upload by hand, and return the status of the answer; 0 for none."""
    host, port = url.removeprefix("http://").split(":")
    head = f"POST {DATASETS} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n"
    head += f"Content-Type: multipart/form-data; boundary=x\r\n{length}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode())
        try:
            for part in parts:
                connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has heard enough
        if hang_up:
            return 0
        try:
            answer = connection.recv(65536)
        except ConnectionResetError:
            return 413  # it answered and closed while more was on its way, which hides the answer
    return int(answer.split()[1])


@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_a_hundred_thousand_songs_are_taken_along_in_constant_memory(user, web):
    """F77: ten questions, and the first byte within a second."""
    dataset = Dataset.objects.create(owner=user, name="Many", state="ready", version=1, content_hash="0" * 64)
    text = "la la la la la la la\n" * 40
    for start in range(0, 100_000, 5000):
        Song.objects.bulk_create(
            Song(dataset=dataset, ordinal=number, added_in=1, title=f"Song {number}", text=text, text_hash="0" * 32)
            for number in range(start + 1, start + 5001)
        )
    token = ApiToken.issue(user=user, name="t")[1]
    server, address = web.processes["web"].pid, f"{web.url}{DATASETS}{dataset.pk}/export/?format=csv"
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=120) as client:
        client.get(f"{web.url}{DATASETS}{dataset.pk}/")
        with measured(server) as peak:
            began, first, size = time.monotonic(), None, 0
            with client.stream("GET", address) as answer:
                for piece in answer.iter_raw():
                    first = first or time.monotonic() - began
                    size += len(piece)
    note = f"{size / 1e6:.0f} MB, first byte after {first:.2f} s, {peak.bytes / MEGABYTE:.0f} MB more held"
    print(note)
    assert size > 80_000_000
    assert first < 1 + ALLOWANCE_SECONDS, note
    assert peak.bytes < 100 * MEGABYTE, note
    with questions() as asked:
        assert sum(1 for piece in exports.songs_csv(dataset.songs_in_use()) if piece) > 3
    assert 3 < len(asked) <= 10
