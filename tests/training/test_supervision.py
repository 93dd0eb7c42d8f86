"""The supervisor and its child: real processes on the test's database, ended in every way they can end."""

import os
import signal
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connection

from tests.processes import PATIENCE_SECONDS, test_database_url, wait_until
from tests.training.runs import SMALL, claim, expire_lease, make_run
from training import allocator, execution, lifecycle, storage, supervision
from training.language_model.checkpoint import load_model, weights_sha256
from training.language_model.config import resolve_config
from training.models import Attempt, TrainingRun

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]
State = TrainingRun.State
WORKER = "training@here"
ENDLESS = SMALL | {"steps": 1_000_000, "epochs": 1000, "patience": 0, "evaluations": 1, "sample_tokens": 0}


@pytest.fixture(autouse=True)
def _children_share_our_database(monkeypatch, settings):
    monkeypatch.setenv("DATABASE_URL", test_database_url())
    monkeypatch.setenv("SECRET_KEY", project.SECRET_KEY)
    monkeypatch.setenv("MEDIA_ROOT", str(settings.MEDIA_ROOT))
    settings.HEARTBEAT_SECONDS = 0.5


@pytest.fixture
def endless_run(ready_dataset):
    return make_run(ready_dataset, config=resolve_config(architecture="gru", overrides=ENDLESS).to_dict())


@contextmanager
def supervised(run):
    """A supervisor in a thread of its own, as a worker's task would be; joined at the end."""
    supervisor = supervision.Supervisor(claim(run), WORKER)

    def work():
        try:
            supervisor.run()
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield supervisor
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive(), "the supervisor did not end"
    finally:
        if thread.is_alive() and supervisor.child is not None:
            supervisor.child.kill()
        thread.join()
    run.refresh_from_db()


def is_learning(run) -> bool:
    run.refresh_from_db()
    return run.step > 0


def has_state(run, *states) -> bool:
    run.refresh_from_db()
    return run.state in states


def test_a_supervised_run_ends_in_a_model(ready_dataset):
    run = make_run(ready_dataset)
    assert supervision.train_first_in_line(WORKER)
    run.refresh_from_db()
    assert (run.state, run.error) == (State.SUCCEEDED, "")
    model = run.checkpoints.published().get()
    storage.verify(model.folder, model.manifest)
    assert run.facts["allocator"] == ("jemalloc" if "jemalloc" in str(allocator.preloaded({})) else "system")
    assert not supervision.train_first_in_line(WORKER)


def test_a_run_that_learns_is_cancelled(endless_run):
    with supervised(endless_run):
        wait_until(lambda: is_learning(endless_run), what="the first step")
        lifecycle.request_cancel(endless_run, "mara")
        wait_until(lambda: has_state(endless_run, State.CANCELLED), what="the cancel")
    assert endless_run.attempt_rows.get().outcome == Attempt.Outcome.CANCELLED
    assert endless_run.events.filter(state="cancelled").count() == 1
    assert not endless_run.checkpoints.published().exists()


def test_a_run_whose_child_still_loads_torch_is_cancelled(endless_run):
    with supervised(endless_run) as supervisor:
        wait_until(lambda: supervisor.child is not None, what="the child")
        lifecycle.request_cancel(endless_run, "mara")
        wait_until(lambda: has_state(endless_run, State.CANCELLED), what="the cancel")
    assert endless_run.step == 0


def test_a_killed_child_costs_an_attempt_and_the_run_waits_again(endless_run):
    with supervised(endless_run) as supervisor:
        wait_until(lambda: is_learning(endless_run), what="the first step")
        os.kill(supervisor.child.pid, signal.SIGKILL)
    assert (endless_run.state, endless_run.lost_attempts) == (State.QUEUED, 1)
    assert "signal 9" in endless_run.attempt_rows.get().reason


def weights_of(run) -> str:
    return weights_sha256(load_model(Path(storage.default_storage.path(run.checkpoints.get().model_file))).network)


LONG = SMALL | {"steps": 1200, "epochs": 1000, "patience": 0, "evaluations": 12, "dropout": 0.2, "sample_tokens": 0}


