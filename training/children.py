"""Work that needs torch beside the trainings: a command of manage.py in a child process, for as long as it may take."""

import os
import subprocess
import sys
import time

from django.conf import settings

from training import lifecycle

LOOK_SECONDS = 0.5
DRAINING = "the worker is shutting down"


def run_child(*command: str, worker: str, seconds: float, threads: int) -> str:
    """Run ``manage.py`` with ``command`` to its end; "" when it did its work, else why it did not.

    It is ended after ``seconds``, and when the ``worker`` drains.
    """
    with _start(command, threads) as child:
        try:
            return _watch(child, worker, seconds)
        finally:  # a crash here, or Celery ending this process: the child never stays behind
            if child.poll() is None:
                child.kill()
            child.wait()


def _start(command: tuple[str, ...], threads: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), "TRAINING_PARENT_PID": str(os.getpid())},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def _watch(child: subprocess.Popen, worker: str, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while True:
        try:
            code = child.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if lifecycle.is_draining(worker):
                return DRAINING
            if time.monotonic() > deadline:
                return f"it took longer than {seconds:.0f} seconds"
            continue
        return "" if code == 0 else f"its process ended with code {code}"
