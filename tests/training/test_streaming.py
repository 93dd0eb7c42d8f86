"""Streams of events: what they send, how many there may be, and that they give back what they took."""

import asyncio
import gc

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.test import RequestFactory

from training import streaming
from training.models import Dataset


class Person:
    def __init__(self, pk: int) -> None:
        self.pk = pk


def wsgi_request(user=None):
    request = RequestFactory().get("/")
    request.user = user or AnonymousUser()
    return request


def asgi_request(user=None):
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    request = ASGIRequest(scope, None)
    request.user = user or AnonymousUser()
    return request


async def two_events():
    yield "data: one\n\n"
    yield "data: two\n\n"


def text_of(response) -> str:
    return b"".join(response.streaming_content).decode()


async def async_text_of(response) -> str:
    return b"".join([part async for part in response.streaming_content]).decode()


def test_a_stream_sends_its_events_under_both_kinds_of_server():
    assert text_of(streaming.event_stream(wsgi_request(), two_events())) == "data: one\n\ndata: two\n\n"
    response = streaming.event_stream(asgi_request(), two_events())
    assert response.is_async
    assert asyncio.run(async_text_of(response)) == "data: one\n\ndata: two\n\n"


def test_nobody_stores_or_buffers_a_stream():
    response = streaming.event_stream(wsgi_request(), two_events())
    assert response["Content-Type"] == "text/event-stream"
    assert response["Cache-Control"] == "no-store"
    assert response["X-Accel-Buffering"] == "no"


def test_a_silent_source_is_covered_by_pings_and_loses_nothing(monkeypatch):
    monkeypatch.setattr(streaming, "PING_SECONDS", 0.01)

    async def slow():
        await asyncio.sleep(0.05)
        yield "data: late\n\n"

    text = text_of(streaming.event_stream(wsgi_request(), slow()))
    assert text.startswith(": ping\n\n")
    assert text.endswith("data: late\n\n")


def test_a_stream_that_has_lived_long_enough_ends_and_so_does_its_source(monkeypatch):
    monkeypatch.setattr(streaming, "LIFE_SECONDS", 0.05)
    ended = []

    async def endless():
        try:
            while True:
                await asyncio.sleep(10)
                yield "data: never\n\n"
        finally:
            ended.append(True)

    assert "never" not in text_of(streaming.event_stream(wsgi_request(), endless()))
    assert ended == [True]


def test_a_reader_who_leaves_ends_the_source():
    ended = []

    async def endless():
        try:
            while True:
                yield "data: more\n\n"
                await asyncio.sleep(0)
        finally:
            ended.append(True)

    response = streaming.event_stream(wsgi_request(), endless())
    assert next(iter(response)) == b"data: more\n\n"
    response.close()
    assert ended == [True]


def test_one_person_watches_only_so_many_streams_and_others_are_not_touched():
    watched = [streaming.event_stream(wsgi_request(Person(1)), two_events()) for _ in range(5)]
    refused = streaming.event_stream(wsgi_request(Person(1)), two_events())
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert streaming.event_stream(wsgi_request(Person(2)), two_events()).status_code == 200
    watched[0].close()
    assert streaming.event_stream(wsgi_request(Person(1)), two_events()).status_code == 200


def test_who_watches_all_they_may_can_still_write():
    watched = [streaming.event_stream(wsgi_request(Person(1)), two_events()) for _ in range(5)]
    assert streaming.event_stream(wsgi_request(Person(1)), two_events(), is_watching=False).status_code == 200
    assert len(watched) == 5


@pytest.mark.parametrize(("is_watching", "parts"), [(True, ["data: one\n\n"]), (False, ["data: one\n\n"] * 2)])
def test_when_the_server_ends_watching_ends_and_work_goes_on(is_watching, parts):
    async def two_slow_events():
        yield "data: one\n\n"
        await asyncio.sleep(0.05)
        yield "data: one\n\n"

    async def told() -> list[str]:
        response = streaming.event_stream(asgi_request(), two_slow_events(), is_watching=is_watching)
        found = []
        async for part in response.streaming_content:
            found.append(part.decode())
            streaming.end_watching()
        return found

    assert asyncio.run(told()) == parts
    assert not streaming._watched


def test_a_process_has_only_so_many_streams(monkeypatch):
    monkeypatch.setattr(streaming, "STREAMS_PER_PROCESS", streaming.open_streams() + 1)
    first = streaming.event_stream(wsgi_request(Person(1)), two_events())
    refused = streaming.event_stream(wsgi_request(Person(2)), two_events())
    assert (first.status_code, refused.status_code) == (200, 503)
    assert int(refused["Retry-After"]) > 0


def test_seats_come_back_when_streams_are_closed_and_when_they_are_dropped():
    gc.collect()
    before = streaming.open_streams()
    closed = streaming.event_stream(wsgi_request(Person(1)), two_events())
    dropped = streaming.event_stream(wsgi_request(Person(1)), two_events())
    assert streaming.open_streams() == before + 2
    closed.close()
    closed.close()
    del dropped
    gc.collect()
    assert streaming.open_streams() == before


@pytest.mark.django_db(transaction=True)
def test_many_streams_read_through_two_threads(ready_dataset):
    def look() -> tuple[int, int]:
        return id(connection.connection), Dataset.objects.count()

    async def many():
        return await asyncio.gather(*[streaming.read(look) for _ in range(30)])

    assert {count for _, count in asyncio.run(many())} == {1}
    assert len(streaming._readers._threads) <= 2
