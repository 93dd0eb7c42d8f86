"""Has a child process work out the insights into a finished run, and ends it when it must."""

import logging

from django.conf import settings

from training import lifecycle
from training.children import DRAINING, run_child
from training.supervision import threads_for

logger = logging.getLogger(__name__)


def explain_first_in_line(worker: str) -> bool:
    """Take the run that has waited longest for its insights and have them worked out; False when none waits."""
    if lifecycle.is_draining(worker):
        return False
    run_id = lifecycle.claim_explanation()
    if run_id is None:
        return False
    limits = {"seconds": settings.EXPLAIN_SECONDS, "threads": threads_for(run_id, is_alone=True)}
    settle(run_id, run_child("explain_run", run_id, worker=worker, **limits))
    return True


def settle(run_id: str, why_not: str) -> None:
    """Free the run for another try where the child has not written its end; each of these does nothing when it did."""
    if not why_not:
        return
    logger.warning("run %s: its insights are missing, as %s", run_id, why_not)
    if why_not == DRAINING:
        lifecycle.hand_back_explanation(run_id)
    else:
        lifecycle.give_up_explanation(run_id)
