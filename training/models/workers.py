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
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class SingleFlight(models.Model):
    """A right that one process holds at a time, such as reconciling."""

    name = models.CharField(primary_key=True, max_length=50)
    held_until = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
