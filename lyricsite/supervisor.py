"""One process that starts the others, starts a dead one again, and takes all of them along when it ends."""

import contextlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from training.processes import die_with_parent

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
RESTART_SECONDS = (1, 2, 5, 10, 30)  # how long a child that keeps dying waits for its next start
STEADY_SECONDS = 60  # a child that lived this long starts again at once


@dataclass
class Child:
    """One process to keep alive. ``grace_seconds``: how long it may take to end when asked to.

    One that ``may_leave`` and ends with code 0 was asked to, and stays down.
    """

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    grace_seconds: float = 10
    may_leave: bool = False
    has_left: bool = False
    process: subprocess.Popen | None = None
    started_at: float = 0
    failures: int = 0
    start_at: float = 0

    def start(self) -> None:
        environment = {**os.environ, **self.environment, "SUPERVISOR_PID": str(os.getpid())}
        # Its own session: Ctrl-C reaches the supervisor alone, which then ends the others in order.
        self.process = subprocess.Popen(
            self.command, env=environment, preexec_fn=die_with_parent, start_new_session=True
        )
        self.started_at = time.monotonic()

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def plan_restart(self) -> float:
        """Note a death, and return the seconds until the next start."""
        lived = time.monotonic() - self.started_at
        self.failures = 0 if lived > STEADY_SECONDS else self.failures + 1
        delay = RESTART_SECONDS[min(self.failures, len(RESTART_SECONDS) - 1)]
        self.start_at = time.monotonic() + delay
        return delay

    def ask_to_end(self) -> None:
        if self.is_alive:
            self.process.terminate()

    def wait_for_end(self) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(self.grace_seconds)
        except subprocess.TimeoutExpired:
            logger.warning("%s did not end in %s s and was killed", self.name, self.grace_seconds)
            # Its own pool processes are in its session, and must not outlive it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    """Keeps children alive until told to stop; then ends them in reverse order."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.is_stopping = False

    def listen_to_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)

    def _stop(self, number, frame) -> None:
        self.is_stopping = True

    def start(self, *children: Child) -> None:
        for child in children:
            child.start()
            self.children.append(child)

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Watch the children until a signal comes or ``until`` says so."""
        while not self.is_stopping and not until():
            for child in self.children:
                self._tend(child)
            time.sleep(POLL_SECONDS)

    def _tend(self, child: Child) -> None:
        if child.is_alive or child.has_left:
            return
        if child.process is not None:
            code, child.process = child.process.returncode, None
            if child.may_leave and code == 0:
                child.has_left = True
                logger.warning("%s ended as it was asked to, and stays down", child.name)
                return
            logger.warning("%s ended with code %s; it starts again in %s s", child.name, code, child.plan_restart())
        if time.monotonic() >= child.start_at:
            child.start()

    def end_all(self) -> None:
        """End the children, last started first; those that were started together end together."""
        broker, others = self.children[:1], self.children[1:]
        for group in (others, broker):  # the workers still need the broker while they hand back their work
            for child in reversed(group):
                child.ask_to_end()
            for child in reversed(group):
                child.wait_for_end()