def test_a_run_whose_child_was_killed_and_then_its_worker_drained_ends_with_the_same_weights(
    ready_dataset, monkeypatch
):
    monkeypatch.setattr(supervision, "LOOK_SECONDS", 0.1)  # it must be asked to stop before it is done
    config = resolve_config(architecture="gru", overrides=LONG).to_dict()
    whole, run = make_run(ready_dataset, config=config), make_run(ready_dataset, config=config)
    execution.execute(whole.pk, claim(whole).token)
    steps = run.checkpoints.ready().order_by("-step").values_list("step", flat=True)
    with supervised(run) as supervisor:
        wait_until(steps.first, what="a checkpoint")
        os.kill(supervisor.child.pid, signal.SIGKILL)
    assert (run.state, run.lost_attempts) == (State.QUEUED, 1)
    killed_at = steps.first()
    lifecycle.worker_beat(WORKER, host="here", pid=1, queues=["training"])
    with supervised(run):
        wait_until(lambda: steps.first() > killed_at, what="a newer checkpoint")
        lifecycle.announce_drain(WORKER)
    assert (run.state, run.lost_attempts) == (State.QUEUED, 1)
    lifecycle.forget_worker(WORKER, 1)
    with supervised(run):
        pass
    assert (run.state, run.attempts) == (State.SUCCEEDED, 3)
    assert weights_of(run) == weights_of(whole)
    assert run.events.filter(message__startswith="Goes on from step").count() == 2
    assert not run.events.filter(kind="warning").exists()
    judged = ("step", "valid_loss", "train_loss", "learning_rate")
    points, expected = (one.metric_points.filter(valid_loss__gt=0).values_list(*judged) for one in (run, whole))
    assert list(points) == list(expected)
    assert run.checkpoints.get() == run.checkpoints.published().get()


def test_a_worker_that_shuts_down_hands_its_run_back(endless_run):
    lifecycle.worker_beat(WORKER, host="here", pid=1, queues=["training"])
    with supervised(endless_run):
        wait_until(lambda: is_learning(endless_run), what="the first step")
        lifecycle.announce_drain(WORKER)
    assert (endless_run.state, endless_run.lost_attempts) == (State.QUEUED, 0)
    assert endless_run.attempt_rows.get().outcome == Attempt.Outcome.DRAINED


def test_a_run_that_is_to_be_paused_keeps_a_checkpoint_and_goes_on_from_it(endless_run):
    with supervised(endless_run):
        wait_until(lambda: is_learning(endless_run), what="the first step")
        assert lifecycle.request_pause(endless_run, "mara") == lifecycle.PauseAnswer.REQUESTED
    assert (endless_run.state, endless_run.lost_attempts) == (State.PAUSED, 0)
    assert endless_run.attempt_rows.get().outcome == Attempt.Outcome.PAUSED
    kept = endless_run.checkpoints.ready().order_by("-step").values_list("step", flat=True).first()
    assert kept == endless_run.step
    assert lifecycle.resume(endless_run, "mara")
    with supervised(endless_run):
        wait_until(lambda: is_learning(endless_run) and endless_run.step > kept, what="further steps")
        lifecycle.request_cancel(endless_run, "mara")
    assert endless_run.events.filter(message=f"Goes on from step {kept}.").exists()


def test_a_database_that_hangs_keeps_no_training_beyond_its_right_to_it(endless_run, settings, monkeypatch):
    asked, answers = threading.Event(), threading.Event()

    def hang(*args):
        asked.set()
        answers.wait(PATIENCE_SECONDS)
        return lifecycle.Lease(ok=True)

    settings.LEASE_SECONDS = 3
    with supervised(endless_run) as supervisor:
        wait_until(lambda: is_learning(endless_run), what="the first step")
        monkeypatch.setattr(lifecycle, "renew", hang)
        asked.wait(PATIENCE_SECONDS)
        wait_until(lambda: supervisor.child.poll() is not None, what="the child's end")
        answers.set()
    assert supervisor.ending == supervision.Ending.LEASE_LOST
    assert endless_run.state == State.RUNNING  # until the reconciler finds its lease run out


