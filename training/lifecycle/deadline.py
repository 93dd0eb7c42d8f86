"""How long a run that is held may be silent before it counts as standing still (R2)."""

from datetime import timedelta

from django.conf import settings
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

STEPS_OF_PATIENCE = 20
SILENT_FOR = ExpressionWrapper(Now() - F("progressed_at"), output_field=DurationField())
# What the deadline is read from, in the order of the arguments of `progress_deadline`.
SPEED = ("step", "tokens", "tokens_per_second")


def progress_deadline(step: int, tokens: int, tokens_per_second: float | None) -> timedelta:
    """STALL_SECONDS, or the time of twenty of the run's own steps where those are long.

    The time of a step is the mean over all that were made, which is what ``tokens_per_second`` tells.
    """
    seconds_per_step = tokens / step / tokens_per_second if step and tokens_per_second else 0.0
    return timedelta(seconds=max(settings.STALL_SECONDS, STEPS_OF_PATIENCE * seconds_per_step))
