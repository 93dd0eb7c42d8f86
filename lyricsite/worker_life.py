"""A Celery worker's own life: it says that it listens, sweeps up after others, and announces its end.

Stop a worker by plain SIGTERM, not remapped to SIGQUIT: Celery's cold shutdown sleeps through its whole soft timeout
before it tells anybody, while after a SIGTERM it tells at once, our trainings hand back within seconds, and it ends.
"""

import logging
import os
import signal
import socket
import threading
import time

from celery.signals import (
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.conf import settings
from django.db import DatabaseError, connections

from lyricsite.orphan import end_with_supervisor

logger = logging.getLogger(__name__)


class Life:
    """The daemon thread of one worker's main process."""

    def __init__(self, name: str, queues: list[str], processes: int) -> None:
        self.name, self.queues, self.processes = name, queues, processes
        self.is_draining = threading.Event()
        self.is_over = threading.Event()
        self.has_announced = False
        self.sweep_at = 0.0  # the first one at once: what waited for a worker waits no longer
        self.thread = threading.Thread(target=self._live, name="worker-life", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def end(self) -> None:
        """Stop saying that this worker lives."""
        self.is_over.set()
        self.is_draining.set()  # wakes the thread
        self.thread.join(timeout=5)
        self._trying(self._forget)

    def _live(self) -> None:
        while not self.is_over.is_set():
            self._trying(self.beat)
            # A shutdown wakes it at once, and is only announced once: from then on the other event is waited for.
            (self.is_over if self.has_announced else self.is_draining).wait(settings.WORKER_BEAT_SECONDS)

    def beat(self) -> None:
        """Say that the worker lives, announce its end if that was ordered, and sweep when it is time."""
        from training import lifecycle, tasks

        lifecycle.worker_beat(
            self.name, host=socket.gethostname(), pid=os.getpid(), queues=self.queues, processes=self.processes
        )
        if lifecycle.is_to_stay_down(self.name, os.getpid()) and not self.is_draining.is_set():
            self._leave()
        if self.is_draining.is_set() and not self.has_announced:
            lifecycle.announce_drain(self.name)
            self.has_announced = True
        if time.monotonic() >= self.sweep_at:
            self.sweep_at = time.monotonic() + settings.RECONCILE_SECONDS
            tasks.reconcile_and_ring()

    def _leave(self) -> None:
        """End this worker as staff asked: it hands back what it holds, as on any other order to end."""
        logger.warning("%s was asked to end, and stays down until it is started again", self.name)
        self.is_draining.set()
        os.kill(os.getpid(), signal.SIGTERM)

    def _forget(self) -> None:
        from training import lifecycle

        lifecycle.forget_worker(self.name, os.getpid())

    def _trying(self, work) -> None:
        try:
            work()
        except DatabaseError as problem:
            logger.warning("%s: the database does not answer (%s)", self.name, type(problem).__name__)
        finally:
            connections.close_all()  # this thread's: a fork of the main process must find none open


_life: Life | None = None
_inherited_pools: list = []


@worker_init.connect
def watch_supervisor(**_) -> None:
    end_with_supervisor()


@worker_ready.connect
def begin(sender, **_) -> None:
    global _life
    processes = sender.controller.concurrency or 1
    _life = Life(sender.hostname, list(sender.app.amqp.queues.consume_from), processes)
    _life.start()


@worker_shutting_down.connect
def drain(**_) -> None:
    """Runs inside a signal handler, so it only sets a flag; the thread tells the database."""
    if _life is not None:
        _life.is_draining.set()


@worker_shutdown.connect
def end(**_) -> None:
    if _life is not None:
        _life.end()


@worker_process_init.connect
def leave_inherited_pools(**_) -> None:
    """Give a new pool process database connections of its own.

    The parent's are only laid aside: closing them here would say goodbye to PostgreSQL over the parent's sockets.
    """
    for connection in connections.all():
        pools = getattr(connection, "_connection_pools", None)
        if pools:
            _inherited_pools.extend(pools.values())
            pools.clear()
