"""What was asked of the database, as rows: the borders of its transactions ask for none."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext


@contextmanager
def questions() -> Iterator[list[str]]:
    """The statements of the block that ask for rows, in a list that is filled where the block ends.

    PostgreSQL hands out rows one by one within a transaction alone, so each of them has a BEGIN and a COMMIT around it.
    """
    asked: list[str] = []
    with CaptureQueriesContext(connection) as queries:
        yield asked
    told = (query["sql"] for query in queries.captured_queries)
    asked += [sql for sql in told if "SELECT" in sql]
