"""How much one person may keep in the storage (R19): uploads, checkpoints and models, counted on their rows.

What runs on their way will leave is counted too. Staff may keep as much as there is room for.
"""

from django.conf import settings
from django.db.models import Sum
from django.template.defaultfilters import filesizeformat

from training import retention
from training.errors import LimitReached
from training.models import Checkpoint, DatasetFile, TrainingRun

# Of each weight, in float32: itself, two moments of the optimiser, and the best one so far; and the one in a model file
# and in the graphs beside it.
CHECKPOINT_BYTES, MODEL_BYTES = 16, 8
DESCRIPTION_BYTES = 1024**2  # the words that a network knows, and what a folder says of itself
CHECKPOINTS_AT_ONCE = retention.KEPT + 1  # the newest is written before the oldest goes


def model_bytes(parameters: int) -> int:
    """What the model of a run takes in the storage, at most."""
    return MODEL_BYTES * parameters + DESCRIPTION_BYTES


def training_bytes(parameters: int) -> int:
    """What a run takes at most while it trains, beside its model."""
    return CHECKPOINTS_AT_ONCE * (CHECKPOINT_BYTES * parameters + DESCRIPTION_BYTES)


def kept_bytes(owner) -> int:
    """What ``owner`` keeps in the storage now, and what their unfinished runs will leave."""
    uploads = DatasetFile.objects.filter(dataset__owner=owner).aggregate(sum=Sum("size_bytes"))["sum"]
    checkpoints = Checkpoint.objects.filter(owner=owner).exclude(state=Checkpoint.State.DELETING)
    stored = sum(checkpoint.stored_bytes for checkpoint in checkpoints.only("manifest"))
    unfinished = TrainingRun.objects.owned_by(owner).unfinished()
    expected = unfinished.aggregate(sum=Sum("expected_model_bytes"))["sum"]
    return (uploads or 0) + stored + (expected or 0)


def check_room(owner, more_bytes: int) -> None:
    """Refuse what would take a person over what they may keep. Raises: LimitReached.

    Whoever writes a row then holds the owner's row meanwhile: of two requests at once the second counts the first.
    """
    limit = settings.STORAGE_PER_USER_BYTES
    if owner.is_staff or (kept := kept_bytes(owner)) + more_bytes <= limit:
        return
    raise LimitReached(
        f"One person may keep {filesizeformat(limit)} here. You have {filesizeformat(kept)}, with what your runs will "
        f"leave, and this takes up to {filesizeformat(more_bytes)} more. Delete datasets or models first."
    )
