"""Faults in the life of a run that the database alone decides: bells, wishes, ends and sweeps at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection, transaction

from tests.conftest import api_client
from tests.training.runs import claim, expire_lease, history, in_threads, make_run
from training import lifecycle, supervision, tasks
from training.models import Attempt, TrainingRun
from training.services.runs import start_run

State = TrainingRun.State
RUNS = "/api/v1/runs/"


@pytest.fixture
def quick_training(monkeypatch):
    """A supervisor that sees its run through in no time."""

    def run(self):
        lifecycle.finish(self.claim.run_id, self.claim.token, State.SUCCEEDED, message="Done.")

    monkeypatch.setattr(supervision.Supervisor, "run", run)


@pytest.fixture
def sent(monkeypatch):
    """The messages that reached the broker."""
    messages = []
    monkeypatch.setattr(tasks, "_send", lambda task, *args: messages.append(task.name) or True)
    return messages


@pytest.fixture
def no_insights(monkeypatch):
    monkeypatch.setattr(tasks.explaining, "explain_first_in_line", lambda worker: None)


def ends(run) -> list[str]:
    return [state for state in history(run) if state in ("succeeded", "failed", "cancelled")]


def at_once(work, times: int, *, threads: int = 8) -> list:
    """Do ``work`` so many times, a few at the same moment, each thread on a connection of its own."""

    def one(_):
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(times)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("quick_training", "sent", "no_insights")
def test_fifty_bells_to_two_workers_start_one_attempt(ready_dataset):
    """F04: the same bell fifty times to two workers."""
    run = make_run(ready_dataset)
    at_once(lambda: tasks.train_next.apply(), 50, threads=2)
    run.refresh_from_db()
    assert (run.state, run.attempts, run.attempt_rows.count()) == (State.SUCCEEDED, 1, 1)


@pytest.mark.django_db
@pytest.mark.usefixtures("quick_training", "sent", "no_insights")
def test_a_run_cancelled_while_it_waited_stays_so_whoever_starts_and_rings(ready_dataset):
    """F11: cancel a queued run, start a worker again after a kill -9, ring its bell."""
    run = make_run(ready_dataset)
    for pid in (1, 2):  # the row of the killed process is still there when the next one comes
        lifecycle.worker_beat("training@here", host="here", pid=pid, queues=["training"])
        lifecycle.request_cancel(run, "mara")
        tasks.train_next.apply()
        tasks.reconcile_and_ring(at_once=True)
    run.refresh_from_db()
    assert (run.state, run.attempts, history(run)) == (State.CANCELLED, 0, ["cancelled"])


@pytest.mark.django_db(transaction=True)
def test_cancel_and_finish_at_the_same_moment_leave_one_end(ready_dataset):
    """F13: cancel, finish and a worker's drain at the same moment, two hundred times."""
    run = make_run(ready_dataset)
    for _ in range(200):
        token = claim(run).token
        before = len(ends(run))
        in_threads(
            partial(lifecycle.request_cancel, run, "mara"),
            partial(lifecycle.finish, run.pk, token, State.SUCCEEDED, message="Done."),
            partial(lifecycle.hand_back, run.pk, token),
        )
        run.refresh_from_db()
        assert len(ends(run)) - before == run.is_finished
        assert not run.attempt_rows.filter(ended_at__isnull=True).exists()
        if run.is_finished:
            run.delete()
            run = make_run(ready_dataset)


@pytest.mark.django_db
def test_a_run_to_be_cancelled_whose_worker_is_killed_is_cancelled_and_not_queued(ready_dataset):
    """F14: ask to cancel, then kill -9 the worker."""
    run = make_run(ready_dataset)
    claim(run)
    lifecycle.request_cancel(run, "mara")
    expire_lease(run)
    assert lifecycle.reconcile().runs == {run.pk: State.CANCELLED}
    assert history(run) == ["running", "cancelled"]
    assert run.attempt_rows.get().outcome == Attempt.Outcome.LOST
    assert lifecycle.claim_next("w", "h", 1) is None


@pytest.mark.django_db(transaction=True)
def test_what_fails_after_the_bell_was_ordered_leaves_neither_a_run_nor_a_bell(ready_dataset, sent):
    """F22: an exception after the dispatch, inside the transaction."""
    start = partial(start_run, owner=ready_dataset.owner, dataset=ready_dataset, architecture="lstm")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        1 / start().attempts
    assert not TrainingRun.objects.exists()
    assert sent == []
    start()
    assert sent == ["training.tasks.train_next"]


@pytest.mark.django_db(transaction=True)
def test_reaper_finish_and_heartbeat_at_the_same_moment_leave_one_winner(ready_dataset):
    """F23: the reaper, the end and the heartbeat of one attempt at the same moment, five hundred times."""
    run = make_run(ready_dataset)
    for _ in range(500):
        token = claim(run).token
        expire_lease(run)
        before = len(history(run))
        reaped, finished, renewed = in_threads(
            lambda: lifecycle.reconcile().runs,
            partial(lifecycle.finish, run.pk, token, State.SUCCEEDED, message="Done."),
            partial(lifecycle.renew, run.pk, token),
        )
        assert (run.pk in reaped) != finished
        assert not renewed.ok
        assert len(history(run)) == before + 1
        run.refresh_from_db()
        if run.is_finished or run.lost_attempts > 1:
            run.delete()
            run = make_run(ready_dataset)


@pytest.mark.django_db(transaction=True)
def test_fifty_requests_at_the_same_moment_pass_no_quota(user, ready_dataset, settings, doorbells):
    """F94: fifty parallel POST /runs/ with a quota of five."""
    settings.QUEUED_RUNS_PER_USER = 5
    api = api_client(user)
    answers = at_once(lambda: api.post(RUNS, {"dataset": ready_dataset.pk, "architecture": "lstm"}).status_code, 50)
    assert (answers.count(202), answers.count(429)) == (5, 45)
    assert TrainingRun.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_one_key_at_the_same_moment_makes_one_run(user, ready_dataset, doorbells):
    """F108: the same Idempotency-Key ten times in parallel."""
    api = api_client(user)
    asked = {"dataset": ready_dataset.pk, "architecture": "lstm"}
    answers = at_once(lambda: api.post(RUNS, asked, headers={"Idempotency-Key": "once"}), 10, threads=10)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert TrainingRun.objects.count() == 1
    assert doorbells == ["training"]


@pytest.mark.django_db(transaction=True)
def test_two_reconcilers_at_the_same_moment_do_everything_once(ready_dataset, other_user):
    """F113: two beats, or two workers' timers, sweep at the same moment, even past the rule that one does."""
    lost, waiting = make_run(ready_dataset), make_run(ready_dataset)
    claim(lost)
    expire_lease(lost)
    lifecycle.worker_beat("training@here", host="here", pid=1, queues=["training"], processes=2)
    sweeps = in_threads(*[lifecycle.reconcile] * 4)
    assert [sweep.runs for sweep in sweeps if sweep.runs] == [{lost.pk: State.QUEUED}]
    assert sorted(pk for sweep in sweeps for pk in sweep.runs_to_ring) == sorted([lost.pk, waiting.pk])
    lost.refresh_from_db()
    assert (lost.lost_attempts, history(lost)) == (1, ["running", "queued"])
    claim(lost)
    expire_lease(lost)
    assert [bool(sweep) for sweep in in_threads(*[lifecycle.reconcile_if_due] * 4)].count(True) == 1
