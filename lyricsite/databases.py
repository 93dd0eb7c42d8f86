"""How patient a process is with its database (reliability rules R15 and R16).

People wait for the web, so it gives up within `WEB_PATIENCE_SECONDS` and answers 503; a worker has all night.
"""

from lyricsite.postgresql import WEB_STATEMENT_SECONDS, WebConnection

WEB_PATIENCE_SECONDS = 4  # the answer that says so must be there within 5
SQLITE_WORK_SECONDS = 20
POOL_WORK_SECONDS = 5
IDLE_IN_TRANSACTION_SECONDS = 60
WORK_SILENCE_SECONDS = 15  # half a lease: a worker whose network is cut knows it before its run is given away


def with_profile(database: dict, *, serves_web: bool) -> dict:
    """Return Django's settings of one database, completed for a web process or for any other.

    Options that the address itself named win, so an operator can change each of them.
    """
    if database["ENGINE"].endswith("postgresql"):
        return database | {
            "CONN_MAX_AGE": 0,  # the pool keeps them; Django must not
            "CONN_HEALTH_CHECKS": True,  # the pool hands out none that died while it lay there
            "OPTIONS": postgresql_options(serves_web=serves_web) | database.get("OPTIONS", {}),
        }
    if database["ENGINE"].endswith("sqlite3"):
        engine = "lyricsite.kept_sqlite3" if serves_web else database["ENGINE"]
        return database | {
            "ENGINE": engine,
            "OPTIONS": sqlite_options(serves_web=serves_web) | database.get("OPTIONS", {}),
        }
    return database


def postgresql_options(*, serves_web: bool) -> dict:
    patience = WEB_PATIENCE_SECONDS if serves_web else POOL_WORK_SECONDS
    pool = {"min_size": 1, "max_size": 4, "timeout": patience, "reconnect_timeout": 2}
    limits = {"idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_SECONDS}
    if serves_web:
        pool["connection_class"] = WebConnection
        limits |= {"statement_timeout": WEB_STATEMENT_SECONDS, "lock_timeout": WEB_PATIENCE_SECONDS}
    return {
        "application_name": "lyrics-web" if serves_web else "lyrics-work",
        "options": " ".join(f"-c {name}={1000 * seconds}" for name, seconds in limits.items()),
        # A server that is gone without a word: noticed while connecting, while a question is out, and while idle.
        "connect_timeout": 3,
        "tcp_user_timeout": 1000 * (WEB_PATIENCE_SECONDS if serves_web else WORK_SILENCE_SECONDS),
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        # Attempts to reconnect wait longer and longer, up to minutes after the server is back, unless they are given
        # up early: then the next request makes a fresh one.
        "pool": pool,
    }


def sqlite_options(*, serves_web: bool) -> dict:
    return {
        "timeout": WEB_PATIENCE_SECONDS if serves_web else SQLITE_WORK_SECONDS,
        # Readers that later write would fail at once with "database is locked"; IMMEDIATE makes them wait instead.
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
