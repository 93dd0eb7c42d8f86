"""Hosts and headers that nobody honest sends, and the versions that know of them."""

import asyncio
import re
from importlib.metadata import version

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from lyricsite.asgi import application

pytestmark = pytest.mark.django_db


def answered(path: str, headers: list[tuple[bytes, bytes]], *, by=application) -> tuple[int, dict[bytes, bytes]]:
    """Status and headers of what our ASGI application says to GET ``path`` with these headers, as a server hands on."""
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
             "scheme": "http", "server": ("testserver", 80), "client": ("192.0.2.7", 4711), "root_path": "",
             "http_version": "1.1", "headers": [(b"host", b"testserver"), *headers]}  # fmt: skip
    told, asked = [], iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive():
        return next(asked, None) or await asyncio.Event().wait()  # a client that waits for its answer

    async def send(message):
        told.append(message)

    signals = (request_started, request_finished)
    for signal in signals:  # the test's own connection stays open
        signal.disconnect(close_old_connections)
    try:
        async_to_sync(by)(scope, receive, send)
    finally:
        for signal in signals:
            signal.connect(close_old_connections)
    start = next(message for message in told if message["type"] == "http.response.start")
    return start["status"], {name.lower(): value for name, value in start["headers"]}


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "evil.example:80@testserver", "a b", "[::"]
)
def test_a_host_that_is_not_ours_is_refused(client, host):
    """F101: no address of ours is ever built from somebody else's host."""
    assert client.get("/sign-in/", headers={"Host": host}).status_code == 400


def test_no_forwarded_host_gets_into_our_addresses(api, world):
    """F101: neither spelling of the header is believed."""
    spoofed = {"HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_FORWARDED": "host=evil.example"}
    answer = api.get("/api/v1/datasets/?page_size=1", **spoofed)
    assert b"evil.example" not in answer.content
    answer = api.post("/api/v1/runs/", {"dataset": world["datasets"], "architecture": "rnn"}, **spoofed)
    assert "evil.example" not in answer.headers.get("Location", "")


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-again", b"%d" % number) for number in range(1000)],
        [(b"accept", b"text/html")] * 1000,
        [(b"accept", b"text/html;q=0." + b"1," * 50_000)],
        [(b"accept-language", b"en-" + b"x" * 100_000)],
        [(b"accept-encoding", b"gzip," * 20_000)],
        [(b"cookie", b"a=b; " * 20_000)],
        [(b"authorization", b"Bearer " + b"x" * 100_000)],
        [(b"if-none-match", b'"x",' * 20_000), (b"if-modified-since", b"x" * 9000)],
        [(b"range", b"bytes=" + b"0-1," * 20_000)],
        [(b"content-length", b"1" * 5000)],
        [(b"x-request-id", b"a\r\nb" * 100)],
    ],
    ids=lambda headers: f"{len(headers)} x {headers[0][0].decode()}",
)
@pytest.mark.parametrize("path", ["/", "/api/v1/datasets/", "/static/css/base.css"])
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume:Warning")
def test_headers_of_any_length_and_number_are_no_server_error(path, headers):
    """F101: what a server lets through is answered or refused."""
    status, answer = answered(path, headers)
    assert status < 500
    assert b"\n" not in answer[b"x-request-id"]


def test_an_underscore_makes_no_header_of_a_proxy(settings):
    """F101: ``X_Forwarded_For`` is not taken for ``X-Forwarded-For`` (CVE-2026-3902)."""
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    behind_a_proxy = ASGIHandler()  # it reads the settings as it is made
    assert answered("/sign-in/", [(b"x-forwarded-proto", b"https")], by=behind_a_proxy)[0] == 200
    assert answered("/sign-in/", [(b"x_forwarded_proto", b"https")], by=behind_a_proxy)[0] == 301


FLOORS = {
    "django": (5, 2, 19),
    "djangorestframework": (3, 18),
    "celery": (5, 7),
    "kombu": (5, 7),
    "torch": (2, 10),
    "safetensors": (0, 8),
    "uvicorn": (0, 54),
}


@pytest.mark.parametrize("package", FLOORS)
def test_no_package_is_older_than_the_fault_it_was_mended_for(package):
    """F101: the versions below which known holes are open."""
    installed = tuple(int(part) for part in re.findall(r"\d+", version(package))[:3])
    assert installed >= FLOORS[package]
