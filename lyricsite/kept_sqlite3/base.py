"""Connections to SQLite that are used again, as PostgreSQL's pool does with its own.

To open one and to read the tables' names costs two milliseconds, more than most that is asked through it. Whoever
closes a connection has given it back; while it lies here it holds no lock and no transaction.
"""

import os
import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.db.backends.sqlite3 import base

KEPT_AT_MOST = 4  # of each file, as PostgreSQL's pool has
Stamp = tuple[int, int, int]


class Kept:
    """What lies ready for each file. Safe to ask from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready: dict[str, list[tuple[sqlite3.Connection, Stamp]]] = defaultdict(list)
        self._in_use: Counter[str] = Counter()
        self._overflowed: set[str] = set()

    def take(self, name: str, open_new: Callable[[], sqlite3.Connection]) -> tuple[sqlite3.Connection, Stamp | None]:
        """A connection to the file that is called ``name`` now; those to a file of that name before are closed."""
        found = self._take_ready(name) or (open_new(), stamp_of(name))
        with self._lock:
            self._in_use[name] += 1
        return found

    def _take_ready(self, name: str) -> tuple[sqlite3.Connection, Stamp] | None:
        stamp = stamp_of(name)
        while True:
            with self._lock:
                if not self._ready[name]:
                    return None
                found = self._ready[name].pop()
            if found[1] == stamp:
                return found
            found[0].close()

    def give_back(self, name: str, connection: sqlite3.Connection, stamp: Stamp | None, *, is_sound: bool) -> None:
        """Keep the connection if it ``is_sound`` and there is room, or close it.

        SQLite closes the file of a connection only when no other of this process holds it. So that a crowd's do not
        stay open for ever, all are closed once nobody uses one.
        """
        is_sound = is_sound and stamp is not None and stamp == stamp_of(name)
        with self._lock:
            self._in_use[name] -= 1
            if is_sound and len(self._ready[name]) < KEPT_AT_MOST:
                self._ready[name].append((connection, stamp))
                superfluous = []
            else:
                self._overflowed.add(name)
                superfluous = [connection]
            if name in self._overflowed and self._in_use[name] <= 0:
                superfluous += [one for one, _ in self._ready.pop(name, [])]
                self._overflowed.discard(name)
        for one in superfluous:
            one.close()


def stamp_of(name: str) -> Stamp | None:
    """What tells this file, as this process sees it, from every other; None while there is none.

    A connection that has come through a fork must not be used: SQLite's locks belong to a process.
    """
    try:
        found = Path(name).stat()
    except OSError:
        return None
    return os.getpid(), found.st_dev, found.st_ino


kept = Kept()


class DatabaseWrapper(base.DatabaseWrapper):
    _stamp: Stamp | None = None

    def get_new_connection(self, conn_params: dict) -> sqlite3.Connection:
        open_new = partial(super().get_new_connection, conn_params)
        connection, self._stamp = kept.take(str(conn_params["database"]), open_new)
        return connection

    def _close(self) -> None:
        """Give the connection back, but keep none that is in the midst of something or has failed."""
        if (connection := self.connection) is not None:
            is_sound = not (self.errors_occurred or connection.in_transaction)
            with self.wrap_database_errors:
                kept.give_back(str(self.settings_dict["NAME"]), connection, self._stamp, is_sound=is_sound)
