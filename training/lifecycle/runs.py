"""A training run from the queue to its end; T2 to T9 number the changes of state.

queued ──T2 claim──▶ running (T4 renew, record) ──T5 finish──▶ succeeded | failed | cancelled
  │  ▲                  │
  │  └──T6 hand back, T7 lost
  └──T3 cancel─▶ cancelled          lost too often: T8 failed; lost and to be cancelled: T9 cancelled
"""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from training.lifecycle.clock import from_now, lease_end
from training.models import Attempt, Checkpoint, MetricPoint, RunEvent, Sample, TrainingRun
from training.models.runs import TERMINAL

State = TrainingRun.State
BACKOFF_SECONDS = (0, 10, 60)  # before the second, third … attempt of a run whose worker vanished
GAUGES = ("tokens_per_second", "eta_seconds", "learning_rate", "gradient_norm", "memory_bytes", "utilisation")
PROGRESS_COLUMNS = frozenset({"phase", "step", "epoch", "epochs", "tokens", *GAUGES})
STARTING = {**dict.fromkeys(GAUGES), "phase": "Starting"}


@dataclass(frozen=True)
class Claim:
    """A worker's right to one run: every write of its attempt carries ``token``."""

    run_id: str
    token: UUID
    attempt: int


@dataclass(frozen=True)
class Lease:
    """What the row says to the worker that holds it. Without ``ok`` the worker stops and writes nothing.

    ``has_ended`` tells why not: the attempt itself wrote its end, instead of being taken over.
    """

    ok: bool
    has_ended: bool = False
    cancel_requested: bool = False
    is_stalled: bool = False


class CancelAnswer(StrEnum):
    CANCELLED = "cancelled"  # it was waiting, and is out of the line
    REQUESTED = "requested"  # its worker will see the wish
    TOO_LATE = "too_late"  # it had already ended


