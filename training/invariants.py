"""What must hold of the rows and the storage at any moment, whatever has failed: I1 to I4, I6, I9 and I10.

I1  nothing waits unheard beside a free hand, no run is held by a lease that has long run out
I2  one end of a run at most between two tries, attempts numbered without gaps, at most one open
I3  the steps of a run's measurements rise, each there once
I4  every file that a row names is whole; every folder older than a day is named by a row
I6  nobody has more runs in line or running than the limits allow
I9  the database itself is sound
I10 whatever was done, by whomever, is told in the run's history

The other three can't be read from rows: that an interrupted training gives the weights of one that was not (I5), that
logs hold no error (I7) and that no process is left behind (I8). The tests of faults look for these.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.utils import timezone

from training import inventory, lifecycle, retention
from training.lifecycle.line import free_hands
from training.models import Attempt, MetricPoint, RunEvent, TrainingRun
from training.models.runs import TERMINAL

State = TrainingRun.State
# Two sweeps of the reconciler, and what a busy machine takes besides.
UNHEARD_SECONDS, EXPIRED_SECONDS = 60, 45
IDLE_IN_TRANSACTION_SECONDS = 60
SECOND_LOOK_SECONDS = 1.0


def breaches(*, with_files: bool = True) -> list[str]:
    """Every breach in a sentence; none where all is well. ``with_files`` reads every file of the storage too.

    The rows are read one kind after another while others write, so a breach is one that is still there a moment later.
    """
    found = _found(with_files)
    if found:
        time.sleep(SECOND_LOOK_SECONDS)
        still = set(_found(with_files))
        found = [sentence for sentence in found if sentence in still]
    return found


def _found(with_files: bool) -> list[str]:
    checks = [waiting, histories, measurements, limits, database, *([files] if with_files else [])]
    return [sentence for check in checks for sentence in check()]


def waiting() -> Iterator[str]:
    """I1."""
    expired = TrainingRun.objects.running().filter(lease_expires_at__lt=Now() - timedelta(seconds=EXPIRED_SECONDS))
    for pk in expired.values_list("pk", flat=True):
        yield f"I1: run {pk} is running, but its lease ran out more than {EXPIRED_SECONDS} seconds ago."
    if free_hands() <= 0 or not lifecycle.intake().is_open:
        return
    long_ago = Now() - timedelta(seconds=UNHEARD_SECONDS)
    unheard = lifecycle.claimable().filter(queued_at__lt=long_ago).filter(Q(rung_at=None) | Q(rung_at__lt=long_ago))
    for pk in unheard.values_list("pk", flat=True):
        yield f"I1: run {pk} has waited for more than {UNHEARD_SECONDS} seconds beside a worker that has nothing to do."


@dataclass
class History:
    """What a run's rows say of its life so far."""

    state: str
    told: list[str] = field(default_factory=list)  # states, in order
    attempts: list[tuple[int, bool]] = field(default_factory=list)  # (number, whether it is open)

    def faults(self) -> Iterator[str]:
        """I2 and I10, in words that follow a run's name."""
        ended = ""
        for state in self.told:
            if state in TERMINAL and ended:
                yield f"I2: it ended as {ended} and then as {state}"
            ended = state if state in TERMINAL else ""
        numbers = [number for number, _ in self.attempts]
        if numbers != [*range(1, len(numbers) + 1)]:
            yield f"I2: its attempts are numbered {', '.join(map(str, numbers))}"
        still_open = [number for number, is_open in self.attempts if is_open]
        if len(still_open) > (self.state == State.RUNNING):
            yield f"I2: it is {self.state}, but its attempt {still_open[-1]} is open"
        if self.state == State.RUNNING and not still_open:
            yield "I2: it is running without an attempt"
        if self.told and self.told[-1] != self.state:
            yield f"I10: it is {self.state}, but its history tells of {self.told[-1]} last"


def histories() -> Iterator[str]:
    """I2 and I10."""
    lives = {pk: History(state) for pk, state in TrainingRun.objects.order_by("pk").values_list("pk", "state")}
    told = RunEvent.objects.filter(kind=RunEvent.Kind.STATE).exclude(state="").order_by("run", "sequence")
    for pk, state in told.values_list("run", "state").iterator():
        if pk in lives:  # a run that began since the runs were read
            lives[pk].told.append(state)
    for pk, number, ended_at in Attempt.objects.order_by("run", "number").values_list("run", "number", "ended_at"):
        if pk in lives:
            lives[pk].attempts.append((number, ended_at is None))
    for pk, life in lives.items():
        for fault in life.faults():
            rule, _, words = fault.partition(": ")
            yield f"{rule}: run {pk}: {words}."


def measurements() -> Iterator[str]:
    """I3."""
    before: tuple[str, int] = ("", 0)
    for run, step in MetricPoint.objects.order_by("run", "sequence").values_list("run", "step").iterator():
        if run == before[0] and step <= before[1]:
            yield f"I3: run {run} was measured at step {step} after step {before[1]}."
        before = run, step


def limits() -> Iterator[str]:
    """I6."""
    running = TrainingRun.objects.running().filter(owner__is_staff=False).order_by().values("owner__username")
    for row in running.annotate(runs=Count("pk")).filter(runs__gt=settings.RUNNING_RUNS_PER_USER):
        yield f"I6: {row['owner__username']} has {row['runs']} runs running; {settings.RUNNING_RUNS_PER_USER} may be."


def files() -> Iterator[str]:
    """I4."""
    for problem in inventory.take().problems:
        yield f"I4: {problem}"
    cutoff = timezone.now() - timedelta(hours=settings.ORPHAN_HOURS)
    for orphan in retention.orphans(cutoff - timedelta(hours=1)):  # the next sweep takes those of the last hour
        yield f"I4: no row names the folder {orphan.folder}."


def database() -> Iterator[str]:
    """I9."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for pragma in ("integrity_check", "foreign_key_check"):
                cursor.execute(f"PRAGMA {pragma}")
                for row in cursor.fetchall():
                    if row != ("ok",):
                        yield f"I9: {pragma} of SQLite: {', '.join(map(str, row))}."
            return
        cursor.execute(
            "SELECT pid, application_name FROM pg_stat_activity WHERE datname = current_database() "
            "AND state = 'idle in transaction' AND state_change < now() - make_interval(secs => %s)",
            [IDLE_IN_TRANSACTION_SECONDS],
        )
        for pid, name in cursor.fetchall():
            yield f"I9: connection {pid} ({name}) has left a transaction open for over a minute."
