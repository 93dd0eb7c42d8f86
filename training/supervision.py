"""Watches over the child process that trains: passes on what is wished, and ends it when it must.

Heartbeat (a thread, asks the row) ──lease──▶ Supervisor ──SIGTERM, SIGKILL──▶ child (`train_attempt`)
                                                  ▲──────── its last words, its exit code ───────┘
"""

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from training import allocator, endings, lifecycle
from training.heartbeat import Heartbeat
from training.lifecycle import Claim
from training.models import TrainingRun

logger = logging.getLogger(__name__)
child_logger = logging.getLogger("training.child")

COMMAND = (sys.executable, "manage.py", "train_attempt")
LOOK_SECONDS = 0.5
LAST_WORDS = 30  # lines of the child's log that may tell why it ended


class Ending(StrEnum):
    """Why the supervisor ends its child."""

    CANCEL = "cancel"
    PAUSE = "pause"
    DRAIN = "drain"
    STALLED = "stalled"
    LEASE_LOST = "lease_lost"
    FINISHED = "finished"  # it has written its end, and only has to exit


def train_first_in_line(worker: str) -> bool:
    """Claim the first run in line and see it through; False when nothing waits."""
    claim = lifecycle.claim_next(worker, socket.gethostname(), os.getpid())
    if claim is None:
        return False
    Supervisor(claim, worker).run()
    return True


class Supervisor:
    """One claimed run, its child process, and the right to both.

    ``on_look`` is called about twice a second, for a door that shows progress.
    """

    def __init__(self, claim: Claim, worker: str, *, on_look: Callable[[], None] = lambda: None) -> None:
        self.claim = claim
        self.worker = worker
        self.on_look = on_look
        self.child: subprocess.Popen | None = None
        self.ending: Ending | None = None
        self.asked_at = 0.0
        self.heartbeat = Heartbeat(claim, worker, look_seconds=LOOK_SECONDS)
        self.last_words: deque[str] = deque(maxlen=LAST_WORDS)

    def run(self) -> None:
        """Train the run in a child process until it ends, or is taken from us; then settle what the child left open."""
        with self.heartbeat, self._spawn() as self.child:
            listener = threading.Thread(target=self._listen, name="child-log", daemon=True)
            listener.start()
            try:
                self._watch()
            finally:  # a crash here, or Celery ending this process: the child never stays behind
                if self.child.poll() is None:
                    self.child.kill()
                self.child.wait()
                listener.join(timeout=1)
        self._settle(self.child.returncode)

    def _spawn(self) -> subprocess.Popen:
        command = [*COMMAND, self.claim.run_id, str(self.claim.token)]
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(threads_for(self.claim.run_id)),
            "TRAINING_PARENT_PID": str(os.getpid()),
            **allocator.preloaded(os.environ),
        }
        # Its own session: Ctrl-C in a terminal reaches the supervisor alone, which then ends the child in order.
        return subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def _listen(self) -> None:
        for line in self.child.stderr:
            self.last_words.append(line)
            child_logger.info("run %s: %s", self.claim.run_id, line.rstrip())

    # ── Watching ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _watch(self) -> None:
        while not self._has_ended():
            self.ending = self._reason_to_end()
            if self.ending is not None:
                self._end()
            self.on_look()

    def _has_ended(self) -> bool:
        try:
            self.child.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _reason_to_end(self) -> Ending | None:
        """What the row said last, looked at anew each time: a lease may be lost while a cancel is under way.

        Nothing here waits for the database, so a right that is no longer confirmed is given up in time.
        """
        heartbeat, lease = self.heartbeat, self.heartbeat.lease
        if not lease.ok:
            return Ending.FINISHED if lease.has_ended else Ending.LEASE_LOST
        if not heartbeat.is_confirmed:
            return Ending.LEASE_LOST
        if lease.cancel_requested:
            return Ending.CANCEL
        if lease.is_stalled:
            return Ending.STALLED
        if lease.pause_requested:
            return Ending.PAUSE
        return Ending.DRAIN if heartbeat.is_draining else self.ending

    def _end(self) -> None:
        """Ask once, kill after the grace. Who has no right to the run, or does not move, is not asked."""
        now = time.monotonic()
        if self.ending in (Ending.LEASE_LOST, Ending.STALLED):
            self.child.kill()
        elif not self.asked_at:
            self.asked_at = now
            if self.ending != Ending.FINISHED:
                self.child.terminate()
        elif now - self.asked_at > settings.CANCEL_GRACE_SECONDS:
            self.child.kill()

    # ── Afterwards ───────────────────────────────────────────────────────────────────────────────────────────────

    def _settle(self, code: int) -> None:
        """Write the end that the child could not write itself; each of these does nothing when it did."""
        try:
            self._write_the_end(code)
        except DatabaseError as problem:  # the lease runs out, and the reconciler takes the run back
            connection.close()
            logger.warning("run %s: its end could not be written (%s)", self.claim.run_id, type(problem).__name__)

    def _write_the_end(self, code: int) -> None:
        run_id, token = self.claim.run_id, self.claim.token
        match self.ending:
            case Ending.LEASE_LOST:
                logger.warning("run %s: the lease is lost, its child was ended", run_id)
            case Ending.CANCEL:
                lifecycle.finish(run_id, token, TrainingRun.State.CANCELLED, message="Cancelled while it trained.")
            case Ending.PAUSE:
                lifecycle.pause(run_id, token)
            case Ending.DRAIN:
                lifecycle.hand_back(run_id, token)
            case Ending.STALLED:
                lifecycle.stalled(run_id, token, actor=self.worker)
            case Ending.FINISHED:
                pass
            case None if code != 0 and endings.tells_of_no_memory("".join(self.last_words)):
                self._fail(endings.OUT_OF_MEMORY_WORDS, endings.OUT_OF_MEMORY)
            case None:
                lifecycle.lost(run_id, token, reason=self._how_it_ended(code), actor=self.worker)

    def _fail(self, error: str, code: str) -> None:
        run_id, token = self.claim.run_id, self.claim.token
        state = TrainingRun.State.FAILED
        lifecycle.finish(run_id, token, state, message=error, error=error, error_code=code, actor=self.worker)

    def _how_it_ended(self, code: int) -> str:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        hint = " The machine may have run out of memory." if code == -9 else ""
        return f"The training process {how}.{hint}"


def threads_for(run_id: str, *, is_alone: bool = False) -> int:
    """How many threads each process of the run may use: what its configuration says, else its share of the cores.

    ``is_alone``: one process does it all, however many train the run.
    """
    config = TrainingRun.objects.values_list("config", flat=True).get(pk=run_id)
    processes = 1 if is_alone else config.get("processes", 1)
    return config.get("threads") or max(1, (settings.TRAIN_THREADS or cores()) // processes)


def cores() -> int:
    """How many cores this process may use; a container may allow fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
