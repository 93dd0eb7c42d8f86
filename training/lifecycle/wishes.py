"""What a person wishes of a run. One that waits follows at once; one that a worker holds gets the wish as a column.

             T3 cancel ─▶ cancelled ─┐
queued ──────┤                       ├─ T10 retry ─▶ queued, at the end of its owner's line
             └ pause ──▶ paused      │
running ─ T11 (its worker) ─▲ │      └─ failed
                              └─ T12 resume ─▶ queued, first in its owner's line
"""

from enum import StrEnum

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Min
from django.db.models.functions import Now

from training.lifecycle.writing import change, tell, tell_state
from training.models import Checkpoint, RunEvent, TrainingRun
from training.models.runs import TERMINAL, last_place

State = TrainingRun.State


class CancelAnswer(StrEnum):
    CANCELLED = "cancelled"  # it was waiting, and is out of the line
    REQUESTED = "requested"  # its worker will see the wish
    TOO_LATE = "too_late"  # it had already ended


class PauseAnswer(StrEnum):
    PAUSED = "paused"  # it was waiting, and is out of the line until it is resumed
    REQUESTED = "requested"  # its worker will keep a checkpoint first
    TOO_LATE = "too_late"  # it has ended, is to be cancelled, or was paused before


def request_cancel(run: TrainingRun, by) -> CancelAnswer:
    """Cancel a waiting run at once (T3), or leave the wish for the worker that holds it.

    ``by`` is the person (or a word) written into the run's history. Asking twice is the same as asking once.
    """
    for _ in range(3):  # a run may be claimed or handed back between the two guards
        if _cancel_waiting(run.pk, by):
            return CancelAnswer.CANCELLED
        if _wish(run.pk, by, column="cancel_requested_at", message="Asked to cancel it."):
            return CancelAnswer.REQUESTED
        state = TrainingRun.objects.values_list("state", flat=True).get(pk=run.pk)
        if state in TERMINAL:
            return CancelAnswer.TOO_LATE
        if state == State.RUNNING:
            return CancelAnswer.REQUESTED  # somebody asked before
    return CancelAnswer.REQUESTED


def request_pause(run: TrainingRun, by) -> PauseAnswer:
    """Pause a waiting run at once, or leave the wish for the worker that holds it (`pause`)."""
    for _ in range(3):  # a run may be claimed or handed back between the two guards
        if _pause_waiting(run.pk, by):
            return PauseAnswer.PAUSED
        if _wish(run.pk, by, column="pause_requested_at", message="Asked to pause it."):
            return PauseAnswer.REQUESTED
        now = TrainingRun.objects.get(pk=run.pk)
        if now.state in (*TERMINAL, State.PAUSED) or now.cancel_requested_at is not None:
            return PauseAnswer.TOO_LATE
        if now.state == State.RUNNING:
            return PauseAnswer.REQUESTED  # somebody asked before
    return PauseAnswer.REQUESTED


def _cancel_waiting(run_id: str, by) -> bool:
    with transaction.atomic():
        waiting = TrainingRun.objects.filter(pk=run_id, state__in=[State.QUEUED, State.PAUSED])
        run = change(
            waiting, run_id, state=State.CANCELLED, cancel_requested_at=Now(), finished_at=Now(), not_before=None
        )
        if run is not None:
            tell_state(run, actor=str(by), message="Cancelled while it waited.")
    return run is not None


def _pause_waiting(run_id: str, by) -> bool:
    with transaction.atomic():
        waiting = TrainingRun.objects.queued().filter(pk=run_id)
        run = change(waiting, run_id, state=State.PAUSED, not_before=None)
        if run is not None:
            tell_state(run, actor=str(by), message="Paused while it waited.")
    return run is not None


def _wish(run_id: str, by, *, column: str, message: str) -> bool:
    """Leave a wish in ``column`` of a run that a worker holds, once; none counts beside the wish to cancel it."""
    with transaction.atomic():
        running = TrainingRun.objects.running().filter(pk=run_id, cancel_requested_at__isnull=True)
        run = change(running.filter(**{f"{column}__isnull": True}), run_id, **{column: Now()})
        if run is not None:
            tell(run, kind=RunEvent.Kind.NOTE, actor=str(by), message=message)
    return run is not None


# ── Back into the line ───────────────────────────────────────────────────────────────────────────────────────────


