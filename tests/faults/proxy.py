"""A TCP proxy that can be told to misbehave: refuse, cut, swallow, delay, or stop after so many bytes."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """Listens on ``port`` and passes everything on to ``host:target``, in a thread of its own.

    Every method may be called from the test's thread; each returns once the change is in force.
    """

    target: int
    host: str = "127.0.0.1"
    port: int = 0
    refuses: bool = False
    swallows: bool = False
    delay_seconds: float = 0
    bytes_left: int | None = None  # of what clients send, until their connections are cut
    passed: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _server: asyncio.Server | None = None
    _thread: threading.Thread | None = None

    @classmethod
    def start(cls, target: int, *, host: str = "127.0.0.1") -> "Proxy":
        proxy = cls(target, host)
        proxy._thread = threading.Thread(target=proxy._loop.run_forever, name="proxy", daemon=True)
        proxy._thread.start()
        proxy._do(proxy._listen())
        return proxy

    # ── Misbehaving ──────────────────────────────────────────────────────────────────────────────────────────────

    def refuse(self) -> None:
        """Close every connection and accept none: the server behind it has gone."""
        self.refuses = True
        self.cut()

    def cut(self) -> None:
        """Close every connection at once; new ones are welcome."""
        self._do(self._cut())

    def swallow(self) -> None:
        """Take every byte and pass none on: the network has become a black hole."""
        self.swallows = True

    def cut_after(self, size: int) -> None:
        """Cut the connection in which the next ``size`` bytes of clients have been passed on, once."""
        self.bytes_left = size

    def heal(self) -> None:
        """Behave again. What was swallowed is lost, so such connections are closed."""
        had_swallowed, self.swallows = self.swallows, False
        self.refuses, self.delay_seconds, self.bytes_left = False, 0, None
        if had_swallowed:
            self.cut()

    def close(self) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._open) // 2

    # ── Inside the thread ────────────────────────────────────────────────────────────────────────────────────────

    def _do(self, work) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()  # a reset, as of a process that was killed

    async def _close(self) -> None:
        self._server.close()
        await self._cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        try:
            behind, onward = await asyncio.open_connection(self.host, self.target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, onward}
        self._open |= both
        ways = [
            asyncio.create_task(self._pass(reader, onward, counts=True)),
            asyncio.create_task(self._pass(behind, writer, counts=False)),
        ]
        self._tasks.update(ways)
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open -= both
            for writer in both:
                writer.transport.abort() if self.refuses else writer.close()
            for way in ways:
                way.cancel()
            self._tasks.difference_update(ways)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self.swallows:
                    continue
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                if counts:
                    self.passed += len(data)
                    if self.bytes_left is not None:
                        data, self.bytes_left = data[: self.bytes_left], self.bytes_left - len(data)
                writer.write(data)
                await writer.drain()
                if counts and self.bytes_left is not None and self.bytes_left <= 0:
                    self.bytes_left = None
                    return
