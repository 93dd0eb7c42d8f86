"""What a network remembers after prompts that were read before, so that their beginnings need not be read again."""

import threading
from collections import OrderedDict

from numpy import ndarray

LIMIT_BYTES = 32 * 1024 * 1024
EVERY = 32  # tokens: a longer prompt that begins like an earlier one goes on from the last of these


class Prefixes:
    """Memories by the tokens that led to them, the longest unused dropped first; safe to ask from any thread."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes, self._bytes = limit_bytes, 0
        self._known: OrderedDict[tuple[int, ...], list[ndarray]] = OrderedDict()
        self._lock = threading.Lock()

    def wants(self, position: int, last: int) -> bool:
        """Whether the memory after ``position`` tokens of a prompt is worth keeping; ``last`` is one before its end."""
        return position > 0 and (position == last or position % EVERY == 0)

    def next_place(self, position: int, last: int) -> int:
        """How many tokens after ``position`` the next such memory is."""
        return min(last - position, EVERY - position % EVERY)

    def keep(self, tokens: list[int], memory: list[ndarray]) -> None:
        """Keep what a row remembers after ``tokens``: arrays (1, H)."""
        with self._lock:
            key = tuple(tokens)
            if key in self._known:
                self._known.move_to_end(key)
                return
            self._known[key] = memory
            self._bytes += _size(key, memory)
            while self._bytes > self._limit_bytes:
                self._bytes -= _size(*self._known.popitem(last=False))

    def longest(self, tokens: list[int]) -> tuple[int, list[ndarray] | None]:
        """(how many of ``tokens`` are known, what is remembered after them); (0, None) if none are."""
        whole = len(tokens)
        with self._lock:
            for position in (whole, *range(whole - 1 - (whole - 1) % EVERY, 0, -EVERY)):
                if (memory := self._known.get(tuple(tokens[:position]))) is not None:
                    self._known.move_to_end(tuple(tokens[:position]))
                    return position, memory
        return 0, None


def _size(key: tuple[int, ...], memory: list[ndarray]) -> int:
    return 32 * len(key) + sum(part.nbytes for part in memory)
