"""The cache as all threads of a process share it: one pool of connections, and one client.

Django gives each thread a cache of its own, which would keep connections of its own, and makes a client each time
that something is asked: that costs more than to ask.
"""

import threading
from functools import cached_property

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import ConnectionPool, Redis


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

    @cached_property
    def client(self) -> Redis:
        return Redis(connection_pool=self)


class SharedClient(RedisCacheClient):
    def get_client(self, key=None, *, write=False) -> Redis:
        return self._get_connection_pool(write).client


class SharedCache(RedisCache):
    def __init__(self, server, params) -> None:
        super().__init__(server, params)
        self._class = SharedClient
