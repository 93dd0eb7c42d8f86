"""The one recovery: finds what nobody holds any more and what nobody was told of. Harmless when run twice."""

import logging
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from training.lifecycle import runs
from training.lifecycle.clock import from_now
from training.lifecycle.deadline import SILENT_FOR, progress_deadline
from training.lifecycle.explanations import unexplained
from training.lifecycle.gate import intake
from training.lifecycle.imports import lose_import
from training.lifecycle.line import claimable, free_hands
from training.lifecycle.preparing import unprepared
from training.models import Import, SingleFlight, TrainingRun, Worker

logger = logging.getLogger(__name__)
ACTOR = "the reconciler"
BATCH = 100  # one sweep stays short, whatever has piled up; the next one takes the rest


@dataclass
class Reconciled:
    """What one sweep did, by ids. The caller rings for ``runs_to_ring`` and ``imports_to_ring``."""

    runs: dict[str, str] = field(default_factory=dict)  # id of a lost run -> its new state
    imports: dict[str, str] = field(default_factory=dict)
    runs_to_ring: list[str] = field(default_factory=list)
    imports_to_ring: list[str] = field(default_factory=list)
    rings_to_explain: bool = False
    rings_to_prepare: bool = False

    def __bool__(self) -> bool:
        return any(vars(self).values())

    def __str__(self) -> str:
        return (
            f"runs lost {self.runs or 'none'}, imports lost {self.imports or 'none'}, "
            f"rung for runs {self.runs_to_ring or 'none'}, rung for imports {self.imports_to_ring or 'none'}, "
            f"rung for insights {'yes' if self.rings_to_explain else 'no'}, "
            f"rung for models that can't write yet {'yes' if self.rings_to_prepare else 'no'}"
        )


def reconcile_if_due() -> Reconciled:
    """One sweep, unless another process made one a moment ago: beat and every worker's timer call this."""
    if not _take_flight("reconcile", seconds=settings.RECONCILE_SECONDS / 2):
        return Reconciled()
    return reconcile()


def reconcile() -> Reconciled:
    """Take back what is held by nobody, and choose whom to ring for."""
    done = Reconciled()
    _reap_runs(done)
    _reap_imports(done)
    if intake().is_open:
        done.runs_to_ring = _runs_unheard()
        done.imports_to_ring = _imports_unheard()
    done.rings_to_explain = not done.runs_to_ring and _explains_unheard()
    done.rings_to_prepare = _models_unheard()
    if done:
        logger.info("reconciled: %s", done)
    return done


def _take_flight(name: str, *, seconds: float) -> bool:
    """Whether this process may do what ``name`` stands for; the right ends by itself after ``seconds``."""
    free = SingleFlight.objects.filter(name=name, held_until__lte=Now())
    if free.update(held_until=from_now(seconds)):
        return True
    if SingleFlight.objects.filter(name=name).exists():
        return False
    try:
        with transaction.atomic():
            SingleFlight.objects.create(name=name, held_until=from_now(seconds))
    except IntegrityError:
        return False
    return True


def _reap_runs(done: Reconciled) -> None:
    running = TrainingRun.objects.running()
    expired = running.filter(lease_expires_at__lt=Now()).values_list("pk", "lease_token")[:BATCH]
    for run_id, token in list(expired):
        state = runs.lost(run_id, token, reason="Its worker vanished.", actor=ACTOR, expired_only=True)
        if state is not None:
            done.runs[run_id] = state
    # Its own supervisor stops a stalled run; this is for one whose supervisor only renews.
    grace = timedelta(seconds=settings.LEASE_SECONDS)
    silent = running.filter(progressed_at__lt=from_now(-settings.STALL_SECONDS - settings.LEASE_SECONDS))
    silent = silent.order_by("progressed_at").annotate(silent_for=SILENT_FOR)
    for run_id, token, silent_for, step_seconds in list(
        silent.values_list("pk", "lease_token", "silent_for", "step_seconds")[:BATCH]
    ):
        if silent_for > progress_deadline(step_seconds) + grace and runs.stalled(run_id, token, actor=ACTOR):
            done.runs[run_id] = TrainingRun.State.FAILED


def _reap_imports(done: Reconciled) -> None:
    expired = Import.objects.filter(state=Import.State.RUNNING, lease_expires_at__lt=Now())
    for import_id, token in list(expired.values_list("pk", "lease_token")[:BATCH]):
        state = lose_import(import_id, token)
        if state is not None:
            done.imports[import_id] = state


def _unheard() -> Q:
    return Q(rung_at__isnull=True) | Q(rung_at__lt=from_now(-settings.RING_AGAIN_SECONDS))


def _runs_unheard() -> list[str]:
    """The first runs in line, as many as workers have a hand free for, marked as rung.

    A busy worker is not rung: it asks for the next run when it is done, and over hours of training the messages would
    only pile up.
    """
    free = free_hands()
    if free <= 0:
        return []
    first = claimable().values_list("pk", flat=True)[: min(free, BATCH)]
    return _mark_rung(TrainingRun.objects.queued(), list(first))


def _explains_unheard() -> bool:
    """Whether a finished run waits for its insights, a worker is free, and nobody was told of it a moment ago."""
    if free_hands() <= 0 or not unexplained().exists():
        return False
    return _take_flight("explain", seconds=settings.RING_AGAIN_SECONDS)


def _models_unheard() -> bool:
    """Whether a model waits to be made ready to write, a worker listens, and nobody was told of it a moment ago."""
    if not unprepared().exists() or not Worker.objects.listening_to("imports").exists():
        return False
    return _take_flight("prepare", seconds=settings.RING_AGAIN_SECONDS)


def _imports_unheard() -> list[str]:
    if not Worker.objects.listening_to("imports").exists():
        return []
    waiting = Import.objects.filter(state=Import.State.QUEUED)
    oldest = waiting.filter(_unheard()).order_by("created_at").values_list("pk", flat=True)[:BATCH]
    return _mark_rung(waiting, list(oldest))


def _mark_rung(rows, ids: list[str]) -> list[str]:
    return [pk for pk in ids if rows.filter(_unheard(), pk=pk).update(rung_at=Now())]
