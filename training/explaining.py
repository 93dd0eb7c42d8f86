"""Has a child process work out the insights into a finished run, and ends it when it must."""

import logging
import os
import subprocess
import sys
import time

from django.conf import settings

from training import lifecycle
from training.supervision import threads_for

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


DRAINING = "the worker is shutting down"


def explain_first_in_line(worker: str) -> bool:
    """Take the run that has waited longest for its insights and have them worked out; False when none waits."""
    if lifecycle.is_draining(worker):
        return False
    run_id = lifecycle.claim_explanation()
    if run_id is None:
        return False
    with start_child(run_id) as child:
        try:
            why_not = watch(child, worker)
        finally:  # a crash here, or Celery ending this process: the child never stays behind
            if child.poll() is None:
                child.kill()
            child.wait()
    settle(run_id, why_not)
    return True


def start_child(run_id: str) -> subprocess.Popen:
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads_for(run_id, is_alone=True)),
        "TRAINING_PARENT_PID": str(os.getpid()),
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "explain_run", run_id],
        cwd=settings.BASE_DIR,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def watch(child: subprocess.Popen, worker: str) -> str:
    """Wait for the child's end; "" when it did its work, else why it did not."""
    deadline = time.monotonic() + settings.EXPLAIN_SECONDS
    while True:
        try:
            code = child.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if lifecycle.is_draining(worker):
                return DRAINING
            if time.monotonic() > deadline:
                return f"it took longer than {settings.EXPLAIN_SECONDS:.0f} seconds"
            continue
        return "" if code == 0 else f"its process ended with code {code}"


def settle(run_id: str, why_not: str) -> None:
    """Free the run for another try where the child has not written its end; each of these does nothing when it did."""
    if not why_not:
        return
    logger.warning("run %s: its insights are missing, as %s", run_id, why_not)
    if why_not == DRAINING:
        lifecycle.hand_back_explanation(run_id)
    else:
        lifecycle.give_up_explanation(run_id)
