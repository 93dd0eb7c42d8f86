"""One pool of connections to the cache for all threads of a process.

Django gives each thread a cache client of its own: without this, each would keep connections of its own.
"""

import threading

from redis import ConnectionPool


class ProcessPool(ConnectionPool):
    """Redis pools are safe to share between threads, and notice a fork by themselves."""

    _pools: dict[tuple, "ProcessPool"] = {}
    _lock = threading.Lock()

    @classmethod
    def from_url(cls, url: str, **options) -> "ProcessPool":
        """The pool of this address; the first that asks for it makes it."""
        key = (url, *sorted((name, repr(value)) for name, value in options.items()))
        with cls._lock:
            if key not in cls._pools:
                cls._pools[key] = super().from_url(url, **options)
            return cls._pools[key]
