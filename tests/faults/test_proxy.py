"""The proxy passes everything on, until it is told to misbehave."""

import socket
import threading

import pytest

from tests.faults.proxy import Proxy

SECONDS = 5


@pytest.fixture
def echo():
    """A server that sends back what it gets; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(client):
            with client:
                try:
                    while data := client.recv(65536):
                        client.sendall(data)
                except OSError:
                    return

        def accept():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=[client], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy(echo):
    proxy = Proxy.start(echo)
    yield proxy
    proxy.close()


def connect(proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=SECONDS)


def ask(client, words: bytes = b"hello") -> bytes:
    client.sendall(words)
    return client.recv(65536)


def is_cut(client) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


def test_it_passes_on_both_ways(proxy):
    with connect(proxy) as client:
        assert ask(client) == b"hello"
        assert proxy.connections == 1
    assert proxy.passed == 5


def test_a_cut_ends_what_is_open_and_nothing_else(proxy):
    with connect(proxy) as client:
        ask(client)
        proxy.cut()
        assert is_cut(client)
    with connect(proxy) as client:
        assert ask(client) == b"hello"


def test_while_it_refuses_nobody_gets_through(proxy):
    with connect(proxy) as client:
        ask(client)
        proxy.refuse()
        assert is_cut(client)
    with connect(proxy) as client:
        assert is_cut(client)
    proxy.heal()
    with connect(proxy) as client:
        assert ask(client) == b"hello"


def test_what_it_swallows_gets_no_answer(proxy):
    with connect(proxy) as client:
        ask(client)
        proxy.swallow()
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            ask(client)
        proxy.heal()
        client.settimeout(SECONDS)
        assert is_cut(client)


def test_it_cuts_after_so_many_bytes_and_once(proxy):
    proxy.cut_after(3)
    with connect(proxy) as client:
        client.sendall(b"hello")
        received = b""
        while data := client.recv(65536):
            received += data
        assert received in (b"", b"hel")  # what comes back may be overtaken by the cut
    assert proxy.passed >= 3
    with connect(proxy) as client:
        assert ask(client) == b"hello"
