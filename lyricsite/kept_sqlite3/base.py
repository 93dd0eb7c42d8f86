"""Connections to SQLite that are used again, as PostgreSQL's pool does with its own.

To open one and to read the tables' names costs two milliseconds, more than most that is asked through it. Whoever
closes a connection has given it back; while it lies here it holds no lock and no transaction.
"""

import os
import sqlite3
import threading
from collections import defaultdict
from pathlib import Path

from django.db.backends.sqlite3 import base

KEPT_AT_MOST = 4  # of each file, as PostgreSQL's pool has
Stamp = tuple[int, int, int]


class Kept:
    """What lies ready for each file. Safe to ask from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready: dict[str, list[tuple[sqlite3.Connection, Stamp]]] = defaultdict(list)

    def take(self, name: str) -> tuple[sqlite3.Connection, Stamp] | None:
        """A connection to the file that is called ``name`` now; those to a file of that name before are closed."""
        stamp = stamp_of(name)
        while True:
            with self._lock:
                if not self._ready[name]:
                    return None
                found = self._ready[name].pop()
            if found[1] == stamp:
                return found
            found[0].close()

    def give_back(self, name: str, connection: sqlite3.Connection, stamp: Stamp) -> bool:
        """Whether the connection is kept; else it is the caller's to close."""
        with self._lock:
            has_room = stamp == stamp_of(name) and len(self._ready[name]) < KEPT_AT_MOST
            if has_room:
                self._ready[name].append((connection, stamp))
            return has_room


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
        if found := kept.take(str(conn_params["database"])):
            connection, self._stamp = found
            return connection
        connection = super().get_new_connection(conn_params)
        self._stamp = stamp_of(str(conn_params["database"]))
        return connection

    def _close(self) -> None:
        """Keep the connection, unless it is in the midst of something or something has gone wrong with it."""
        connection = self.connection
        if connection is None or self.errors_occurred or self._stamp is None or connection.in_transaction:
            return super()._close()
        if not kept.give_back(str(self.settings_dict["NAME"]), connection, self._stamp):
            super()._close()
        return None
