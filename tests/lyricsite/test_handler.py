"""One thread answers a request from its beginning to its end, and the next one after it."""

import asyncio
import threading

import pytest
from asgiref.testing import ApplicationCommunicator
from django.http import HttpResponse
from django.test import override_settings
from django.urls import path

from lyricsite.handler import OneThreadHandler

pytestmark = pytest.mark.django_db(transaction=True)
SCOPE = {
    "type": "http",
    "method": "GET",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
    "http_version": "1.1",
    "server": ("localhost", 80),
}
told = []


def say_thread(request):
    told.append(threading.current_thread().name)
    return HttpResponse("here")


def dawdle(request):
    told.append(request.has_left.wait(20))
    return HttpResponse("too late")


urlpatterns = [path("", say_thread), path("dawdle/", dawdle)]


@pytest.fixture(autouse=True)
def _own_addresses():
    told.clear()
    with override_settings(ROOT_URLCONF=__name__):
        yield


async def answer_of(site, scope: dict) -> tuple[int, bytes]:
    client = ApplicationCommunicator(site, scope)
    await client.send_input({"type": "http.request", "body": b""})
    start, body = await client.receive_output(20), await client.receive_output(20)
    await client.wait(20)
    return start["status"], body["body"]


def test_threads_are_used_again():
    site = OneThreadHandler()

    async def many():
        return [await answer_of(site, SCOPE) for _ in range(20)]

    assert asyncio.run(many()) == [(200, b"here")] * 20
    assert len(set(told)) < 5  # one that is just done may not be seen as free yet


def test_a_view_learns_that_nobody_waits_for_it_any_more():
    site = OneThreadHandler()

    async def ask_and_leave():
        client = ApplicationCommunicator(site, SCOPE | {"path": "/dawdle/"})
        await client.send_input({"type": "http.request", "body": b""})
        await client.send_input({"type": "http.disconnect"})
        await client.wait(20)

    asyncio.run(ask_and_leave())
    assert told == [True]


def test_an_address_that_is_no_text_is_refused():
    async def ask():
        return await answer_of(OneThreadHandler(), SCOPE | {"query_string": b"\xff"})

    assert asyncio.run(ask())[0] == 400
