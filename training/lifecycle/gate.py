"""The gate between what waits and the workers: they pass it one at a time, and not at all while it is closed."""

from django.db import transaction
from django.db.models.functions import Now

from training.models import Intake


def intake() -> Intake:
    """Whether workers take runs and imports, who decided that, and why."""
    return Intake.objects.filter(pk=Intake.ONLY).first() or Intake()


def set_intake(is_open: bool, *, by, reason: str = "") -> Intake:
    """Open the gate, or close it: what runs goes on, what waits stays where it is, and nobody takes it."""
    with transaction.atomic():
        gate = passing()
        gate.is_open, gate.reason, gate.changed_by, gate.changed_at = is_open, reason[:300], str(by)[:200], Now()
        gate.save()
        gate.refresh_from_db()
    return gate


def passing() -> Intake:
    """The gate, held until the transaction ends, so that whoever comes next finds what this one has taken.

    PostgreSQL locks its row; SQLite's IMMEDIATE transactions have one write lock for all.
    """
    held = Intake.objects.select_for_update().filter(pk=Intake.ONLY)
    if (gate := held.first()) is None:
        Intake.objects.bulk_create([Intake()], ignore_conflicts=True)
        gate = held.get()
    return gate
