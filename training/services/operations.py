"""What staff does with the workers and with the gate before them."""

from training import lifecycle, tasks
from training.errors import Conflict
from training.models import Intake, Worker


def open_intake(*, by) -> Intake:
    """Let workers take runs and imports again, and ring for one."""
    gate = lifecycle.set_intake(True, by=by)
    tasks.ring_for_training()  # the reconciler rings for all that waits besides
    return gate


def close_intake(*, by, reason: str = "") -> Intake:
    """Have what waits stay where it is; new runs and imports are still accepted, and what runs goes on.

    ``reason`` is what those who wait are told.
    """
    return lifecycle.set_intake(False, by=by, reason=reason.strip())


def drain_worker(*, worker: Worker, by) -> Worker:
    """Have a worker hand back what it holds and end; it stays down until somebody starts it again.

    Raises: Conflict when it has not been heard of for a while.
    """
    if not Worker.objects.alive().filter(pk=worker.pk).exists() or not lifecycle.drain_worker(worker.pk, by=by):
        raise Conflict("This worker is not running: nobody has heard of it for a while.", state="gone")
    worker.refresh_from_db()
    return worker
