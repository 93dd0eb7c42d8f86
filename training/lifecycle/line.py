"""The line before the workers: whose turn it is, and when the others' may come."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush

from django.conf import settings
from django.db import transaction
from django.db.models import Count, FloatField, Q, QuerySet, Sum
from django.db.models.functions import Cast, Coalesce, Greatest, Now
from django.utils import timezone

from training.lifecycle.gate import intake, passing
from training.lifecycle.runs import Claim, claim
from training.models import TrainingRun, Worker
from training.models.runs import TrainingRunQuerySet

UNKNOWN_SECONDS = 600.0  # of a run that nobody has guessed: one queued by an older version


def claim_next(worker: str, host: str, pid: int) -> Claim | None:
    """Take the run whose turn it is; None when nothing may be taken.

    Takers pass the gate one at a time: so each sees what the others hold, and no owner gets more than the limit.
    """
    with transaction.atomic():
        if not passing().is_open:
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


def free_hands() -> int:
    """How many runs more the listening workers could train at this moment."""
    listening = Worker.objects.listening_to("training")
    hands = listening.aggregate(total=Sum("processes", default=0))["total"]
    return hands - TrainingRun.objects.running().filter(worker__in=listening.values("name")).count()


# ── Where and when ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Waiting:
    """Where a run waits, in the whole line and among its owner's runs (from 1), and in how many seconds it may start.

    ``starts_in`` is None when nobody can say: no worker listens, or the gate is closed.
    """

    position: int
    own_position: int
    starts_in: float | None


def waiting_runs() -> dict[str, Waiting]:
    """Every waiting run, by its id and in the order of the line."""
    hands, own, told = Hands.now(), Counter(), {}
    for position, (run_id, owner, is_staff, not_before, seconds) in enumerate(_line(), start=1):
        own[owner] += 1
        start = hands and hands.start(owner, seconds, has_limit=not is_staff, not_before=not_before)
        told[run_id] = Waiting(position, own[owner], start)
    return told


def estimated_starts() -> dict[str, float]:
    """In how many seconds each waiting run may start, by its id; empty when nobody can say."""
    return {run_id: told.starts_in for run_id, told in waiting_runs().items() if told.starts_in is not None}


def _line() -> QuerySet:
    line = TrainingRun.objects.in_line().annotate(seconds=_seconds_left())
    return line.values_list("pk", "owner", "owner__is_staff", "not_before", "seconds")


class Hands:
    """The workers' hands as they will get free: all times are seconds from now, in heaps."""

    def __init__(self, hands: list[float], held_by_owner: dict[int, list[float]]) -> None:
        self.hands, self.held_by_owner = hands, held_by_owner
        self.began_at = timezone.now()

    @classmethod
    def now(cls) -> "Hands | None":
        """As they are at this moment; None when no worker listens or the gate is closed."""
        listening = dict(Worker.objects.listening_to("training").values_list("name", "processes"))
        if not sum(listening.values()) or not intake().is_open:
            return None
        hands: list[float] = []
        held_by_owner: dict[int, list[float]] = defaultdict(list)
        running = TrainingRun.objects.running().annotate(left=Coalesce("eta_seconds", _seconds_left()))
        for owner, worker, left in running.values_list("owner", "worker", "left"):
            heappush(held_by_owner[owner], left)
            if worker in listening:
                heappush(hands, left)
        for _ in range(sum(listening.values()) - len(hands)):
            heappush(hands, 0.0)
        return cls(hands, held_by_owner)

    def start(self, owner: int, seconds: float, *, has_limit: bool, not_before: datetime | None) -> float:
        """Give the next run the first hand that gets free, once its owner may have another one running."""
        held = self.held_by_owner[owner]
        start = heappop(self.hands)
        if has_limit and len(held) >= settings.RUNNING_RUNS_PER_USER:
            start = max(start, heappop(held))
        if not_before is not None:
            start = max(start, (not_before - self.began_at).total_seconds())
        heappush(self.hands, start + seconds)
        heappush(held, start + seconds)
        return start


def _seconds_left():
    """What a run is expected to take, less the share of its steps that is made."""
    expected = Coalesce("expected_seconds", UNKNOWN_SECONDS, output_field=FloatField())
    share = Cast("step", FloatField()) / Cast(Greatest("steps", "step", 1), FloatField())
    return expected * (1.0 - share)
