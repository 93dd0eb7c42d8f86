"""Workers and trainings that are killed, stopped, frozen, starved or told to leave: no run is lost or trained twice."""

import random
import resource
import statistics
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import make_user
from tests.faults import pace, pids, tiny_runs
from tests.processes import wait_until
from training import lifecycle, storage
from training.language_model.checkpoint import load_model, weights_sha256
from training.models import Attempt, Checkpoint, TrainingRun, Worker

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]
State = TrainingRun.State
LONG = tiny_runs.BRIEF | {
    "hidden_size": 48,
    "dropout": 0.2,
    "steps": 2400,
    "epochs": 1000,
    "patience": 0,
    "evaluations": 4,
}
# Some 25 million weights, with their gradients and what Adam keeps of each: 400 MB.
LARGE = tiny_runs.ENDLESS | {"embedding_size": 512, "hidden_size": 1500, "num_layers": 2}
CANCELS = 20 if pace.IS_FULL else 6
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, str]:
    """The weights that a run of `LONG` ends with when nothing happens to it: trained once, by the first who asks."""
    return {}


def weights_of(run) -> str:
    model = run.checkpoints.published().get()
    return weights_sha256(load_model(Path(storage.default_storage.path(model.model_file))).network)


def assert_ends_as_if_undisturbed(platform, run, undisturbed) -> None:
    """See ``run`` to its end; its weights are those of an undisturbed one (I5)."""
    if not undisturbed:
        whole = tiny_runs.queue_run(run.dataset, LONG)
        platform.ring()
        tiny_runs.wait_for_state(whole, State.SUCCEEDED, seconds=300)
        undisturbed["weights"] = weights_of(whole)
    tiny_runs.wait_for_state(run, State.SUCCEEDED, State.FAILED, seconds=300)
    assert run.state == State.SUCCEEDED, run.error
    assert weights_of(run) == undisturbed["weights"]


def with_workers(platform, *names: str) -> None:
    """See that these workers listen, and no other that an earlier test has left."""
    for name in [name for name in platform.processes if name.startswith(("training", "second")) and name not in names]:
        platform.terminate(name).wait(30)
    for name in names:
        platform.ensure_worker(name)


def worker_of(run) -> str:
    return run.worker.partition("@")[0]


def wait_for_checkpoint(run) -> int:
    """The step of the run's newest checkpoint, once there is one."""
    return wait_until(
        run.checkpoints.ready().order_by("-step").values_list("step", flat=True).first, what="a checkpoint"
    )


def learns_past_a_checkpoint(run, *, seed: int) -> int:
    """Let the run make a drawn number of steps after its first checkpoint; the step that it has come to."""
    kept = wait_for_checkpoint(run)
    drawn = kept + random.Random(seed).randrange(1, 100)
    wait_until(lambda: tiny_runs.fresh(run).step > drawn or run.is_finished, what=f"step {drawn}")
    assert not run.is_finished, "it was done before it could be disturbed"
    return run.step


def resumed_at(run) -> int:
    """The step from which the newest attempt went on."""
    told = run.events.filter(message__startswith="Goes on from step").order_by("sequence").last()
    return int(told.message.removeprefix("Goes on from step ").rstrip("."))


def seconds_lost(run, step: int) -> float:
    """How long the run had learnt between what it went on from and ``step``."""
    tokens_per_step = run.tokens / run.step
    return max(0, step - resumed_at(run)) * tokens_per_step / run.tokens_per_second


# ── Killed, frozen, told to leave ────────────────────────────────────────────────────────────────────────────────


def test_a_training_process_that_is_killed_costs_less_than_a_checkpoints_interval(platform, ready_dataset, undisturbed):
    """F01: kill -9 the training child at a random step."""
    with_workers(platform, "training")
    run = tiny_runs.queue_run(ready_dataset, LONG)
    platform.ring()
    step = learns_past_a_checkpoint(run, seed=1)
    platform.kill_child(run)
    seconds = pace.seconds_until(
        lambda: tiny_runs.fresh(run).attempts == 2, seconds=pace.limit(45), what="the second attempt"
    )
    pace.note("F01 killed child: until the next attempt, s", round(seconds, 1))
    tiny_runs.wait_for_learning(run, attempt=2)
    lost = seconds_lost(run, step)
    pace.note("F01 killed child: learning lost, s", round(lost, 2))
    assert lost <= pace.TIMES["RESUME_SECONDS"] + 3
    assert run.lost_attempts == 1
    assert_ends_as_if_undisturbed(platform, run, undisturbed)
    assert run.attempts == 2


