"""A training run in a worker's hands; the numbers are those of the changes of state (`wishes` has a person's).

queued ──T2 claim──▶ running (T4 renew, record) ──T5 finish──▶ succeeded | failed | cancelled
     ▲                 │
     └─────────────────┤ T6 hand back, T7 lost      lost too often: T8 failed; lost and to be cancelled: T9 cancelled
         paused ◀──────┘ T11 pause, or lost or handed back while that was wished
"""

import hashlib
import json
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from training.lifecycle.clock import from_now, lease_end
from training.lifecycle.deadline import SILENT_FOR, progress_deadline
from training.lifecycle.writing import change, close_attempt, held, let_go, tell_state
from training.models import Attempt, Checkpoint, MetricPoint, RunEvent, Sample, TrainingRun, Turn, Worker
from training.models.runs import TERMINAL

State = TrainingRun.State
GAUGES = ("tokens_per_second", "eta_seconds", "learning_rate", "gradient_norm", "memory_bytes", "utilisation")
PROGRESS_COLUMNS = frozenset({"phase", "step", "epoch", "epochs", "tokens", "step_seconds", *GAUGES})
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
    pause_requested: bool = False
    is_stalled: bool = False


def config_hash(config: dict) -> str:
    """SHA-256 over the configuration, the same for the same values in any order."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


# ── Taking a run ─────────────────────────────────────────────────────────────────────────────────────────────────


def claim(run_id: str, *, worker: str, host: str, pid: int) -> Claim | None:
    """Move one queued run to running under a fresh token (T2); None if it is no longer there to take.

    Workers come by `claim_next`, which knows the gate and every owner's limit. Who names the run trains it in the
    foreground and passes both.
    """
    token = uuid4()
    with transaction.atomic():
        its_time_has_come = Q(not_before__isnull=True) | Q(not_before__lte=Now())
        waiting = TrainingRun.objects.queued().filter(its_time_has_come, cancel_requested_at__isnull=True)
        run = change(
            waiting.filter(pk=run_id),
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
        served = Turn(owner_id=run.owner_id, served_at=Now())
        Turn.objects.bulk_create([served], update_conflicts=True, unique_fields=["owner"], update_fields=["served_at"])
        Worker.objects.filter(name=worker).update(last_claim_at=Now())
        tell_state(run, actor=worker, message=f"Attempt {run.attempts} started on {host}.")
    return Claim(run_id, token, run.attempts)


# ── While it is held ─────────────────────────────────────────────────────────────────────────────────────────────


def renew(run_id: str, token: UUID) -> Lease:
    """Hold the run for another lease (T4) and learn what is wished; not ``ok`` when it is lost."""
    held(run_id, token).update(lease_expires_at=lease_end())
    return look(run_id, token)


def look(run_id: str, token: UUID) -> Lease:
    """What is wished of the run, without prolonging the lease: one cheap read."""
    wishes = held(run_id, token).annotate(silent_for=SILENT_FOR)
    row = wishes.values_list("cancel_requested_at", "pause_requested_at", "silent_for", "step_seconds").first()
    if row is None:
        closed = Attempt.objects.filter(token=token, ended_at__isnull=False).exclude(outcome=Attempt.Outcome.LOST)
        return Lease(ok=False, has_ended=closed.exists())
    cancel_requested_at, pause_requested_at, silent_for, step_seconds = row
    return Lease(
        ok=True,
        cancel_requested=cancel_requested_at is not None,
        pause_requested=pause_requested_at is not None,
        is_stalled=silent_for > progress_deadline(step_seconds),
    )


def plan(run_id: str, token: UUID, *, config: dict, steps: int, epochs: int, parameters: int, facts: dict) -> bool:
    """Freeze what the trainer decided once the data was known; False when the lease is lost."""
    changed = held(run_id, token).update(
        config=config,
        config_hash=config_hash(config),
        steps=steps,
        epochs=epochs,
        parameters=parameters,
        facts=facts,
        expected_seconds=facts.get("expected_seconds", F("expected_seconds")),
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
        run = change(held(run_id, token), run_id, **changes)
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
        run = change(held(run_id, token), run_id, news=news, **changes)
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
        run = change(
            mine, run_id, state=state, error=error, error_code=error_code, finished_at=Now(), **let_go(), **changes
        )
        if run is None:
            return False
        close_attempt(token, outcome=state, reason=error or message)
        if checkpoint is not None:
            # The model of an end before it was tried again goes on by itself.
            Checkpoint.objects.filter(run=run, published_at__isnull=False).update(run=None)
            checkpoint.save(force_insert=True)
        tell_state(run, actor=actor or run.worker, message=message)
    return True


def pause(run_id: str, token: UUID, *, message: str = "Paused; it can be resumed from here.") -> bool:
    """Put the run aside as was wished, after its checkpoint was kept (T11).

    A run whose cancellation was wished meanwhile is cancelled instead. False when the lease is lost.
    """
    return _set_aside(
        run_id,
        token,
        TrainingRun.objects.running(),
        state=State.PAUSED,
        outcome=Attempt.Outcome.PAUSED,
        message=message,
    ) or finish(run_id, token, State.CANCELLED, message="Cancelled while it was being paused.")


def hand_back(run_id: str, token: UUID, *, message: str = "The worker is shutting down; the run waits again.") -> bool:
    """Put the run back into its place in the line (T6); the attempt does not count as lost.

    A run that was to be paused is paused, and one that was to be cancelled is cancelled. False when the lease is lost.
    """
    unwished = TrainingRun.objects.running().filter(pause_requested_at__isnull=True)
    if _set_aside(run_id, token, unwished, state=State.QUEUED, outcome=Attempt.Outcome.DRAINED, message=message):
        return True
    return pause(run_id, token, message="Paused as its worker shut down; it can be resumed from here.")


def _set_aside(run_id: str, token: UUID, guarded, *, state: str, outcome: str, message: str) -> bool:
    """Let go of a run that nobody wishes to cancel, to be gone on with later."""
    mine = guarded.filter(pk=run_id, lease_token=token, cancel_requested_at__isnull=True)
    with transaction.atomic():
        run = change(mine, run_id, state=state, **let_go())
        if run is not None:
            close_attempt(token, outcome=outcome, reason=message)
            tell_state(run, actor=run.worker, message=message)
    return run is not None


def lost(run_id: str, token: UUID, *, reason: str, actor: str, expired_only: bool = False) -> str | None:
    """Take the run from an attempt that vanished: back to the line (T7), failed (T8) or cancelled (T9), or put aside.

    ``expired_only`` is the reconciler's guard: it takes nothing whose lease still runs. Returns the new state, or
    None when the attempt has ended otherwise or was renewed meanwhile.
    """
    mine = TrainingRun.objects.running().filter(pk=run_id, lease_token=token)
    if expired_only:
        mine = mine.filter(lease_expires_at__lt=Now())
    with transaction.atomic():
        for guard, changes, message in _ways_to_lose(reason):
            run = change(mine.filter(guard), run_id, lost_attempts=F("lost_attempts") + 1, **changes, **let_go())
            if run is not None:
                close_attempt(token, outcome=Attempt.Outcome.LOST, reason=reason)
                tell_state(run, actor=actor, message=message)
                return run.state
    return None


def _ways_to_lose(reason: str):
    """The guard, the changes and the words of T9, T8, a wished T11 and one T7 for each attempt that may be lost."""
    allowed, waits = settings.LOST_ATTEMPTS_ALLOWED, settings.LOST_WAITS_SECONDS
    gave_up = f"{reason} It was lost {allowed} times, so it is not tried again."
    ended = {"finished_at": Now()}
    yield Q(cancel_requested_at__isnull=False), {"state": State.CANCELLED, **ended}, f"{reason} It was to be cancelled."
    yield (
        Q(lost_attempts__gte=allowed - 1),
        {"state": State.FAILED, "error": gave_up, "error_code": "worker_lost", **ended},
        gave_up,
    )
    yield Q(pause_requested_at__isnull=False), {"state": State.PAUSED}, f"{reason} It was to be paused, and is."
    for before in range(allowed - 1):
        wait = waits[min(before, len(waits) - 1)]
        words = f"{reason} It waits again" + (f", for at least {wait:g} seconds." if wait else ".")
        yield Q(lost_attempts=before), {"state": State.QUEUED, "not_before": from_now(wait), "rung_at": None}, words


def stalled(run_id: str, token: UUID, *, actor: str) -> bool:
    """Fail a run that is held but makes no step (R2)."""
    step_seconds = TrainingRun.objects.values_list("step_seconds", flat=True).get(pk=run_id)
    minutes = progress_deadline(step_seconds).total_seconds() / 60
    error = f"No step was made for {minutes:.0f} minutes, so the run was stopped. A smaller network or batch may help."
    return finish(run_id, token, State.FAILED, message=error, error=error, error_code="stalled", actor=actor)