def test_a_child_that_dies_for_want_of_memory_is_not_tried_again(endless_run, monkeypatch):
    words = "import sys; sys.exit('libgomp: Thread creation failed: Resource temporarily unavailable')"
    monkeypatch.setattr(supervision, "COMMAND", (supervision.sys.executable, "-c", words))
    with supervised(endless_run):
        pass
    assert (endless_run.state, endless_run.error_code, endless_run.attempts) == (State.FAILED, "out_of_memory", 1)


def test_a_child_whose_run_was_taken_over_is_ended_and_nothing_is_written(endless_run):
    with supervised(endless_run) as supervisor:
        wait_until(lambda: is_learning(endless_run), what="the first step")
        expire_lease(endless_run)
        lifecycle.reconcile()
        endless_run.refresh_from_db()
        before = endless_run.sequence
    assert supervisor.child.poll() is not None
    assert (endless_run.state, endless_run.sequence) == (State.QUEUED, before)


def test_a_child_that_stands_still_is_ended_and_its_run_failed(endless_run, settings):
    with supervised(endless_run) as supervisor:
        wait_until(lambda: is_learning(endless_run), what="the first step")
        os.kill(supervisor.child.pid, signal.SIGSTOP)
        settings.STALL_SECONDS = 1
    assert (endless_run.state, endless_run.error_code) == (State.FAILED, "stalled")


def test_a_child_that_does_not_heed_is_killed_after_the_grace(endless_run, settings):
    settings.CANCEL_GRACE_SECONDS = 1
    with supervised(endless_run) as supervisor:
        wait_until(lambda: is_learning(endless_run), what="the first step")
        os.kill(supervisor.child.pid, signal.SIGSTOP)  # it will not see the SIGTERM
        lifecycle.request_cancel(endless_run, "mara")
    assert endless_run.state == State.CANCELLED
    assert supervisor.child.returncode == -signal.SIGKILL


def test_training_in_the_foreground_prints_the_model(ready_dataset, capsys, doorbells):
    options = [f"{name}={value}" for name, value in SMALL.items()]
    settings = [word for option in options for word in ("--set", option)]
    call_command("train", "--dataset", ready_dataset.name, "--architecture", "gru", "--name", "Mine", *settings)
    run = TrainingRun.objects.get()
    assert capsys.readouterr().out.strip() == run.checkpoints.published().get().pk
    assert (run.name, run.architecture, run.attempts) == ("Mine", "gru", 1)


def test_training_in_the_foreground_says_what_is_wrong(ready_dataset, doorbells):
    with pytest.raises(CommandError, match="hidden_size"):
        call_command("train", "--dataset", ready_dataset.pk, "--set", "hidden_size=-1")
    with pytest.raises(CommandError, match="no dataset"):
        call_command("train", "--dataset", "nothing")
    ready_dataset.songs.filter(ordinal__gt=1).delete()
    with pytest.raises(CommandError, match="song"):
        call_command("train", "--dataset", ready_dataset.pk, "--set", "threads=1")


@pytest.mark.parametrize(
    ("asked", "threads", "alone"),
    [
        ({}, 8, 8),
        ({"processes": 2}, 4, 8),
        ({"processes": 3}, 2, 8),
        ({"processes": 8}, 1, 8),
        ({"processes": 2, "threads": 3}, 3, 3),
    ],
)
def test_the_processes_of_a_run_share_the_cores(ready_dataset, settings, asked, threads, alone):
    settings.TRAIN_THREADS = 8
    config = resolve_config(architecture="lstm", overrides=SMALL | {"threads": 0, "batch_size": 16} | asked).to_dict()
    run = make_run(ready_dataset, config=config)
    assert supervision.threads_for(run.pk) == threads
    assert supervision.threads_for(run.pk, is_alone=True) == alone


def test_more_processes_than_cores_have_a_thread_each(ready_dataset, settings):
    settings.TRAIN_THREADS = 2
    run = make_run(ready_dataset, config={"processes": 5})
    assert supervision.threads_for(run.pk) == 1
