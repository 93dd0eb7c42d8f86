"""Holds a lease from a thread of its own, so that a database that hangs never keeps the watch over a training."""

import logging
import threading
import time

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from training import lifecycle
from training.lifecycle import Claim, Lease

logger = logging.getLogger(__name__)

FENCE_SHARE = 2 / 3  # of the lease: without a confirmed renewal for so long, somebody else may soon hold the run


class Heartbeat:
    """Renews the lease of one claim, and keeps what the rows said last: ``lease`` and ``is_draining``."""

    def __init__(self, claim: Claim, worker: str, *, look_seconds: float) -> None:
        self.claim, self.worker, self.look_seconds = claim, worker, look_seconds
        self.lease = Lease(ok=True)
        self.is_draining = False
        self.confirmed_at = self.renewed_at = time.monotonic()
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._live, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.is_over.set()
        # A question that hangs is left to itself: it ends with the database's own time limit, and changes nothing.
        self.thread.join(timeout=self.look_seconds * 4)

    @property
    def is_confirmed(self) -> bool:
        """Whether the lease was renewed lately enough for nobody else to hold the run by now.

        By this machine's steady clock, which goes on while a process is stopped.
        """
        return time.monotonic() - self.confirmed_at <= settings.LEASE_SECONDS * FENCE_SHARE

    def _live(self) -> None:
        try:
            while not self.is_over.wait(self.look_seconds):
                self._ask()
        finally:
            connection.close()

    def _ask(self) -> None:
        try:
            lease = self._look()
            self.is_draining = lifecycle.is_draining(self.worker)
        except DatabaseError as problem:
            logger.warning("run %s: the database does not answer (%s)", self.claim.run_id, type(problem).__name__)
            connection.close()  # one that broke is replaced at the next question
            return
        self.lease = lease

    def _look(self) -> Lease:
        """Ask twice a second what is wished, and prolong the lease every few seconds."""
        asked_at = time.monotonic()
        if asked_at - self.renewed_at < settings.HEARTBEAT_SECONDS:
            return lifecycle.look(self.claim.run_id, self.claim.token)
        lease = lifecycle.renew(self.claim.run_id, self.claim.token)
        self.renewed_at = asked_at
        if lease.ok:
            self.confirmed_at = asked_at  # the moment before the question: the lease is at least that long
        return lease
