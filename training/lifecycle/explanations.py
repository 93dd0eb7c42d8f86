"""The insights into a finished run: who works on them, what is kept, and when nobody tries again.

A run that succeeded is never changed by it, whatever happens here. A worker that is killed leaves a hold that runs
out, and the reconciler has another one take over.
"""

from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from training.lifecycle.clock import from_now
from training.lifecycle.runs import look
from training.models import Checkpoint, Explanation, Insight, TrainingRun

TRIES_ALLOWED = 3
# Beyond the seconds allowed: the worker ends its child by then, and nobody may think it gone while it does.
HOLD_GRACE_SECONDS = 60


class Explaining(StrEnum):
    """How far the insights into a run are."""

    NOT_YET = "not_yet"  # it has not succeeded
    WAITS = "waits"  # somebody will take it, or is at it
    ENDED = "ended"
    GIVEN_UP = "given_up"


def _free() -> Q:
    is_free = Q(held_until__isnull=True) | Q(held_until__lte=Now())
    return is_free & Q(ended_at__isnull=True, tries__lt=TRIES_ALLOWED)


def unexplained() -> QuerySet[TrainingRun]:
    """Runs that succeeded and have a model, but no insights, and nobody at them; the longest waiting first."""
    models = Checkpoint.objects.published().filter(run__isnull=False)
    succeeded = TrainingRun.objects.filter(state=TrainingRun.State.SUCCEEDED, pk__in=models.values("run"))
    taken = Explanation.objects.exclude(_free())
    return succeeded.exclude(pk__in=taken.values("run")).order_by("finished_at", "pk")


def claim_explanation() -> str | None:
    """Take the first run that waits for its insights; its id, or None when none waits."""
    while (run_id := unexplained().values_list("pk", flat=True).first()) is not None:
        Explanation.objects.bulk_create([Explanation(run_id=run_id)], ignore_conflicts=True)
        hold = from_now(settings.EXPLAIN_SECONDS + HOLD_GRACE_SECONDS)
        if Explanation.objects.filter(_free(), run=run_id).update(tries=F("tries") + 1, held_until=hold):
            return run_id  # otherwise another worker was faster
    return None


def end_explanation(run_id: str) -> None:
    """Say that every insight that can be had is there."""
    Explanation.objects.update_or_create(run_id=run_id, defaults={"ended_at": Now(), "held_until": None})


def give_up_explanation(run_id: str) -> None:
    """Let go of a run whose insights could not be worked out; it is tried again, but not often."""
    Explanation.objects.filter(run=run_id, ended_at__isnull=True).update(held_until=None)


def hand_back_explanation(run_id: str) -> None:
    """Let go of a run because the worker shuts down; that does not count as a try."""
    held = Explanation.objects.filter(run=run_id, ended_at__isnull=True, tries__gt=0)
    held.update(held_until=None, tries=F("tries") - 1)


def explaining_of(run: TrainingRun) -> Explaining:
    """How far the insights into ``run`` are."""
    if run.state != TrainingRun.State.SUCCEEDED:
        return Explaining.NOT_YET
    explanation = Explanation.objects.filter(run=run).first()
    if explanation is None:
        return Explaining.WAITS if unexplained().filter(pk=run.pk).exists() else Explaining.GIVEN_UP
    if explanation.ended_at is not None:
        return Explaining.ENDED
    is_tried_again = explanation.held_until is not None or explanation.tries < TRIES_ALLOWED
    return Explaining.WAITS if is_tried_again else Explaining.GIVEN_UP


def keep_insight(run_id: str, kind: str, *, data: dict, sentence: str) -> None:
    """Write one insight down, in the place of an earlier one of its kind."""
    Insight.objects.update_or_create(run_id=run_id, kind=kind, defaults={"data": data, "sentence": sentence})


def keep_look(run_id: str, token: UUID, look_at: dict) -> bool:
    """Add the gradient reach at one step of a training to its series; False when the lease is lost.

    Looks at the same or later steps go: they were an earlier attempt's, of other weights.
    """
    if not look(run_id, token).ok:
        return False
    with transaction.atomic():
        kind = Insight.Kind.GRADIENT_REACH
        insight, _ = Insight.objects.select_for_update().get_or_create(run_id=run_id, kind=kind)
        earlier = [one for one in insight.data.get("looks", []) if one["step"] < look_at["step"]]
        insight.data = {**insight.data, "looks": [*earlier, look_at]}
        insight.save(update_fields=["data"])
    return True
