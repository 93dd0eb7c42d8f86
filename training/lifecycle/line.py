"""The line before the workers, and its gate: who may be taken now, and who is."""

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.db.models.functions import Now

from training.lifecycle.runs import Claim, claim
from training.models import Intake, TrainingRun
from training.models.runs import TrainingRunQuerySet


def claim_next(worker: str, host: str, pid: int) -> Claim | None:
    """Take the run whose turn it is; None when nothing may be taken.

    Takers pass the gate one at a time: so each sees what the others hold, and no owner gets more than the limit.
    """
    with transaction.atomic():
        if not _gate().is_open:
            return None
        run_id = claimable().values_list("pk", flat=True).first()
        return None if run_id is None else claim(run_id, worker=worker, host=host, pid=pid)


def claimable() -> TrainingRunQuerySet:
    """The waiting runs that a worker may take right now, in the order of the line.

    Left out are those whose time has not come, and those of owners who have as many running as they may. Staff has no
    such limit: its runs take turns with everybody's, but fill what nobody else needs.
    """
    its_time_has_come = Q(not_before__isnull=True) | Q(not_before__lte=Now())
    waiting = TrainingRun.objects.in_line().filter(its_time_has_come, cancel_requested_at__isnull=True)
    return waiting.exclude(owner__in=_owners_at_their_limit())


def _owners_at_their_limit() -> list:
    held = TrainingRun.objects.running().filter(owner__is_staff=False).order_by().values("owner")
    at_limit = held.annotate(held=Count("pk")).filter(held__gte=settings.RUNNING_RUNS_PER_USER)
    return list(at_limit.values_list("owner", flat=True))


# ── The gate ─────────────────────────────────────────────────────────────────────────────────────────────────────


def intake() -> Intake:
    """Whether workers take runs and imports, who decided that, and why."""
    return Intake.objects.filter(pk=Intake.ONLY).first() or Intake()


def set_intake(is_open: bool, *, by, reason: str = "") -> Intake:
    """Open the gate, or close it: then what runs goes on, and what waits stays where it is."""
    with transaction.atomic():
        gate = _gate()
        gate.is_open, gate.reason, gate.changed_by, gate.changed_at = is_open, reason[:300], str(by)[:200], Now()
        gate.save()
        gate.refresh_from_db()
    return gate


def _gate() -> Intake:
    """The gate's row, locked: on PostgreSQL by itself, on SQLite by the one write lock of an IMMEDIATE transaction."""
    locked = Intake.objects.select_for_update().filter(pk=Intake.ONLY)
    if (gate := locked.first()) is None:
        Intake.objects.bulk_create([Intake()], ignore_conflicts=True)
        gate = locked.get()
    return gate
