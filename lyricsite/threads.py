"""Threads for requests: few at a time as long as they are quick, since Python runs only one; one more for who waits."""

import asyncio
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

QUICK_ONES = 2  # at a time: while one reads from the database the other computes
QUICK_SECONDS = 0.05  # longer than this only something that waits takes, be it for a lock, a network or a text
MOST_THREADS = 256


class Threads:
    """Runs functions in threads, in the order in which they come.

    They go through a turnstile: a crowd that comes at once is served one after another, each quickly, instead of all
    together, each slowly. Who takes long is counted no more, so nobody waits for somebody who waits.
    """

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix=name)
        self._turnstiles: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # one for each event loop

    async def run(self, function: Callable, *args):
        """What ``function(*args)`` returns or raises. Once begun, it goes on to its end also if nobody waits for it."""
        loop = asyncio.get_running_loop()
        turnstile = self._turnstiles.get(loop)
        if turnstile is None:
            turnstile = self._turnstiles[loop] = Turnstile(QUICK_ONES)
        leave = await turnstile.enter()
        patience = loop.call_later(QUICK_SECONDS, leave)
        job = loop.run_in_executor(self._pool, function, *args)
        try:
            return await job
        finally:
            patience.cancel()
            leave()


class Turnstile:
    """Lets so many in at a time, in the order in which they come; for one event loop."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[asyncio.Future] = deque()

    async def enter(self) -> Callable[[], None]:
        """Wait for a place; what it returns gives the place back, once, however often it is called."""
        if self._free:
            self._free -= 1
        else:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if not waiter.cancelled():  # the place came in the same moment
                    self._pass_on()
                raise
        place = [self]

        def leave() -> None:
            if place:
                place.pop()._pass_on()

        return leave

    def _pass_on(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1
