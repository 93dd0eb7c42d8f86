"""Many streams read side by side on raw sockets: a client that leaves the processor to the server."""

import re
import selectors
import socket
import time
from dataclasses import dataclass, field

CHUNK_BYTES = 64 * 1024
PATIENCE_SECONDS = 120
TOKEN_EVENT = b"event: token"


@dataclass
class Stream:
    """One answer as it came: each piece with its moment, and when it was asked for."""

    asked_at: float
    came: list[tuple[float, bytes]] = field(default_factory=list)

    @property
    def text(self) -> bytes:
        return b"".join(piece for _, piece in self.came)

    def moments(self) -> list[float]:
        """When text came, by events; several in one piece came at once."""
        return [moment for moment, piece in self.came if TOKEN_EVENT in piece]

    def tokens(self) -> int:
        """How many were written, as the answer counts them, or by its events where it doesn't."""
        counted = re.search(rb'"completion_tokens": ?(\d+)', self.text)
        return int(counted[1]) if counted else self.text.count(TOKEN_EVENT)


def post(port: int, path: str, body: bytes, *, token: str = "") -> bytes:
    """The bytes of a request whose answer ends the connection."""
    lines = [f"POST {path} HTTP/1.1", f"Host: localhost:{port}", "Connection: close", "Content-Type: application/json"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def read_all(port: int, requests: list[bytes]) -> list[Stream]:
    """Send all requests at once, and read every answer to its end. Raises: RuntimeError where one is refused."""
    streams: list[Stream] = []
    with selectors.DefaultSelector() as selector:
        for request in requests:
            line = socket.create_connection(("127.0.0.1", port))
            streams.append(Stream(time.perf_counter()))
            line.sendall(request)
            line.setblocking(False)
            selector.register(line, selectors.EVENT_READ, streams[-1])
        while selector.get_map():
            ready = selector.select(PATIENCE_SECONDS)
            if not ready:
                raise RuntimeError("The server fell silent.")
            for key, _ in ready:
                if piece := key.fileobj.recv(CHUNK_BYTES):
                    key.data.came.append((time.perf_counter(), piece))
                else:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
    for stream in streams:
        if b" 200 " not in stream.text[:20]:
            raise RuntimeError(f"The server refused: {stream.text[:600].decode(errors='replace')}")
    return streams
