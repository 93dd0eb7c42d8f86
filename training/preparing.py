"""Has a child process make models ready to write that came without their graphs, and ends it when it must."""

import logging

from django.conf import settings

from training import lifecycle
from training.children import DRAINING, run_child

logger = logging.getLogger(__name__)


def prepare_all_that_wait(worker: str) -> int:
    """Have every model that can't write yet made ready, the longest waiting first; how many were tried."""
    tried = 0
    while not lifecycle.is_draining(worker) and (model_id := lifecycle.claim_unprepared()) is not None:
        why_not = run_child("build_serving_model", model_id, worker=worker, seconds=settings.PREPARE_SECONDS, threads=1)
        settle(model_id, why_not)
        tried += 1
    return tried


def settle(model_id: str, why_not: str) -> None:
    """Free the model for another try where the child has not written its end."""
    if not why_not:
        return
    logger.warning("model %s is not ready to write, as %s", model_id, why_not)
    if why_not == DRAINING:
        lifecycle.hand_back_preparing(model_id)
    else:
        lifecycle.end_preparing(model_id)
