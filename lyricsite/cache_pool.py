"""One pool of connections to the cache for all threads of a process.

Under an ASGI server each request runs in a thread of its own, and Django gives each thread a cache client: without
this, every request would open a connection (measured: a third of what a short request costs).
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
