"""A client of streams that can be as rude as a network, and what it has heard."""

import json
import socket
import struct
import time
from contextlib import suppress

from lyricsite.models import ApiToken


class Listener:
    """A client on a bare socket: it reads when it is told to, and leaves as rudely as it is told to."""

    def __init__(self, platform, user, path: str, *, body: dict | None = None, receive_bytes: int = 0, **headers: str):
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(60)
        host, port = platform.url.removeprefix("http://").split(":")
        self.socket.connect((host, int(port)))
        content = json.dumps(body).encode() if body else b""
        told = {"Host": "localhost", "Accept": "text/event-stream", **headers}
        told |= {"Authorization": f"Bearer {ApiToken.issue(user=user)[1]}"}
        if body:
            told |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
        lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
        self.heard = b""
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + content)

    @property
    def status(self) -> int:
        self.listen_for(b"\r\n")
        return int(self.heard.split(b" ", 2)[1])

    def header(self, name: str) -> str | None:
        self.listen_for(b"\r\n\r\n")
        for line in self.heard.split(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
            key, _, value = line.decode().partition(": ")
            if key.lower() == name.lower():
                return value
        return None

    def listen_for(self, words: bytes) -> "Listener":
        """Read until ``words`` are there. Raises: EOFError, AssertionError after a minute."""
        gives_up_at = time.monotonic() + 60
        while words not in self.heard:
            assert time.monotonic() < gives_up_at, f"waited in vain for {words}"  # pings may come for ever
            self.hear()
        return self

    def hear(self) -> None:
        received = self.socket.recv(65536)
        if not received:
            raise EOFError(self.heard[-300:])
        self.heard += received

    def listen_to_the_end(self) -> bytes:
        with suppress(EOFError):
            while True:
                self.hear()
        return self.heard

    def leave(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Break the connection off: RST instead of a farewell."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()


def whole_frames(heard: bytes) -> list[tuple[str, str, dict]]:
    """The events of which every line has arrived; the marks of the chunks are left out."""
    body = heard.split(b"\r\n\r\n", 1)[-1]
    text, place = b"", 0
    while (end := body.find(b"\r\n", place)) >= 0:
        size = int(body[place:end] or b"0", 16)
        text += body[end + 2 : end + 2 + size]
        place = end + 2 + size + 2
    found = []
    for frame in text.decode(errors="ignore").split("\n\n")[:-1]:
        lines = dict(line.split(": ", 1) for line in frame.split("\n") if ": " in line and not line.startswith(":"))
        if "data" in lines:
            found.append((lines["id"], lines["event"], json.loads(lines["data"])))
    return found