def test_a_worker_that_is_killed_takes_its_training_along_and_another_goes_on(platform, ready_dataset, undisturbed):
    """F02: kill -9 the Celery main process; a second worker takes over."""
    with_workers(platform, "training", "second")
    run = tiny_runs.queue_run(ready_dataset, LONG)
    platform.ring()
    learns_past_a_checkpoint(run, seed=2)
    child, first = platform.child_of(run), worker_of(run)
    platform.kill(first)
    seconds = pace.seconds_until(
        lambda: not pids.is_alive(child), seconds=5 + pace.ALLOWANCE_SECONDS, what="the child's end"
    )
    pace.note("F02 killed worker: until its child is gone, s", round(seconds, 1))
    seconds = pace.seconds_until(
        lambda: tiny_runs.fresh(run).attempts == 2, seconds=pace.limit(45), what="the second attempt"
    )
    pace.note("F02 killed worker: until the next attempt, s", round(seconds, 1))
    assert worker_of(run) != first
    assert_ends_as_if_undisturbed(platform, run, undisturbed)
    assert (run.attempts, run.lost_attempts) == (2, 1)


def test_a_worker_that_wakes_after_its_run_was_taken_over_ends_its_training_and_writes_nothing(platform, ready_dataset):
    """F03: SIGSTOP the whole worker, let a second one take over, SIGCONT."""
    with_workers(platform, "training", "second")
    run = tiny_runs.queue_run(ready_dataset, tiny_runs.ENDLESS)
    platform.ring()
    tiny_runs.wait_for_learning(run)
    first, old_child, old_token = worker_of(run), platform.child_of(run), run.lease_token
    begun = time.monotonic()
    frozen = platform.freeze(first)
    tiny_runs.wait_for_learning(run, attempt=2)
    assert worker_of(run) != first
    wait_until(lambda: time.monotonic() - begun > pace.scaled(60), what="a long sleep")
    kept = set(Checkpoint.objects.filter(attempt_token=old_token).values_list("pk", flat=True))
    told = run.events.filter(actor__startswith=f"{first}@").count()
    platform.thaw(frozen)
    seconds = pace.seconds_until(
        lambda: not pids.is_alive(old_child), seconds=5 if pace.IS_FULL else 10, what="the old child's end"
    )
    pace.note("F03 woken worker: until its training is gone, s", round(seconds, 1))
    step = tiny_runs.fresh(run).step
    wait_until(lambda: tiny_runs.fresh(run).step > step, what="further steps of the new attempt")
    assert set(Checkpoint.objects.filter(attempt_token=old_token).values_list("pk", flat=True)) <= kept
    assert run.events.filter(actor__startswith=f"{first}@").count() == told
    assert Attempt.objects.get(token=old_token).outcome == Attempt.Outcome.LOST
    assert (run.state, run.attempts) == (State.RUNNING, 2)


def test_running_trainings_are_cancelled_within_seconds_and_keep_their_checkpoints(platform, ready_dataset):
    """F12: cancel a running run."""
    with_workers(platform, "training")
    seconds = []
    for _ in range(CANCELS):
        run = tiny_runs.queue_run(ready_dataset, tiny_runs.ENDLESS)
        platform.ring()
        tiny_runs.wait_for_learning(run)
        kept = wait_for_checkpoint(run)
        lifecycle.request_cancel(run, "mara")
        seconds.append(
            pace.seconds_until(lambda run=run: tiny_runs.fresh(run).is_finished, seconds=30, what="the cancel")
        )
        assert run.state == State.CANCELLED
        assert run.checkpoints.ready().filter(step__gte=kept).exists()
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    pace.note(f"F12 cancel of a running run, p95 of {CANCELS}, s", round(p95, 2))
    assert p95 <= 3 + (0 if pace.IS_FULL else 2)  # scaled times let a busy machine be late


def test_a_worker_told_to_end_keeps_a_checkpoint_and_hands_its_run_back(platform, ready_dataset, undisturbed):
    """F15: SIGTERM to the worker during training, as a deployment does."""
    with_workers(platform, "training")
    run = tiny_runs.queue_run(ready_dataset, LONG)
    platform.ring()
    step = learns_past_a_checkpoint(run, seed=15)
    worker = platform.terminate("training")
    begun = time.monotonic()
    assert worker.wait(30) == 0
    pace.note("F15 SIGTERM: until the worker has ended, s", round(time.monotonic() - begun, 1))
    assert (tiny_runs.fresh(run).state, run.lost_attempts) == (State.QUEUED, 0)
    assert run.attempt_rows.get().outcome == Attempt.Outcome.DRAINED
    assert wait_for_checkpoint(run) >= step
    platform.ensure_worker()
    assert_ends_as_if_undisturbed(platform, run, undisturbed)
    assert (run.attempts, run.lost_attempts) == (2, 0)


