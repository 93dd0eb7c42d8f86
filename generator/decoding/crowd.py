"""Whether a crowd is coming: then a batch waits for it, instead of beginning with the first few.

To take a request costs the interpreter more than a step of the network does. Steps for the first of a crowd take time
from the requests of the others, and all of them begin later. Who comes alone is not kept waiting.
"""

import time

GAP_SECONDS = 0.005  # who comes sooner after another belongs to a crowd
MOST_SECONDS = 0.1  # that the first one waits for the last
LOOK_SECONDS = 0.001


class Crowd:
    """The latest arrivals; ``note`` each."""

    def __init__(self) -> None:
        self._first = self._last = 0.0

    def note(self) -> None:
        now = time.monotonic()
        if now - self._last > GAP_SECONDS:
            self._first = now
        self._last = now

    def is_coming(self, now: float) -> bool:
        """Whether more are to be expected: two at least came one shortly after the other, the last just now."""
        return self._first < self._last and now - self._last < GAP_SECONDS and now - self._first < MOST_SECONDS
