"""What must hold in the rows after every fault (I1 to I4, I9 and I10), each breach in words."""

from collections.abc import Iterator
from itertools import groupby, pairwise

from django.db import connection
from django.db.models import Count, Q, Sum

from training import storage
from training.lifecycle.clock import from_now
from training.models import Attempt, Checkpoint, MetricPoint, RunEvent, TrainingRun, Worker
from training.models.runs import TERMINAL

State = TrainingRun.State
WAITING_SECONDS = 60
EXPIRED_SECONDS = 45
IDLE_SECONDS = 60
NEXT_STATES = {
    State.QUEUED: {State.QUEUED, State.RUNNING, State.PAUSED, State.CANCELLED},
    State.RUNNING: {State.QUEUED, State.PAUSED, *TERMINAL},
    State.PAUSED: {State.QUEUED, State.CANCELLED},
    State.SUCCEEDED: set(),
    State.FAILED: {State.QUEUED},  # tried again by its owner
    State.CANCELLED: {State.QUEUED},
}


def breaches() -> list[str]:
    """Every breach, empty when all is well."""
    checks = (overdue, broken_histories, broken_attempts, broken_measurements, damaged_checkpoints, ill_database)
    return [breach for check in checks for breach in check()]


def overdue() -> Iterator[str]:
    """I1: nothing waits long for a worker that has a hand free, and nothing is held long by nobody."""
    expired = TrainingRun.objects.running().filter(lease_expires_at__lt=from_now(-EXPIRED_SECONDS))
    for run in expired:
        yield f"run {run.pk} is running, though its lease ended at {run.lease_expires_at}"
    listening = Worker.objects.listening_to("training")
    hands = listening.aggregate(total=Sum("processes", default=0))["total"]
    if hands <= TrainingRun.objects.running().filter(worker__in=listening.values("name")).count():
        return
    busy = set(TrainingRun.objects.running().values_list("owner", flat=True))  # whose share may be used up
    its_time_has_come = Q(not_before__isnull=True) | Q(not_before__lt=from_now(-WAITING_SECONDS))
    for run in TrainingRun.objects.queued().filter(its_time_has_come, queued_at__lt=from_now(-WAITING_SECONDS)):
        if run.owner_id not in busy:
            yield f"run {run.pk} has waited since {run.queued_at} (rung at {run.rung_at}), though a worker is free"


def broken_histories() -> Iterator[str]:
    """I2 and I10: each change of state is told once, follows the rules, and the last one is the state it has."""
    events = RunEvent.objects.filter(kind=RunEvent.Kind.STATE).order_by("run", "sequence")
    states = dict(TrainingRun.objects.values_list("pk", "state"))
    for run_id, told in groupby(events.values_list("run", "state"), key=lambda event: event[0]):
        history = [state for _, state in told]
        for before, after in pairwise(history):
            if after not in NEXT_STATES[before]:
                yield f"run {run_id} went from {before} to {after}: {', '.join(history)}"
        if history[-1] != states[run_id]:
            yield f"run {run_id} is {states[run_id]}, but its last event says {history[-1]}"


def broken_attempts() -> Iterator[str]:
    """I2: attempts are numbered without gaps, told of, and open only while their run is held."""
    attempts = Attempt.objects.order_by("run", "number").values_list("run", "number", "ended_at")
    starts = RunEvent.objects.filter(kind=RunEvent.Kind.STATE, state=State.RUNNING)
    told = dict(starts.values_list("run").annotate(times=Count("pk")))
    runs = {run.pk: run for run in TrainingRun.objects.filter(attempts__gt=0)}
    for run_id, group in groupby(attempts, key=lambda row: row[0]):
        rows, run = list(group), runs.pop(run_id, None)
        numbers = [number for _, number, _ in rows]
        if run is None or numbers != list(range(1, run.attempts + 1)):
            yield f"run {run_id} has attempts numbered {numbers}, and counts {run and run.attempts}"
            continue
        if told.get(run_id, 0) != len(rows):
            yield f"run {run_id} was claimed {len(rows)} times, and its history tells {told.get(run_id, 0)}"
        is_open = any(ended_at is None for *_, ended_at in rows)
        if is_open != (run.state == State.RUNNING):
            yield f"run {run_id} is {run.state}, and an attempt at it is {'open' if is_open else 'missing'}"
    for run_id in runs:
        yield f"run {run_id} counts attempts, and has none"


def broken_measurements() -> Iterator[str]:
    """I3: the steps of a run's measurements rise in the order in which they were written."""
    points = MetricPoint.objects.order_by("run", "sequence").values_list("run", "step")
    for run_id, rows in groupby(points.iterator(), key=lambda row: row[0]):
        for (_, before), (_, after) in pairwise(rows):
            if after <= before:
                yield f"run {run_id} measured step {after} behind step {before}"


def damaged_checkpoints() -> Iterator[str]:
    """I4: each checkpoint that is called ready has its files, byte for byte."""
    for checkpoint in Checkpoint.objects.ready():
        try:
            storage.verify(checkpoint.folder, checkpoint.manifest)
        except (storage.StorageDamaged, OSError) as problem:
            yield f"checkpoint {checkpoint.pk} of run {checkpoint.run_id}: {problem}"


def ill_database() -> Iterator[str]:
    """I9: the file is sound; nobody sits in a transaction."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for pragma, healthy in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
                rows = cursor.execute(f"PRAGMA {pragma}").fetchall()
                if rows != healthy:
                    yield f"{pragma}: {rows[:5]}"
            return
        cursor.execute(
            "SELECT pid, now() - state_change FROM pg_stat_activity WHERE datname = current_database()"
            " AND state LIKE 'idle in transaction%%' AND state_change < now() - make_interval(secs => %s)",
            [IDLE_SECONDS],
        )
        for pid, since in cursor.fetchall():
            yield f"connection {pid} has been idle in a transaction for {since}"
