"""Streams of text over real connections: who breaks off, reads slowly or opens too many holds up nobody else."""

import gc
import json
import socket
import struct
import threading
from contextlib import ExitStack, closing

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from generator.recipe import Recipe
from generator.services import lyrics, writing
from lyricsite.models import ApiToken
from tests.generator.endless import endless_model
from tests.generator.live_site import live_site
from tests.generator.tiny_models import publish
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
GENERATE = "/api/v1/lyrics/generate/"
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

    def __init__(self, site: str, token: str, *, path: str = GENERATE, receive_bytes: int = 0, **body):
        self.socket, self.heard = socket.socket(), bytearray()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(30)
        host, port = site.removeprefix("http://").split(":")
        self.socket.connect((host, int(port)))
        content = json.dumps(body).encode()
        told = {"Host": "localhost", "Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        lines = [f"{name}: {value}" for name, value in (told | {"Content-Length": len(content)}).items()]
        head = "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""])
        self.socket.sendall(head.encode() + content)

    def listen_for(self, words: bytes) -> "Stream":
        begin = 0
        while self.heard.find(words, begin) < 0:
            begin = max(len(self.heard) - len(words), 0)  # megabytes are not searched again and again
            received = self.socket.recv(65536)
            assert received, self.heard[-300:]
            self.heard += received
        return self

    def status(self) -> int:
        return int(self.listen_for(b"\r\n\r\n").heard[:20].split(b" ", 2)[1])

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


@pytest.mark.parametrize("path", ["/api/v1/lyrics/generate/", "/v1/completions"])
def test_a_stream_holds_no_connection_to_the_database(site, user, endless, engine, path):
    """F47: each text that is written would else take one from everybody's pages."""
    _, token = ApiToken.issue(user=user)
    before = open_connections()
    streams = [Stream(site, token, path=path, model=endless.pk, **LONG) for _ in range(4)]
    for stream in streams:
        stream.listen_for(b"data: ")
    wait_until(lambda: open_connections() <= before, seconds=20, what="connections that are given back")
    assert engine.open_count == 4
    for stream in streams:
        stream.close()


@pytest.mark.parametrize("path", ["/api/v1/lyrics/generate/", "/v1/completions", "unknown-words"])
def test_who_waits_for_a_model_that_is_read_in_holds_no_connection(site, user, monkeypatch, path):
    """It may take seconds, and many may wait for the same one."""
    model, (_, token) = publish(user), ApiToken.issue(user=user)
    waiting, is_read, get = [], threading.Event(), writing.model_cache.get

    def get_slowly(*asked):
        waiting.append(asked)
        is_read.wait(20)
        return get(*asked)

    monkeypatch.setattr(writing.model_cache, "get", get_slowly)
    before = open_connections()
    asked = {"model": model.pk, "max_tokens": 3} if path != "unknown-words" else {"text": "oh"}
    path = path if path != "unknown-words" else f"/api/v1/models/{model.pk}/unknown-words/"
    streams = [Stream(site, token, path=path, **asked) for _ in range(3)]
    wait_until(lambda: len(waiting) == 3, seconds=20, what="three who wait for the model")
    wait_until(lambda: open_connections() <= before, seconds=5, what="connections that are given back")
    is_read.set()
    assert [stream.status() for stream in streams] == [200] * 3


def test_who_leaves_while_a_lyric_is_written_again_ends_the_work(site, user, endless, engine):
    """Within a second or so; and while it is written it takes no connection from everybody's pages."""
    recipe = Recipe(seed=4, max_tokens=1024)
    lyric = lyrics.save_lyric(user=user, text="oh", generated_text="oh", model=endless, recipe=recipe)
    _, token = ApiToken.issue(user=user)
    before = open_connections()
    endless.network.is_open.clear()
    for _ in range(5):  # with four at most, a leak would be refused
        again = Stream(site, token, path=f"/api/v1/lyrics/{lyric.pk}/reproduce/")
        wait_until(lambda: engine.open_count == 1, seconds=20, what="a lyric that is written again")
        wait_until(lambda: open_connections() <= before, seconds=20, what="connections that are given back")
        again.reset()
        wait_until(lambda: engine.open_count == 0, seconds=5, what="the end of the work")


def test_who_leaves_before_several_texts_are_whole_ends_the_work(site, user, endless, engine):
    _, token = ApiToken.issue(user=user)
    endless.network.is_open.clear()
    for _ in range(5):
        asked = Stream(site, token, path="/v1/completions", model=endless.pk, prompt=["oh", "my"], max_tokens=1024)
        wait_until(lambda: engine.open_count == 2, seconds=20, what="two texts that are written")
        asked.reset()
        wait_until(lambda: engine.open_count == 0, seconds=5, what="the end of the work")


def open_connections() -> int:
    """How many this process has, in whichever threads."""
    wrappers = [found for found in gc.get_objects() if issubclass(type(found), BaseDatabaseWrapper)]
    return sum(wrapper.connection is not None for wrapper in wrappers)


def test_a_client_that_does_not_read_rests_and_gets_all_of_it_when_it_does(site, user, other_user, endless, engine):
    """F48: its text waits with what was written, while another person's is written to its end."""
    (_, token), (_, other) = ApiToken.issue(user=user), ApiToken.issue(user=other_user)
    slow = Stream(site, token, model=endless.pk, alternatives=20, receive_bytes=4096, **LONG)
    wait_until(lambda: any(desk.parked for desk in engine._desks.values()), what="a text that rests")
    assert Stream(site, other, model=endless.pk, max_tokens=500).listen_for(b'"completion_tokens":500').status() == 200
    done = slow.listen_for(b"event: done").listen_for(b'"completion_tokens": 8192').heard
    assert slow.status() == 200
    assert done.count(b"event: done") == 1
