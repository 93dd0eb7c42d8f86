"""The database as it is met from outside: is it away, and does a thread that waits still hold a connection?"""

import sqlite3

from django.db import InterfaceError, OperationalError, close_old_connections, connection

# By primary code: busy, locked, out of memory, read-only, input or output failed, disk full, file can't be opened.
SQLITE_AWAY = {5, 6, 7, 8, 10, 13, 14}
# By class: connection, try the transaction again, resources, a lock not granted in time, an operator or a time limit,
# the system underneath.
POSTGRES_AWAY = ("08", "40", "53", "55P03", "57", "58")


def is_away(error: BaseException | None) -> bool:
    """Whether ``error`` says that the database is gone, locked or overloaded: later the same may well succeed.

    What would fail again, such as a table that isn't there, is our own mistake and no absence.
    """
    cause = getattr(error, "__cause__", None)
    if isinstance(error, InterfaceError):
        return not isinstance(cause, sqlite3.Error)  # psycopg's word for a connection that has been closed
    if not isinstance(error, OperationalError):
        return False
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in SQLITE_AWAY
    state = getattr(cause, "sqlstate", None)  # none: no server has answered at all
    return state is None or state.startswith(POSTGRES_AWAY)


def let_go() -> None:
    """Give this thread's connection back before something long that needs none: a stream, a text being written."""
    if not connection.in_atomic_block:
        close_old_connections()
