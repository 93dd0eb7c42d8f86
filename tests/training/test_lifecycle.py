"""The life of a run: who may change it, when, and what is written down of it."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from tests.training.runs import claim, expire_lease, history, in_threads, let_time_pass, make_run
from training import lifecycle
from training.lifecycle.clock import from_now
from training.models import Attempt, MetricPoint, RunEvent, Sample, TrainingRun

pytestmark = pytest.mark.django_db
State = TrainingRun.State

POINT = {"step": 4, "epoch": 0.5, "seconds": 1.0, "train_loss": 2.0, "valid_loss": 2.1}
SAMPLE = {"step": 4, "epoch": 0.5, "text": "la la", "temperature": 0.8, "seed": 1}


@pytest.fixture
def run(ready_dataset):
    return make_run(ready_dataset)


# ── Taking a run ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_claim_moves_the_run_under_a_fresh_token_and_writes_an_attempt(run):
    claimed = claim(run)
    run.refresh_from_db()
    assert (run.state, run.lease_token, run.attempts) == (State.RUNNING, claimed.token, 1)
    assert run.lease_expires_at > run.started_at
    attempt = run.attempt_rows.get()
    assert (attempt.token, attempt.number, attempt.host, attempt.ended_at) == (claimed.token, 1, "here", None)
    assert history(run) == ["running"]


def test_a_claimed_run_is_not_claimed_again(run):
    claim(run)
    assert lifecycle.claim(run.pk, worker="other", host="there", pid=2) is None
    assert lifecycle.claim_next("other", "there", 2) is None


def test_a_run_whose_time_has_not_come_is_left_in_line(run):
    TrainingRun.objects.filter(pk=run.pk).update(not_before=from_now(60))
    assert lifecycle.claim_next("w", "h", 1) is None


def test_a_later_attempt_keeps_what_was_measured_until_it_knows_where_it_goes_on(run):
    first = claim(run)
    lifecycle.record(run.pk, first.token, progress={"step": 4}, points=[POINT], samples=[SAMPLE])
    lifecycle.hand_back(run.pk, first.token)
    second = claim(run)
    run.refresh_from_db()
    assert (second.attempt, run.step) == (2, 4)
    assert run.metric_points.exists()
    assert history(run) == ["running", "queued", "running"]


def go_back(run, token, step: int, **values) -> bool:
    columns = {"epoch": 1, "tokens": 90, "metrics": {"step": step}, "last_point": step, "last_sample": step}
    return lifecycle.go_back(run.pk, token, step=step, **columns | values)


def test_an_attempt_that_goes_on_from_a_step_keeps_what_was_measured_until_there(run):
    first = claim(run)
    points, samples = [POINT, POINT | {"step": 8}], [SAMPLE, SAMPLE | {"step": 8}]
    lifecycle.record(run.pk, first.token, progress={"step": 9}, points=points, samples=samples)
    lifecycle.hand_back(run.pk, first.token)
    second = claim(run)
    assert go_back(run, second.token, 8, last_sample=4)
    run.refresh_from_db()
    assert (run.step, run.epoch, run.tokens, run.metrics) == (8, 1, 90, {"step": 8})
    assert [point.step for point in run.metric_points.all()] == [4, 8]
    assert [sample.step for sample in run.samples.all()] == [4]
    assert go_back(run, second.token, 0)
    assert not run.metric_points.exists()


def test_who_was_taken_over_takes_no_row_back(run):
    first = claim(run)
    lifecycle.record(run.pk, first.token, progress={"step": 4}, points=[POINT])
    lifecycle.hand_back(run.pk, first.token)
    claim(run)
    assert not go_back(run, first.token, 0)
    run.refresh_from_db()
    assert run.step == 4
    assert run.metric_points.exists()


@pytest.mark.django_db(transaction=True)
def test_of_workers_that_claim_at_the_same_moment_one_gets_the_run(run):
    for _ in range(10):
        got = in_threads(*[lambda: lifecycle.claim(run.pk, worker="w", host="h", pid=1)] * 3)
        winners = [one for one in got if one]
        assert len(winners) == 1
        lifecycle.hand_back(run.pk, winners[0].token)
    assert Attempt.objects.count() == 10


@pytest.mark.django_db(transaction=True)
def test_workers_that_ring_at_the_same_moment_share_the_line(ready_dataset, settings):
    settings.RUNNING_RUNS_PER_USER = 4
    runs = [make_run(ready_dataset) for _ in range(4)]
    taken = in_threads(*[lambda: lifecycle.claim_next("w", "h", 1)] * 6)
    assert sorted(one.run_id for one in taken if one) == sorted(run.pk for run in runs)


# ── While it is held ─────────────────────────────────────────────────────────────────────────────────────────────


def test_renewing_moves_the_end_of_the_lease_and_tells_of_a_wish(run):
    claimed = claim(run)
    let_time_pass(run, lease_expires_at=20)
    run.refresh_from_db()
    before = run.lease_expires_at
    assert lifecycle.renew(run.pk, claimed.token) == lifecycle.Lease(ok=True)
    run.refresh_from_db()
    assert run.lease_expires_at > before
    lifecycle.request_cancel(run, "mara")
    assert lifecycle.renew(run.pk, claimed.token).cancel_requested


def test_a_lease_that_ran_out_is_not_renewed_even_before_anybody_took_the_run(run):
    claimed = claim(run)
    expire_lease(run)
    assert not lifecycle.renew(run.pk, claimed.token).ok
    assert not lifecycle.record(run.pk, claimed.token, progress={"step": 9})
    run.refresh_from_db()
    assert run.step == 0


def test_a_stale_token_writes_nothing(run):
    stale = claim(run)
    expire_lease(run)
    lifecycle.reconcile()
    fresh = claim(run)
    assert not lifecycle.record(run.pk, stale.token, progress={"step": 9}, points=[POINT], note="late")
    assert not lifecycle.finish(run.pk, stale.token, State.SUCCEEDED, message="late")
    assert not lifecycle.hand_back(run.pk, stale.token)
    assert not lifecycle.plan(run.pk, stale.token, config={}, steps=1, epochs=1, parameters=1, facts={})
    run.refresh_from_db()
    assert (run.state, run.lease_token, run.step) == (State.RUNNING, fresh.token, 0)
    assert not MetricPoint.objects.exists()


def test_metrics_samples_events_and_progress_share_one_sequence(run):
    claimed = claim(run)
    lifecycle.record(run.pk, claimed.token, points=[POINT, POINT | {"step": 8}], samples=[SAMPLE], note="halfway")
    lifecycle.record(run.pk, claimed.token, progress={"step": 9})
    run.refresh_from_db()
    progress = run.sequence
    lifecycle.finish(run.pk, claimed.token, State.SUCCEEDED, message="Done.")
    run.refresh_from_db()
    numbers = sorted(
        [
            *run.metric_points.values_list("sequence", flat=True),
            *run.samples.values_list("sequence", flat=True),
            *run.events.values_list("sequence", flat=True),
            progress,
        ]
    )
    assert numbers == list(range(1, run.sequence + 1))


def test_a_record_is_written_whole_or_not_at_all(run):
    claimed = claim(run)
    lifecycle.record(run.pk, claimed.token, points=[POINT])
    with pytest.raises(IntegrityError), transaction.atomic():
        lifecycle.record(run.pk, claimed.token, progress={"step": 9}, points=[POINT], samples=[SAMPLE])
    run.refresh_from_db()
    assert run.step == 0
    assert not Sample.objects.exists()


def test_the_plan_freezes_the_steps_into_the_configuration(run):
    claimed = claim(run)
    config = run.config | {"steps": 77}
    assert lifecycle.plan(run.pk, claimed.token, config=config, steps=77, epochs=3, parameters=5, facts={"songs": 2})
    run.refresh_from_db()
    assert (run.config["steps"], run.steps, run.epochs, run.parameters) == (77, 77, 3, 5)
    assert run.config_hash == lifecycle.config_hash(config)


def test_a_run_that_makes_no_step_is_seen_as_stalled_until_it_moves(run, settings):
    claimed = claim(run)
    let_time_pass(run, progressed_at=settings.STALL_SECONDS + 5)
    assert lifecycle.look(run.pk, claimed.token).is_stalled
    lifecycle.record(run.pk, claimed.token, progress={"step": 1})
    assert not lifecycle.look(run.pk, claimed.token).is_stalled


# ── Its end ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_ends_once(run):
    claimed = claim(run)
    assert lifecycle.finish(run.pk, claimed.token, State.FAILED, message="No.", error="No.", error_code="diverged")
    assert not lifecycle.finish(run.pk, claimed.token, State.SUCCEEDED, message="Yes.")
    run.refresh_from_db()
    assert (run.state, run.error, run.error_code, run.lease_token) == (State.FAILED, "No.", "diverged", None)
    assert run.finished_at
    assert run.attempt_rows.get().outcome == Attempt.Outcome.FAILED
    assert history(run) == ["running", "failed"]


def test_who_has_ended_its_run_is_told_so_and_not_that_it_was_taken(run):
    claimed = claim(run)
    lifecycle.finish(run.pk, claimed.token, State.SUCCEEDED, message="Done.")
    assert lifecycle.renew(run.pk, claimed.token) == lifecycle.Lease(ok=False, has_ended=True)


def test_who_was_taken_over_is_told_so(run):
    claimed = claim(run)
    expire_lease(run)
    lifecycle.reconcile()
    assert lifecycle.renew(run.pk, claimed.token) == lifecycle.Lease(ok=False, has_ended=False)


def test_a_handed_back_run_keeps_its_place_and_loses_no_attempt(run):
    claimed = claim(run)
    assert lifecycle.hand_back(run.pk, claimed.token)
    run.refresh_from_db()
    assert (run.state, run.lost_attempts, run.attempts, run.queue_position) == (State.QUEUED, 0, 1, 1)
    assert run.attempt_rows.get().outcome == Attempt.Outcome.DRAINED


def test_a_run_that_was_to_be_cancelled_is_not_handed_back_but_cancelled(run):
    claimed = claim(run)
    lifecycle.request_cancel(run, "mara")
    assert lifecycle.hand_back(run.pk, claimed.token)
    run.refresh_from_db()
    assert run.state == State.CANCELLED


def test_a_vanished_worker_costs_an_attempt_and_the_third_fails_the_run(run, settings):
    waits = []
    for _ in range(settings.LOST_ATTEMPTS_ALLOWED):
        TrainingRun.objects.filter(pk=run.pk).update(not_before=None)
        claimed = claim(run)
        lifecycle.lost(run.pk, claimed.token, reason="The child was killed.", actor="w")
        run.refresh_from_db()
        waits.append(run.not_before and round((run.not_before - run.attempt_rows.last().ended_at).total_seconds()))
    assert waits[:2] == [0, 10]
    assert (run.state, run.error_code, run.lost_attempts) == (State.FAILED, "worker_lost", 3)
    assert history(run) == ["running", "queued"] * 2 + ["running", "failed"]
    assert lifecycle.claim_next("w", "h", 1) is None


# ── Cancelling ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_waiting_run_is_cancelled_at_once_and_never_taken(run):
    assert lifecycle.request_cancel(run, "mara") == lifecycle.CancelAnswer.CANCELLED
    run.refresh_from_db()
    assert run.state == State.CANCELLED
    assert run.events.get().actor == "mara"
    assert lifecycle.claim_next("w", "h", 1) is None
    assert lifecycle.claim(run.pk, worker="w", host="h", pid=1) is None


def test_asking_twice_to_cancel_is_the_same_as_once(run):
    claim(run)
    assert lifecycle.request_cancel(run, "mara") == lifecycle.CancelAnswer.REQUESTED
    assert lifecycle.request_cancel(run, "mara") == lifecycle.CancelAnswer.REQUESTED
    assert run.events.filter(kind=RunEvent.Kind.NOTE).count() == 1


def test_a_run_that_has_ended_is_not_cancelled(run):
    claimed = claim(run)
    lifecycle.finish(run.pk, claimed.token, State.SUCCEEDED, message="Done.")
    assert lifecycle.request_cancel(run, "mara") == lifecycle.CancelAnswer.TOO_LATE


# ── Pausing, by the worker ───────────────────────────────────────────────────────────────────────────────────────


def wish_to_pause(run) -> lifecycle.Claim:
    claimed = claim(run)
    assert lifecycle.request_pause(run, "mara") == lifecycle.PauseAnswer.REQUESTED
    return claimed


def test_a_worker_is_told_of_the_wish_to_pause_and_puts_the_run_aside(run):
    claimed = wish_to_pause(run)
    assert lifecycle.renew(run.pk, claimed.token).pause_requested
    assert lifecycle.pause(run.pk, claimed.token)
    run.refresh_from_db()
    assert (run.state, run.lease_token, run.pause_requested_at) == (State.PAUSED, None, None)
    assert run.attempt_rows.get().outcome == Attempt.Outcome.PAUSED
    assert history(run) == ["running", "paused"]
    assert lifecycle.claim_next("w", "h", 1) is None


def test_who_lost_the_run_does_not_pause_it(run):
    claimed = wish_to_pause(run)
    assert not lifecycle.pause(run.pk, uuid4())
    lifecycle.finish(run.pk, claimed.token, State.SUCCEEDED, message="Done.")
    assert not lifecycle.pause(run.pk, claimed.token)
    run.refresh_from_db()
    assert (run.state, run.pause_requested_at) == (State.SUCCEEDED, None)


def test_the_wish_to_cancel_outweighs_the_wish_to_pause(run):
    claimed = wish_to_pause(run)
    lifecycle.request_cancel(run, "mara")
    assert lifecycle.request_pause(run, "mara") == lifecycle.PauseAnswer.TOO_LATE
    assert lifecycle.pause(run.pk, claimed.token)
    run.refresh_from_db()
    assert run.state == State.CANCELLED


def test_a_run_to_be_paused_is_paused_when_its_worker_shuts_down(run):
    claimed = wish_to_pause(run)
    assert lifecycle.hand_back(run.pk, claimed.token)
    run.refresh_from_db()
    assert (run.state, run.lost_attempts) == (State.PAUSED, 0)


def test_a_run_to_be_paused_is_paused_when_its_worker_vanishes(run):
    wish_to_pause(run)
    expire_lease(run)
    assert lifecycle.reconcile().runs == {run.pk: State.PAUSED}
    run.refresh_from_db()
    assert (run.lost_attempts, run.pause_requested_at) == (1, None)
    assert run.attempt_rows.get().outcome == Attempt.Outcome.LOST


# ── The database's own word ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "columns",
    [
        {"state": "running"},
        {"state": "succeeded"},
        {"state": "resting"},
        {"lease_token": uuid4()},
        {"attempts": 1},
        {"lost_attempts": 1},
        {"pause_requested_at": from_now(0)},
        {"cancel_requested_at": from_now(0)},
        {"state": "paused", "cancel_requested_at": from_now(0)},
        {"state": "paused", "not_before": from_now(9)},
        {"priority": 11},
    ],
)
def test_the_database_refuses_a_state_that_cannot_be(run, columns):
    with pytest.raises(IntegrityError), transaction.atomic():
        TrainingRun.objects.filter(pk=run.pk).update(**columns)


@pytest.mark.parametrize(
    "columns",
    [{"outcome": "lost"}, {"ended_at": from_now(0)}, {"ended_at": from_now(0), "outcome": "x"}, {"number": 0}],
)
def test_the_database_refuses_an_attempt_that_cannot_be(run, columns):
    claim(run)
    with pytest.raises(IntegrityError), transaction.atomic():
        run.attempt_rows.update(**columns)


def test_the_database_refuses_a_second_open_attempt_and_a_number_used_twice(run):
    claim(run)
    for number in (1, 2):
        with pytest.raises(IntegrityError), transaction.atomic():
            Attempt.objects.create(run=run, number=number, token=uuid4(), started_at=from_now(0))


@pytest.mark.parametrize("columns", [{"actor": ""}, {"message": ""}, {"state": ""}, {"state": "resting"}])
def test_the_database_refuses_a_change_of_state_by_nobody_or_for_no_reason(run, columns):
    claim(run)
    with pytest.raises(IntegrityError), transaction.atomic():
        run.events.update(**columns)
