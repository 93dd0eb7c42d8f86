"""A worker's hold on its import: renewed about once a second, whatever phase it is in."""

import time
from collections.abc import Callable
from uuid import UUID

from training import lifecycle
from training.models import Import

BREATH_SECONDS = 0.5  # a wish to cancel is heard within a second, also where one step between two breaths is long


class LeaseLost(Exception):
    """Raised when another worker has the import, or it was deleted: nothing may be written any more."""


class Cancelled(Exception):
    """Raised when a person asked to stop."""


class Hold:
    """Renews the lease, notes progress, and learns of a wish to cancel."""

    def __init__(self, job: Import, token: UUID, on_progress: Callable[[int, int], None] | None = None) -> None:
        self.job = job
        self.token = token
        self._on_progress = on_progress
        self._renewed_at = 0.0

    def breathe(self) -> None:
        """Renew the lease if that is due; to be called often, and never inside a transaction.

        Raises: LeaseLost, Cancelled.
        """
        if time.monotonic() - self._renewed_at >= BREATH_SECONDS:
            self.renew()
            self.tell()

    def renew(self, **columns) -> None:
        """Renew the lease now and write ``columns`` of the import with it. Raises: LeaseLost, Cancelled."""
        for column, value in columns.items():
            setattr(self.job, column, value)
        progress = {"records_read": self.job.records_read, "bytes_read": self.job.bytes_read}
        lease = lifecycle.renew_import(self.job.pk, self.token, **progress, **columns)
        if not lease.ok:
            raise LeaseLost
        if lease.cancel_requested:
            raise Cancelled
        self._renewed_at = time.monotonic()

    def tell(self) -> None:
        """Tell whoever listens how far the file is read."""
        if self._on_progress:
            self._on_progress(self.job.records_read, self.job.bytes_read)
