"""What people do with the checkpoints of their runs: see which are kept, and keep some for good."""

from django.db.models import QuerySet

from training.errors import Conflict
from training.models import Checkpoint, TrainingRun


def checkpoints_of(*, run: TrainingRun) -> QuerySet[Checkpoint]:
    """What is kept of a run, the furthest first: what it may go on from, and its model."""
    return run.checkpoints.exclude(state=Checkpoint.State.DELETING).order_by("-step")


def set_pin(*, checkpoint: Checkpoint, is_pinned: bool) -> Checkpoint:
    """Keep a checkpoint, or a model, until the pin is taken out again.

    A pinned checkpoint is spared by the rotation and outlives the days in which its run may be tried again; a pinned
    model can't be deleted. Without its pin a checkpoint goes when the retention comes by.
    Raises: Conflict when it is being deleted already.
    """
    usable = Checkpoint.objects.filter(pk=checkpoint.pk).exclude(state=Checkpoint.State.DELETING)
    if not usable.update(is_pinned=is_pinned):
        raise Conflict("This checkpoint is being deleted already.", state=Checkpoint.State.DELETING)
    checkpoint.is_pinned = is_pinned
    return checkpoint
