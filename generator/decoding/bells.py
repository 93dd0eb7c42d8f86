"""Wakes those who wait on an event loop, from another thread: many at once for the price of one."""

import asyncio
from collections import deque
from weakref import WeakKeyDictionary


class LoopBells:
    """The bells of one event loop. A call into a loop costs as much as a step of a small network; a bell, little."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rung: deque[asyncio.Event] = deque()
        self._is_called = False

    @classmethod
    def of_this_loop(cls) -> "LoopBells":
        loop = asyncio.get_running_loop()
        return _bells.get(loop) or _bells.setdefault(loop, cls(loop))

    def ring(self, bell: asyncio.Event) -> None:
        """Set ``bell`` soon, from any thread. Raises: RuntimeError if the loop has closed."""
        self._rung.append(bell)  # before the look at `_is_called`, which the loop takes back before it empties this
        if self._is_called:
            return
        self._is_called = True
        try:
            self._loop.call_soon_threadsafe(self._set_all)
        except RuntimeError:
            self._is_called = False
            raise

    def _set_all(self) -> None:
        self._is_called = False
        while self._rung:
            self._rung.popleft().set()


_bells: WeakKeyDictionary[asyncio.AbstractEventLoop, LoopBells] = WeakKeyDictionary()