def config_hash(config: dict) -> str:
    """SHA-256 over the configuration, the same for the same values in any order."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


# ── Taking a run ─────────────────────────────────────────────────────────────────────────────────────────────────


def claim_next(worker: str, host: str, pid: int) -> Claim | None:
    """Take the first run in line whose time has come; None when nothing waits."""
    while True:
        run_id = _claimable().order_by("queued_at", "id").values_list("pk", flat=True).first()
        if run_id is None:
            return None
        if (claimed := claim(run_id, worker=worker, host=host, pid=pid)) is not None:
            return claimed  # otherwise another worker was faster: the line has a new first run


def claim(run_id: str, *, worker: str, host: str, pid: int) -> Claim | None:
    """Move one queued run to running under a fresh token (T2); None if it is no longer there to take."""
    token = uuid4()
    with transaction.atomic():
        run = _change(
            _claimable().filter(pk=run_id),
            run_id,
            state=State.RUNNING,
            lease_token=token,
            lease_expires_at=lease_end(),
            worker=worker,
            not_before=None,
            attempts=F("attempts") + 1,
            started_at=Coalesce("started_at", Now()),
            progressed_at=Now(),
            **STARTING,
        )
        if run is None:
            return None
        Attempt.objects.create(run=run, number=run.attempts, token=token, host=host, pid=pid, started_at=Now())
        _tell_state(run, actor=worker, message=f"Attempt {run.attempts} started on {host}.")
    return Claim(run_id, token, run.attempts)


def _claimable():
    its_time_has_come = Q(not_before__isnull=True) | Q(not_before__lte=Now())
    return TrainingRun.objects.queued().filter(its_time_has_come, cancel_requested_at__isnull=True)


# ── While it is held ─────────────────────────────────────────────────────────────────────────────────────────────


def renew(run_id: str, token: UUID) -> Lease:
    """Hold the run for another lease (T4) and learn what is wished; not ``ok`` when it is lost."""
    _held(run_id, token).update(lease_expires_at=lease_end())
    return look(run_id, token)


def look(run_id: str, token: UUID) -> Lease:
    """What is wished of the run, without prolonging the lease: one cheap read."""
    too_long_ago = Q(progressed_at__lt=from_now(-settings.STALL_SECONDS))
    wishes = _held(run_id, token).annotate(is_stalled=too_long_ago)
    row = wishes.values_list("cancel_requested_at", "is_stalled").first()
    if row is None:
        closed = Attempt.objects.filter(token=token, ended_at__isnull=False).exclude(outcome=Attempt.Outcome.LOST)
        return Lease(ok=False, has_ended=closed.exists())
    cancel_requested_at, is_stalled = row
    return Lease(ok=True, cancel_requested=cancel_requested_at is not None, is_stalled=bool(is_stalled))


def plan(run_id: str, token: UUID, *, config: dict, steps: int, epochs: int, parameters: int, facts: dict) -> bool:
    """Freeze what the trainer decided once the data was known; False when the lease is lost."""
    changed = _held(run_id, token).update(
        config=config,
        config_hash=config_hash(config),
        steps=steps,
        epochs=epochs,
        parameters=parameters,
        facts=facts,
        progressed_at=Now(),
    )
    return changed == 1


def go_back(
    run_id: str,
    token: UUID,
    *,
    step: int,
    epoch: int,
    tokens: int,
    metrics: dict,
    last_point: int,
    last_sample: int,
) -> bool:
    """Take the row back to where this attempt goes on from; False when the lease is lost.

    What an earlier attempt measured after ``last_point`` and wrote after ``last_sample`` (steps) will come again.
    """
    changes = {"step": step, "epoch": epoch, "tokens": tokens, "metrics": metrics, "progressed_at": Now()}
    with transaction.atomic():
        run = _change(_held(run_id, token), run_id, **changes)
        if run is None:
            return False
        MetricPoint.objects.filter(run=run, step__gt=last_point).delete()
        Sample.objects.filter(run=run, step__gt=last_sample).delete()
    return True


def record(
    run_id: str,
    token: UUID,
    *,
    progress: dict | None = None,
    metrics: dict | None = None,
    points: list[dict] | None = None,
    samples: list[dict] | None = None,
    note: str = "",
    kind: str = RunEvent.Kind.NOTE,
) -> bool:
    """Write down how far the run is, all in one transaction; False when the lease is lost and nothing was written.

    The stall deadline counts from here: a trainer that reports is one that works.
    """
    points, samples = points or [], samples or []
    changes = {"progressed_at": Now(), **(progress or {})}
    if unknown := (progress or {}).keys() - PROGRESS_COLUMNS:
        raise ValueError(f"Not a progress column: {sorted(unknown)}")
    if metrics is not None:
        changes["metrics"] = metrics
    news = len(points) + len(samples) + bool(note) + bool(progress)  # progress is told in streams under a number too
    with transaction.atomic():
        run = _change(_held(run_id, token), run_id, news=news, **changes)
        if run is None:
            return False
        numbers = iter(range(run.sequence - news + 1, run.sequence + 1))
        MetricPoint.objects.bulk_create(MetricPoint(run=run, sequence=next(numbers), **point) for point in points)
        Sample.objects.bulk_create(Sample(run=run, sequence=next(numbers), **sample) for sample in samples)
        if note:
            RunEvent.objects.create(run=run, sequence=next(numbers), kind=kind, actor=run.worker, message=note)
    return True


# ── Its end, or its way back into the line ───────────────────────────────────────────────────────────────────────


def finish(
    run_id: str,
    token: UUID,
    state: str,
    *,
    message: str,
    error: str = "",
    error_code: str = "",
    metrics: dict | None = None,
    checkpoint: Checkpoint | None = None,
    actor: str = "",
) -> bool:
    """End the run as succeeded, failed or cancelled (T5); False when somebody else ended or took it before.

    A ``checkpoint`` that is given becomes a row in the same transaction: a run that succeeded has its model. A cancel
    that arrives while the last step is being published comes too late, and the work is kept.
    """
    if state not in TERMINAL:
        raise ValueError(f"A run does not end as {state}")
    changes = {} if metrics is None else {"metrics": metrics}
    mine = TrainingRun.objects.running().filter(pk=run_id, lease_token=token)
    with transaction.atomic():
        run = _change(
            mine, run_id, state=state, error=error, error_code=error_code, finished_at=Now(), **_let_go(), **changes
        )
        if run is None:
            return False
        _close_attempt(token, outcome=state, reason=error or message)
        if checkpoint is not None:
            checkpoint.save(force_insert=True)
        _tell_state(run, actor=actor or run.worker, message=message)
    return True


def hand_back(run_id: str, token: UUID, *, message: str = "The worker is shutting down; the run waits again.") -> bool:
    """Put the run back into its place in the line (T6); the attempt does not count as lost.

    A run whose cancellation was wished meanwhile is cancelled instead. False when the lease is lost.
    """
    mine = TrainingRun.objects.running().filter(pk=run_id, lease_token=token)
    with transaction.atomic():
        run = _change(mine.filter(cancel_requested_at__isnull=True), run_id, state=State.QUEUED, **_let_go())
        if run is not None:
            _close_attempt(token, outcome=Attempt.Outcome.DRAINED, reason=message)
            _tell_state(run, actor=run.worker, message=message)
            return True
    return finish(run_id, token, State.CANCELLED, message="Cancelled while its worker was shutting down.")


def lost(run_id: str, token: UUID, *, reason: str, actor: str, expired_only: bool = False) -> str | None:
    """Take the run from an attempt that vanished: back to the line (T7), failed (T8) or cancelled (T9).

    ``expired_only`` is the reconciler's guard: it takes nothing whose lease still runs. Returns the new state, or
    None when the attempt has ended otherwise or was renewed meanwhile.
    """
    mine = TrainingRun.objects.running().filter(pk=run_id, lease_token=token)
    if expired_only:
        mine = mine.filter(lease_expires_at__lt=Now())
    with transaction.atomic():
        for guard, changes, message in _ways_to_lose(reason):
            run = _change(mine.filter(guard), run_id, lost_attempts=F("lost_attempts") + 1, **changes, **_let_go())
            if run is not None:
                _close_attempt(token, outcome=Attempt.Outcome.LOST, reason=reason)
                _tell_state(run, actor=actor, message=message)
                return run.state
    return None


def _ways_to_lose(reason: str):
    """The guard, the changes and the words of T9, T8 and then one T7 for each attempt that may be lost."""
    allowed = settings.LOST_ATTEMPTS_ALLOWED
    gave_up = f"{reason} It was lost {allowed} times, so it is not tried again."
    ended = {"finished_at": Now()}
    yield Q(cancel_requested_at__isnull=False), {"state": State.CANCELLED, **ended}, f"{reason} It was to be cancelled."
    yield (
        Q(lost_attempts__gte=allowed - 1),
        {"state": State.FAILED, "error": gave_up, "error_code": "worker_lost", **ended},
        gave_up,
    )
    for before in range(allowed - 1):
        wait = BACKOFF_SECONDS[min(before, len(BACKOFF_SECONDS) - 1)]
        words = f"{reason} It waits again" + (f", for at least {wait} seconds." if wait else ".")
        yield Q(lost_attempts=before), {"state": State.QUEUED, "not_before": from_now(wait), "rung_at": None}, words


def stalled(run_id: str, token: UUID, *, actor: str) -> bool:
    """Fail a run that is held but makes no step (R2)."""
    minutes = settings.STALL_SECONDS / 60
    error = f"No step was made for {minutes:.0f} minutes, so the run was stopped. A smaller network or batch may help."
    return finish(run_id, token, State.FAILED, message=error, error=error, error_code="stalled", actor=actor)


def request_cancel(run: TrainingRun, by) -> CancelAnswer:
    """Cancel a waiting run at once (T3), or leave the wish for the worker that holds it.

    ``by`` is the person (or a word) written into the run's history. Asking twice is the same as asking once.
    """
    for _ in range(3):  # a run may be claimed or handed back between the two guards
        with transaction.atomic():
            waiting = TrainingRun.objects.filter(pk=run.pk, state__in=[State.QUEUED, State.PAUSED])
            changed = _change(
                waiting, run.pk, state=State.CANCELLED, cancel_requested_at=Now(), finished_at=Now(), not_before=None
            )
            if changed is not None:
                _tell_state(changed, actor=str(by), message="Cancelled while it waited.")
                return CancelAnswer.CANCELLED
        with transaction.atomic():
            held = TrainingRun.objects.running().filter(pk=run.pk, cancel_requested_at__isnull=True)
            changed = _change(held, run.pk, cancel_requested_at=Now())
            if changed is not None:
                _tell(changed, kind=RunEvent.Kind.NOTE, actor=str(by), message="Asked to cancel it.")
                return CancelAnswer.REQUESTED
        state = TrainingRun.objects.values_list("state", flat=True).get(pk=run.pk)
        if state in TERMINAL:
            return CancelAnswer.TOO_LATE
        if state == State.RUNNING:
            return CancelAnswer.REQUESTED  # somebody asked before
    return CancelAnswer.REQUESTED


# ── The guarded update and what goes with it ─────────────────────────────────────────────────────────────────────


def _held(run_id: str, token: UUID):
    """The row, as long as this token holds it and its lease has not run out."""
    return TrainingRun.objects.running().filter(pk=run_id, lease_token=token, lease_expires_at__gt=Now())


def _let_go() -> dict:
    return {"lease_token": None, "lease_expires_at": None, "phase": "", "eta_seconds": None}


def _change(guarded, run_id: str, *, news: int = 1, **changes) -> TrainingRun | None:
    """Update the one row behind ``guarded`` and count ``news`` on its sequence; None if the guard let nothing through.

    The row stays locked until the transaction ends, so the sequence numbers that are read back belong to the caller.
    """
    if guarded.update(sequence=F("sequence") + news, **changes) != 1:
        return None
    return TrainingRun.objects.get(pk=run_id)


def _tell_state(run: TrainingRun, *, actor: str, message: str) -> None:
    _tell(run, kind=RunEvent.Kind.STATE, state=run.state, actor=actor, message=message)


def _tell(run: TrainingRun, *, kind: str, actor: str, message: str, state: str = "") -> None:
    RunEvent.objects.create(
        run=run, sequence=run.sequence, kind=kind, state=state, actor=actor[:200] or "unknown", message=message
    )


def _close_attempt(token: UUID, *, outcome: str, reason: str) -> None:
    Attempt.objects.filter(token=token, ended_at__isnull=True).update(ended_at=Now(), outcome=outcome, reason=reason)
