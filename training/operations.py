"""What an operator wants to see at one glance: who works, what waits, what failed, how full the disk is."""

import shutil
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models.functions import Now

from training import lifecycle
from training.lifecycle import Waiting
from training.models import Attempt, Import, Intake, TrainingRun, Worker

SHOWN = 20
GONE_AFTER = timedelta(days=1)  # a worker that nobody has heard of for so long is no news any more
DAY = timedelta(days=1)


@dataclass(frozen=True)
class AtWork:
    """A worker with what it does right now."""

    worker: Worker
    is_alive: bool
    runs: list[TrainingRun]

    @property
    def queues(self) -> list[str]:
        return [name for name in self.worker.queues.split(",") if name]

    @property
    def condition(self) -> str:
        if not self.is_alive:
            return "silent"
        return "draining" if self.worker.is_draining else "listening"


@dataclass(frozen=True)
class InLine:
    """A waiting run with its place in the line."""

    run: TrainingRun
    place: Waiting


@dataclass(frozen=True)
class Disk:
    """How full the disk is that a folder lies on, in bytes."""

    folder: Path
    total: int
    free: int

    @property
    def percent_used(self) -> int:
        return round(100 * (1 - self.free / self.total)) if self.total else 0


@dataclass(frozen=True)
class Overview:
    """All of it; lists are cut at `SHOWN`, counts are not."""

    intake: Intake
    workers: list[AtWork]
    line: list[InLine]
    waiting: int
    waiting_imports: int
    oldest: datetime | None
    failures: list[TrainingRun]
    failed: int
    lost: int
    disks: list[Disk]


def overview() -> Overview:
    """Everything as it is at this moment."""
    places = lifecycle.waiting_runs()
    first = [*places][:SHOWN]
    runs = TrainingRun.objects.select_related("owner", "dataset").in_bulk(first)
    failures = TrainingRun.objects.filter(state=TrainingRun.State.FAILED, finished_at__gt=Now() - DAY)
    return Overview(
        intake=lifecycle.intake(),
        workers=workers(),
        line=[InLine(runs[pk], places[pk]) for pk in first if pk in runs],
        waiting=len(places),
        waiting_imports=Import.objects.filter(state=Import.State.QUEUED).count(),
        oldest=TrainingRun.objects.queued().order_by("queued_at").values_list("queued_at", flat=True).first(),
        failures=[*failures.select_related("owner").order_by("-finished_at")[:SHOWN]],
        failed=failures.count(),
        lost=Attempt.objects.filter(outcome=Attempt.Outcome.LOST, ended_at__gt=Now() - DAY).count(),
        disks=disks(),
    )


def workers() -> list[AtWork]:
    """Those who were heard of within the day, the living first."""
    held = defaultdict(list)
    for run in TrainingRun.objects.running().select_related("owner").order_by("started_at"):
        held[run.worker].append(run)
    alive = set(Worker.objects.alive().values_list("pk", flat=True))
    known = Worker.objects.filter(seen_at__gt=Now() - GONE_AFTER).order_by("name")
    return sorted((AtWork(one, one.pk in alive, held[one.pk]) for one in known), key=lambda one: not one.is_alive)


def disks() -> list[Disk]:
    """Where files and, on the embedded default, the database lie; each disk once."""
    found = {}
    for folder in (Path(settings.MEDIA_ROOT), Path(settings.DATA_DIR)):
        if folder.is_dir():
            usage = shutil.disk_usage(folder)
            found.setdefault(folder.stat().st_dev, Disk(folder, usage.total, usage.free))
    return [*found.values()]
