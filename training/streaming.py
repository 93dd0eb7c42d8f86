"""Server-sent events: the one factory of streams, with its limits, for ASGI and WSGI alike (reliability rule R17).

A stream holds no database connection: what it reads, it reads by `read`, through two threads that all streams of this
process share. A hundred open pages cost two connections.
"""

import asyncio
import random
import threading
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress

from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

from training.database import let_go

PING_SECONDS = 15
LIFE_SECONDS = 600  # then the reader comes back with Last-Event-ID; no stream is for ever
STREAMS_PER_PROCESS = 300
# A browser opens six connections to a server: more pages that watch would leave none for the pages themselves.
STREAMS_PER_USER = 5

_readers = ThreadPoolExecutor(2, thread_name_prefix="live")
_watched: set["_OneAhead"] = set()


def event_stream(request: HttpRequest, events: AsyncIterator[str], *, is_watching: bool = True) -> HttpResponse:
    """An answer that sends each text of ``events`` as it comes: whole frames, each with its blank line.

    Access is checked before: once the stream has begun, an error can only cut it. Over the limits the answer is 503
    (this process has too many streams) or 429 (this person has), both with Retry-After; a page then polls.

    Args:
        is_watching: the reader can come back with the last number and misses nothing. Such a stream counts against
            what one person may watch, and ends at once when the server does. One that carries work of its own, such as
            a text as it is written, has its own limit elsewhere, and the server's grace to finish.
    """
    person = getattr(request.user, "pk", None) if is_watching and hasattr(request, "user") else None
    seat = _seats.take(person)
    if isinstance(seat, HttpResponse):
        return seat
    let_go()  # the stream may last for minutes, and needs no connection
    paced = _paced(events, is_watching=is_watching)
    content = paced if isinstance(request, ASGIRequest) else _blocking(paced)
    response = StreamingHttpResponse(content, content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    # Whichever comes first: the server closes the answer, or drops it unread because its client had left.
    response._resource_closers.append(seat.give_back)
    weakref.finalize(response, seat.give_back)
    return response


async def read(function: Callable, *args):
    """What ``function(*args)`` reads from the database, in one of the two threads that all streams share."""
    return await asyncio.get_running_loop().run_in_executor(_readers, _call, function, args)


def open_streams() -> int:
    """How many streams this process serves now."""
    return _seats.taken


def end_watching() -> None:
    """End this event loop's streams of what goes on elsewhere: the server ends, and their readers come back."""
    for ahead in list(_watched):
        ahead.end()


def _call(function: Callable, args: tuple):
    close_old_connections()
    try:
        return function(*args)
    finally:
        close_old_connections()


# ── Time ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _paced(events: AsyncIterator[str], *, is_watching: bool) -> AsyncIterator[str]:
    """The events, with a comment whenever nothing came for a while (a proxy would cut the line), until life ends."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + LIFE_SECONDS
    ahead = _OneAhead(events)
    if is_watching:
        _watched.add(ahead)
    try:
        while (seconds_left := ends_at - loop.time()) > 0:
            await ahead.wait(min(PING_SECONDS, seconds_left))
            if ahead.has_ended():
                return
            yield ahead.take() or ": ping\n\n"
    finally:
        _watched.discard(ahead)
        await ahead.stop()


class _OneAhead:
    """Reads events in one task for all of them, and at most one further than its own reader, who may be slow.

    To wait for each with a time limit takes a task for each, which costs half as much again.
    """

    def __init__(self, events: AsyncIterator[str]) -> None:
        self._event: str | None = None
        self._bell, self._has_room = asyncio.Event(), asyncio.Event()
        self._was_ended = False
        self._reading = asyncio.ensure_future(self._read(events))

    async def _read(self, events: AsyncIterator[str]) -> None:
        try:
            async with aclosing(events):
                async for self._event in events:
                    self._bell.set()
                    await self._has_room.wait()
                    self._has_room.clear()
        finally:
            self._bell.set()

    async def wait(self, seconds: float) -> None:
        """Until there is an event, or none will come any more, or the time is over."""
        if not self._bell.is_set():
            alarm = asyncio.get_running_loop().call_later(seconds, self._bell.set)
            await self._bell.wait()
            alarm.cancel()
        self._bell.clear()

    def take(self) -> str | None:
        """The event that is there, if one is."""
        event, self._event = self._event, None
        if event is not None:
            self._has_room.set()
        return event

    def has_ended(self) -> bool:
        """Whether nothing more is to be taken. Raises: what ended the events, if it was an error."""
        is_read = self._event is None and self._reading.done()
        return self._was_ended or (is_read and self._reading.result() is None)

    def end(self) -> None:
        """Let the reader go at once, whatever may still come."""
        self._was_ended = True
        self._bell.set()

    async def stop(self) -> None:
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading


def _blocking(events: AsyncIterator[str]) -> Iterator[str]:
    """The same for a WSGI server, which reads an answer in a thread; an async one it would collect to its end."""
    loop = asyncio.new_event_loop()
    try:
        while True:
            try:
                yield loop.run_until_complete(anext(events))
            except StopAsyncIteration:
                return
    finally:
        loop.run_until_complete(events.aclose())
        loop.close()


# ── Seats ────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Seat:
    """One open stream's place; given back once, however often that is said."""

    def __init__(self, seats: "_Seats", user_id) -> None:
        self.seats, self.user_id, self.is_taken = seats, user_id, True

    def give_back(self) -> None:
        self.seats.free(self)


class _Seats:
    """The streams of this process, all together and for each person."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # a seat may be given back by the garbage collector, whatever runs just then
        self.taken = 0
        self.of_user: Counter = Counter()

    def take(self, user_id) -> _Seat | HttpResponse:
        with self.lock:
            if self.taken >= STREAMS_PER_PROCESS:
                return _refusal(503, "Too many pages are watching right now.")
            if user_id is not None and self.of_user[user_id] >= STREAMS_PER_USER:
                return _refusal(429, f"You are watching {STREAMS_PER_USER} streams already; close one of those pages.")
            self.taken += 1
            self.of_user[user_id] += 1
            return _Seat(self, user_id)

    def free(self, seat: _Seat) -> None:
        with self.lock:
            if not seat.is_taken:
                return
            seat.is_taken = False
            self.taken -= 1
            self.of_user[seat.user_id] -= 1
            if not self.of_user[seat.user_id]:
                del self.of_user[seat.user_id]


def _refusal(status: int, detail: str) -> HttpResponse:
    seconds = random.randint(5, 15)  # so that not everyone comes back in the same second
    return JsonResponse({"detail": detail}, status=status, headers={"Retry-After": str(seconds)})


_seats = _Seats()
