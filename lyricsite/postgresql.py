"""Connections to PostgreSQL that end when the server says nothing: it hangs, or the network swallows what is sent."""

import psycopg
from psycopg.pq import TransactionStatus

WEB_STATEMENT_SECONDS = 15
CHECK_SECONDS = 1.5  # for the empty question before the pool hands a connection out


class WebConnection(psycopg.Connection):
    """Waits a little longer than the server itself would work on a statement, and for a sign of life hardly at all."""

    most_seconds: float = WEB_STATEMENT_SECONDS + 2

    def wait(self, gen, interval: float = 0.1, timeout: float | None = None):
        try:
            return super().wait(gen, interval, self.most_seconds if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:  # not even an error has come
                self.pgconn.finish()  # or a rollback would wait as long again
            raise

    def execute(self, query, *args, **options):
        self.most_seconds = CHECK_SECONDS if not query else WebConnection.most_seconds
        try:
            return super().execute(query, *args, **options)
        finally:
            self.most_seconds = WebConnection.most_seconds
