"""Who listens: workers say here that they live, so that a page can say when none does."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class WorkerQuerySet(models.QuerySet):
    def alive(self) -> "WorkerQuerySet":
        return self.filter(seen_at__gt=Now() - timedelta(seconds=settings.WORKER_STALE_SECONDS))

    def listening_to(self, queue: str) -> "WorkerQuerySet":
        return self.alive().filter(is_draining=False, queues__contains=f",{queue},")


class Worker(models.Model):
    """A Celery worker's main process, by its node name."""

    name = models.CharField(primary_key=True, max_length=200)
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    queues = models.CharField(max_length=200, help_text="Comma before and after each: ,training,")
    processes = models.PositiveIntegerField(default=1, help_text="How many tasks it works on at the same time.")
    is_draining = models.BooleanField(default=False)
    drain_requested_at = models.DateTimeField(null=True, blank=True)
    drain_requested_by = models.CharField(max_length=200, blank=True)
    last_claim_at = models.DateTimeField(null=True, blank=True, help_text="When it last took a run.")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def stays_down(self) -> bool:
        """Whether staff had it emptied: it takes nothing and ends, until somebody starts it again."""
        return self.drain_requested_at is not None


class Intake(models.Model):
    """The gate between the line and the workers: while it is closed, runs and imports wait, and nobody takes one.

    There is one row. Whoever takes a run holds it locked, so that takers pass one by one and each finds the line as
    the one before has left it.
    """

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    is_open = models.BooleanField(default=True)
    reason = models.CharField(max_length=300, blank=True, help_text="What those who wait are told.")
    changed_by = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="intake_one_row")]

    def __str__(self) -> str:
        return "open" if self.is_open else "closed"


class SingleFlight(models.Model):
    """A right that one process holds at a time, such as reconciling."""

    name = models.CharField(primary_key=True, max_length=50)
    held_until = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
