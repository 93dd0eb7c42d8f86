"""What nobody holds any more is found, what nobody was told of is rung for, and who listens."""

import pytest

from tests.training.runs import claim, expire_lease, in_threads, let_time_pass, make_run
from training import lifecycle
from training.models import SingleFlight, TrainingRun, Worker

pytestmark = pytest.mark.django_db
State = TrainingRun.State


@pytest.fixture
def run(ready_dataset):
    return make_run(ready_dataset)


def test_a_run_whose_lease_ran_out_waits_again(run):
    claim(run)
    expire_lease(run)
    assert lifecycle.reconcile().runs == {run.pk: State.QUEUED}
    run.refresh_from_db()
    assert (run.state, run.lost_attempts, run.lease_token) == (State.QUEUED, 1, None)
    assert run.events.last().actor == "the reconciler"


def test_a_run_whose_lease_holds_is_left_alone(run):
    claim(run)
    assert not lifecycle.reconcile().runs


def test_a_run_to_be_cancelled_whose_worker_vanished_is_cancelled(run):
    claim(run)
    lifecycle.request_cancel(run, "mara")
    expire_lease(run)
    assert lifecycle.reconcile().runs == {run.pk: State.CANCELLED}


def test_a_run_that_is_held_but_stands_still_is_failed(run, settings):
    claim(run)
    let_time_pass(run, progressed_at=settings.STALL_SECONDS + settings.LEASE_SECONDS + 5)
    assert lifecycle.reconcile().runs == {run.pk: State.FAILED}
    run.refresh_from_db()
    assert run.error_code == "stalled"


def listen(queues=("training",), **fields):
    lifecycle.worker_beat("training@here", host="here", pid=1, queues=list(queues), **fields)


def test_a_waiting_run_is_rung_again_only_after_a_while(run, settings):
    listen()
    assert lifecycle.reconcile().runs_to_ring == [run.pk]
    assert lifecycle.reconcile().runs_to_ring == []
    let_time_pass(run, rung_at=settings.RING_AGAIN_SECONDS + 1)
    assert lifecycle.reconcile().runs_to_ring == [run.pk]


def test_a_busy_worker_is_not_rung_but_its_free_hands_are(ready_dataset, settings):
    settings.RUNNING_RUNS_PER_USER = 2
    busy, _, _ = (make_run(ready_dataset) for _ in range(3))
    claim(busy)
    listen(processes=1)
    assert lifecycle.reconcile().runs_to_ring == []
    Worker.objects.update(processes=2)
    assert len(lifecycle.reconcile().runs_to_ring) == 1


def test_nobody_is_rung_for_when_no_worker_listens(run):
    listen(queues=["imports"])
    assert lifecycle.reconcile().runs_to_ring == []
    listen()
    lifecycle.announce_drain("training@here")
    assert lifecycle.reconcile().runs_to_ring == []


def test_a_sweep_just_made_is_not_repeated_by_another_process(run):
    claim(run)
    expire_lease(run)
    assert lifecycle.reconcile_if_due().runs
    claim(run)
    expire_lease(run)
    assert not lifecycle.reconcile_if_due()
    let_time_pass(SingleFlight.objects.get(), held_until=60)
    assert lifecycle.reconcile_if_due().runs


@pytest.mark.django_db(transaction=True)
def test_of_processes_that_want_to_sweep_at_the_same_moment_one_does(run):
    claim(run)
    expire_lease(run)
    sweeps = in_threads(*[lifecycle.reconcile_if_due] * 4)
    assert [bool(sweep) for sweep in sweeps].count(True) == 1


# ── Workers ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_worker_that_beats_is_listening_until_it_drains_or_falls_silent(db, settings):
    listen(queues=["imports", "maintenance"])
    assert Worker.objects.listening_to("imports").exists()
    assert not Worker.objects.listening_to("training").exists()
    lifecycle.announce_drain("training@here")
    assert lifecycle.is_draining("training@here")
    assert not Worker.objects.listening_to("imports").exists()
    lifecycle.worker_beat("training@here", host="here", pid=2, queues=["imports"])  # restarted under the same name
    assert Worker.objects.listening_to("imports").exists()
    let_time_pass(Worker.objects.get(), seen_at=settings.WORKER_STALE_SECONDS + 1)
    assert not Worker.objects.listening_to("imports").exists()
    lifecycle.forget_worker("training@here", pid=1)
    assert Worker.objects.exists()  # that was the old process