def test_a_worker_that_staff_empties_hands_its_run_back_ends_and_stays_known(platform, ready_dataset):
    """F15: the operators' order instead of the signal."""
    with_workers(platform, "training")
    run = tiny_runs.queue_run(ready_dataset, tiny_runs.ENDLESS)
    platform.ring()
    tiny_runs.wait_for_learning(run)
    assert lifecycle.drain_worker(run.worker, by="mara")
    assert platform.processes["training"].wait(30) == 0
    assert (tiny_runs.fresh(run).state, run.lost_attempts) == (State.QUEUED, 0)
    assert Worker.objects.get(name=run.worker).stays_down
    platform.ensure_worker()
    tiny_runs.wait_for_learning(run, attempt=2)
    assert not Worker.objects.get(name=run.worker).stays_down


# ── Poison, hunger and standing still ────────────────────────────────────────────────────────────────────────────


def test_a_run_that_ends_its_process_each_time_is_given_up_and_the_next_one_starts(platform, ready_dataset):
    """F17: `os._exit(1)` at the third report of each attempt."""
    with_workers(platform, "training")
    run = tiny_runs.queue_run(ready_dataset, tiny_runs.ENDLESS)
    platform.ring()
    for _ in range(3):
        platform.arm("training.progress", "exit@3")
        wait_until(lambda: platform.has_struck("training.progress"), what="the exit")
    tiny_runs.wait_for_state(run, State.FAILED)
    assert (run.error_code, run.attempts, run.lost_attempts) == ("worker_lost", 3, 3)
    assert "3 times" in run.error
    following = tiny_runs.queue_run(ready_dataset, owner=make_user("noor"))
    seconds = pace.seconds_until(
        lambda: tiny_runs.fresh(following).attempts, seconds=pace.limit(60), what="the next run's start"
    )
    pace.note("F17 after poison: until the next run starts, s", round(seconds, 1))
    tiny_runs.wait_for_state(following, State.SUCCEEDED)
    assert tiny_runs.fresh(run).attempts == 3


@pytest.mark.parametrize("limited_by", ["its own limit", "prlimit"])
def test_a_network_too_large_for_the_memory_fails_with_advice_and_its_worker_goes_on(
    platform, ready_dataset, limited_by
):
    """F18: an address-space limit on the child, and a large network."""
    platform.ensure_web()
    if limited_by == "its own limit":
        with_workers(platform)
        platform.start_worker(TRAIN_MEMORY_MB="250")
    else:
        platform.arm("training.song", "sleep:6")
    with_workers(platform, "training")
    run = tiny_runs.queue_run(ready_dataset, LARGE)
    platform.ring()
    if limited_by == "prlimit":
        wait_until(lambda: platform.has_struck("training.song"), what="the reading of songs")
        child = platform.child_of(run)
        mapped = int(Path(f"/proc/{child}/statm").read_text().split()[0]) * resource.getpagesize()
        subprocess.run(["prlimit", f"--pid={child}", f"--as={mapped + 250 * MEGABYTE}"], check=True)
    tiny_runs.wait_for_state(run, State.FAILED)
    assert (run.error_code, run.attempts) == ("out_of_memory", 1)
    assert "smaller network" in run.error
    assert platform.is_running("training")
    assert platform.status("/healthz") == 200
    following = tiny_runs.queue_run(ready_dataset)
    tiny_runs.wait_for_state(following, State.SUCCEEDED)
    platform.terminate("training").wait(30)


def test_a_training_that_stands_still_is_ended_and_failed_at_its_deadline(platform, ready_dataset):
    """F19: the reading of the songs sleeps for ever."""
    with_workers(platform, "training")
    platform.arm("training.song", "sleep:100000")
    run = tiny_runs.queue_run(ready_dataset, tiny_runs.ENDLESS)
    platform.ring()
    wait_until(lambda: platform.has_struck("training.song"), what="the reading of songs")
    child = platform.child_of(run)
    deadline = pace.TIMES["STALL_SECONDS"] + pace.limit(30)
    seconds = pace.seconds_until(lambda: tiny_runs.fresh(run).state == State.FAILED, seconds=deadline, what="the end")
    pace.note(f"F19 standing still ({pace.TIMES['STALL_SECONDS']} s allowed): until it failed, s", round(seconds, 1))
    assert (run.error_code, run.attempts) == ("stalled", 1)
    wait_until(lambda: not pids.is_alive(child), seconds=10, what="the child's end")
    following = tiny_runs.queue_run(ready_dataset)
    tiny_runs.wait_for_state(following, State.SUCCEEDED)
