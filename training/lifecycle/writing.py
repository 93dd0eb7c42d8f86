"""The guarded update of a run's row, and what is written down with it."""

from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from training.models import Attempt, RunEvent, TrainingRun


def held(run_id: str, token: UUID):
    """The row, as long as this token holds it and its lease has not run out."""
    return TrainingRun.objects.running().filter(pk=run_id, lease_token=token, lease_expires_at__gt=Now())


def let_go() -> dict:
    """The columns of a run that nobody holds any more. A wish to pause was for who held it."""
    return {
        "lease_token": None,
        "lease_expires_at": None,
        "pause_requested_at": None,
        "phase": "",
        "eta_seconds": None,
    }


def change(guarded, run_id: str, *, news: int = 1, **changes) -> TrainingRun | None:
    """Update the one row behind ``guarded`` and count ``news`` on its sequence; None if the guard let nothing through.

    The row stays locked until the transaction ends, so the sequence numbers that are read back belong to the caller.
    """
    if guarded.update(sequence=F("sequence") + news, **changes) != 1:
        return None
    return TrainingRun.objects.get(pk=run_id)


def tell_state(run: TrainingRun, *, actor: str, message: str) -> None:
    """Write the run's new state into its history: who brought it there, and why."""
    tell(run, kind=RunEvent.Kind.STATE, state=run.state, actor=actor, message=message)


def tell(run: TrainingRun, *, kind: str, actor: str, message: str, state: str = "") -> None:
    RunEvent.objects.create(
        run=run, sequence=run.sequence, kind=kind, state=state, actor=actor[:200] or "unknown", message=message
    )


def close_attempt(token: UUID, *, outcome: str, reason: str) -> None:
    Attempt.objects.filter(token=token, ended_at__isnull=True).update(ended_at=Now(), outcome=outcome, reason=reason)
