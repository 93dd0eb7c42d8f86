"""Streams of text over real connections: who breaks off, reads slowly or opens too many holds up nobody else."""

import json
import socket
import struct
from contextlib import ExitStack, closing

import pytest

from generator.services import writing
from lyricsite.models import ApiToken
from tests.generator.endless import endless_model
from tests.generator.live_site import live_site
from tests.generator.tiny_models import publish
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
LONG = {"max_tokens": 1024, "n": 8, "stream": True, "seed": 4}


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine())
    return writing.engine


@pytest.fixture
def site():
    with live_site() as address:
        yield address


@pytest.fixture
def endless(user, monkeypatch):
    """A model for everybody, whose network the test holds in its hand."""
    one = endless_model()
    monkeypatch.setattr(writing, "load_model", lambda _: one)
    model = publish(user, visibility="shared")
    model.network = one.network
    yield model
    one.network.is_open.set()


class Stream:
    """One request on a bare socket, read when it is told to."""

    def __init__(self, site: str, token: str, *, receive_bytes: int = 0, **body):
        self.socket, self.heard = socket.socket(), b""
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(30)
        host, port = site.removeprefix("http://").split(":")
        self.socket.connect((host, int(port)))
        content = json.dumps(body).encode()
        told = {"Host": "localhost", "Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        lines = [f"{name}: {value}" for name, value in (told | {"Content-Length": len(content)}).items()]
        head = "\r\n".join(["POST /api/v1/lyrics/generate/ HTTP/1.1", *lines, "", ""])
        self.socket.sendall(head.encode() + content)

    def listen_for(self, words: bytes) -> "Stream":
        while words not in self.heard:
            received = self.socket.recv(65536)
            assert received, self.heard[-300:]
            self.heard += received
        return self

    def status(self) -> int:
        return int(self.listen_for(b"\r\n\r\n").heard.split(b" ", 2)[1])

    def reset(self) -> None:
        """Break the connection off: RST instead of a farewell."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()


def test_who_breaks_off_in_the_middle_of_a_text_leaves_no_work_behind(site, user, endless, engine):
    """F49: each place is free again before the next one asks; with four at most, a leak would be refused."""
    _, token = ApiToken.issue(user=user)
    for _ in range(20):
        Stream(site, token, model=endless.pk, **LONG).listen_for(b"event: token").reset()
        wait_until(lambda: engine.open_count == 0, seconds=20, what="an engine that nobody writes with")
    assert Stream(site, token, model=endless.pk, max_tokens=3).status() == 200


def test_one_person_who_opens_fifty_streams_gets_four_and_others_are_served(site, user, other_user, endless, engine):
    """F53, F96: the rest are told to come back, and when."""
    (_, token), (_, other) = ApiToken.issue(user=user), ApiToken.issue(user=other_user)
    endless.network.is_open.clear()
    with ExitStack() as stack:
        streams = [stack.enter_context(closing(Stream(site, token, model=endless.pk, **LONG))) for _ in range(50)]
        wait_until(lambda: engine.open_count == 4, what="four texts that are being written")
        statuses = [stream.status() for stream in streams]
        assert sorted(statuses) == [200] * 4 + [429] * 46
        for stream, status in zip(streams, statuses, strict=True):
            assert status == 200 or b"retry-after: " in stream.heard.lower()
        endless.network.is_open.set()
        assert Stream(site, other, model=endless.pk, max_tokens=3).status() == 200
    wait_until(lambda: engine.open_count == 0, what="an engine that nobody writes with")


def test_a_client_that_does_not_read_rests_and_gets_all_of_it_when_it_does(site, user, other_user, endless, engine):
    """F48: its text waits with what was written, while another person's is written to its end."""
    (_, token), (_, other) = ApiToken.issue(user=user), ApiToken.issue(user=other_user)
    slow = Stream(site, token, model=endless.pk, alternatives=20, receive_bytes=4096, **LONG)
    wait_until(lambda: any(desk.parked for desk in engine._desks.values()), what="a text that rests")
    assert Stream(site, other, model=endless.pk, max_tokens=500).listen_for(b'"completion_tokens":500').status() == 200
    done = slow.listen_for(b"event: done").listen_for(b'"completion_tokens": 8192').heard
    assert slow.status() == 200
    assert done.count(b"event: done") == 1
