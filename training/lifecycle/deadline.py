"""How long a run that is held may be silent before it counts as standing still (R2)."""

from datetime import timedelta

from django.conf import settings
from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

STEPS_OF_PATIENCE = 20
SILENT_FOR = ExpressionWrapper(Now() - F("progressed_at"), output_field=DurationField())


def progress_deadline(step_seconds: float | None) -> timedelta:
    """STALL_SECONDS, or the time of twenty of the run's own steps where those are long.

    ``step_seconds`` is the median of its latest steps: one that waited for a sleeping machine makes nobody patient.
    """
    return timedelta(seconds=max(settings.STALL_SECONDS, STEPS_OF_PATIENCE * (step_seconds or 0.0)))