def resume(run: TrainingRun, by) -> bool:
    """Put a paused run back into the line, first among its owner's runs (T12); False when it is not paused."""
    with transaction.atomic():
        _lock_owner(run)
        waiting = TrainingRun.objects.queued().filter(owner=run.owner_id)
        first = waiting.aggregate(place=Min("place"))["place"]
        place = last_place() if first is None else first - 1
        paused = TrainingRun.objects.filter(pk=run.pk, state=State.PAUSED)
        back = change(paused, run.pk, state=State.QUEUED, place=place, queued_at=Now(), rung_at=Now())
        if back is not None:
            tell_state(back, actor=str(by), message="Resumed: it waits first among its owner's runs.")
    return back is not None


def retry(run: TrainingRun, by, *, restart: bool = False) -> bool:
    """Put a failed or cancelled run back, at the end of the line (T10); False when it is neither.

    It goes on from its last checkpoint, see `can_go_on`. With ``restart`` those are given up, pinned ones too, and what
    was measured.
    """
    with transaction.atomic():
        _lock_owner(run)
        ended = TrainingRun.objects.filter(pk=run.pk, state__in=[State.FAILED, State.CANCELLED])
        back = change(ended, run.pk, state=State.QUEUED, **_as_if_new())
        if back is None:
            return False
        if restart:
            _forget_learnt(back)
        message = "Tried again from the beginning." if restart else "Tried again, from where it stood."
        tell_state(back, actor=str(by), message=message)
    return True


def can_go_on(run: TrainingRun) -> bool:
    """Whether trying it again loses nothing: it had made no step, or a checkpoint is kept to go on from."""
    return not run.step or _kept(run).ready().exists()


def _kept(run: TrainingRun):
    """The checkpoints that a run may go on from, which are not its model."""
    return Checkpoint.objects.filter(run=run, published_at__isnull=True)


def _as_if_new() -> dict:
    """The columns of the queue as a new run has them, with all its chances."""
    return {
        "queued_at": Now(),
        "place": last_place(),
        "rung_at": Now(),
        "not_before": None,
        "lost_attempts": 0,
        "cancel_requested_at": None,
        "finished_at": None,
        "error": "",
        "error_code": "",
    }


def _forget_learnt(run: TrainingRun) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(step=0, epoch=0, tokens=0, metrics={})
    run.metric_points.all().delete()
    run.samples.all().delete()
    _kept(run).update(state=Checkpoint.State.DELETING, run=None)  # the next sweep takes their files


def move(run: TrainingRun, position: int, by) -> bool:
    """Put a waiting run at ``position`` (from 1) among its owner's waiting runs; False when it does not wait.

    A position behind the last is the last. Runs of one priority trade places among themselves.
    """
    with transaction.atomic():
        _lock_owner(run)
        own = TrainingRun.objects.queued().filter(owner=run.owner_id).order_by("-priority", "place", "pk")
        line = list(own.values_list("pk", "place"))
        ids = [pk for pk, _ in line]
        if run.pk not in ids:
            return False
        places = _rising(place for _, place in line)
        ids.remove(run.pk)
        ids.insert(min(position, len(line)) - 1, run.pk)
        for (pk, before), now in zip(_by_id(line, ids), places, strict=True):
            if before != now:
                TrainingRun.objects.queued().filter(pk=pk).update(place=now)
        moved = change(TrainingRun.objects.queued().filter(pk=run.pk), run.pk)
        if moved is None:
            return False
        words = f"Moved to place {ids.index(run.pk) + 1} of {len(ids)} among its owner's runs."
        tell(moved, kind=RunEvent.Kind.NOTE, actor=str(by), message=words)
    return True


def prioritise(run: TrainingRun, priority: int, by) -> bool:
    """Have a waiting run taken before all of a lower priority; False when it does not wait."""
    with transaction.atomic():
        waiting = change(TrainingRun.objects.queued().filter(pk=run.pk), run.pk, priority=priority)
        if waiting is not None:
            tell(waiting, kind=RunEvent.Kind.NOTE, actor=str(by), message=f"Its priority is now {priority}.")
    return waiting is not None


def _rising(places) -> list[int]:
    """The same places, each higher than the one before."""
    rising: list[int] = []
    for place in sorted(places):
        rising.append(max(place, rising[-1] + 1) if rising else place)
    return rising


def _by_id(line: list[tuple[str, int]], ids: list[str]) -> list[tuple[str, int]]:
    places = dict(line)
    return [(pk, places[pk]) for pk in ids]


def _lock_owner(run: TrainingRun) -> None:
    """One owner's changes of the line take turns: SQLite's IMMEDIATE transactions do so without it."""
    get_user_model().objects.select_for_update(no_key=True).filter(pk=run.owner_id).first()
