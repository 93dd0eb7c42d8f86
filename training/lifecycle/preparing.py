"""Models that can't write yet: who makes them ready, and when nobody tries again.

A hold is a time; a worker that is killed leaves one that runs out, and the reconciler has another one take over.
"""

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from training.lifecycle.clock import from_now
from training.models import Checkpoint

TRIES_ALLOWED = 3
HOLD_GRACE_SECONDS = 60  # the worker ends its child by then
ERROR_LENGTH = Checkpoint._meta.get_field("serving_error").max_length


def unprepared() -> QuerySet[Checkpoint]:
    """Models of the list that have no graphs and nobody at them; the longest waiting first."""
    is_free = Q(serving_held_until__isnull=True) | Q(serving_held_until__lte=Now())
    waiting = Checkpoint.objects.published().cannot_write().filter(serving_error="", serving_tries__lt=TRIES_ALLOWED)
    return waiting.filter(is_free).order_by("published_at", "pk")


def claim_unprepared() -> str | None:
    """Take the first model that waits to be made ready; its id, or None when none waits."""
    hold = from_now(settings.PREPARE_SECONDS + HOLD_GRACE_SECONDS)
    while (model_id := unprepared().values_list("pk", flat=True).first()) is not None:
        claimed = unprepared().filter(pk=model_id)
        if claimed.update(serving_tries=F("serving_tries") + 1, serving_held_until=hold):
            return model_id  # otherwise another worker was faster
    return None


def end_preparing(model_id: str, *, error: str = "") -> None:
    """Let go of a model; with ``error`` for good, as it never will write."""
    Checkpoint.objects.filter(pk=model_id).update(serving_held_until=None, serving_error=error[:ERROR_LENGTH])


def hand_back_preparing(model_id: str) -> None:
    """Let go of a model because the worker shuts down; that does not count as a try."""
    held = Checkpoint.objects.filter(pk=model_id, serving_tries__gt=0)
    held.update(serving_held_until=None, serving_tries=F("serving_tries") - 1)


def change_over(model: Checkpoint, published) -> bool:
    """Have the row name the folder that holds graphs too, unless it no longer names the one they were made from."""
    same = Checkpoint.objects.filter(pk=model.pk, folder=model.folder).exclude(state=Checkpoint.State.DELETING)
    return bool(
        same.update(
            folder=published.folder,
            manifest=published.manifest,
            state=Checkpoint.State.READY,
            serving_error="",
            serving_held_until=None,
            serving_tries=0,
        )
    )
