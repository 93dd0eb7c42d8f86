"""A body is counted as it arrives, whatever its length claims to be."""

import asyncio

import pytest

from lyricsite.body_limit import FORM_OVERHEAD_BYTES, limit_body

FORM = b"multipart/form-data; boundary=x"


async def reading_app(scope, receive, send):
    """Reads the whole body, as Django does, and answers with its length."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message["body"])
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


def answer(*, chunks: int, chunk_bytes: int, content_type: bytes = b"application/json", claimed: int | None = None):
    """Send a body in chunks and return the status, and how many chunks were taken."""
    taken, told = 0, []
    headers = [(b"content-type", content_type)]
    headers += [(b"content-length", str(claimed).encode())] if claimed is not None else []

    async def receive():
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * chunk_bytes, "more_body": taken < chunks}

    async def send(message):
        told.append(message)

    app = limit_body(reading_app, upload_bytes=1000, other_bytes=100)
    asyncio.run(app({"type": "http", "headers": headers}, receive, send))
    return told[0]["status"], taken


def test_a_body_within_its_limit_passes():
    assert answer(chunks=10, chunk_bytes=10) == (200, 10)


@pytest.mark.parametrize("claimed", [None, 5])
def test_a_longer_one_is_refused_as_soon_as_it_is_known_to_be(claimed):
    assert answer(chunks=1000, chunk_bytes=60, claimed=claimed) == (413, 2)


def test_a_form_with_a_file_may_be_as_long_as_the_largest_upload():
    assert answer(chunks=1, chunk_bytes=1000 + FORM_OVERHEAD_BYTES, content_type=FORM) == (200, 1)
    assert answer(chunks=9, chunk_bytes=1001 + FORM_OVERHEAD_BYTES, content_type=FORM) == (413, 1)


def test_what_is_not_http_is_left_alone():
    heard = []

    async def app(scope, receive, send):
        heard.append(scope["type"])

    asyncio.run(limit_body(app, upload_bytes=1, other_bytes=1)({"type": "lifespan"}, None, None))
    assert heard == ["lifespan"]
