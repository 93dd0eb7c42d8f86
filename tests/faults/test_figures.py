"""How long the platform itself takes: to the first step, to the next attempt, and for many short runs."""

import pytest

from tests.faults import pace, tiny_runs
from training import lifecycle
from training.models import Attempt, Checkpoint, TrainingRun

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]
State = TrainingRun.State
ONE_STEP = tiny_runs.BRIEF | {"steps": 1, "evaluations": 1, "sample_tokens": 0}
SHORT_RUNS = 200 if pace.IS_FULL else 6
PATIENCE = 120


def test_a_queued_run_makes_its_first_step_soon(platform, ready_dataset):
    """The rule is 8 s on an idle machine; here only that it happens, and the figure."""
    platform.ensure_worker()
    run = tiny_runs.queue_run(ready_dataset, tiny_runs.ENDLESS)
    platform.ring()
    seconds = pace.seconds_until(lambda: tiny_runs.fresh(run).step > 0, seconds=PATIENCE, what="the first step")
    pace.note("queued to first step, s", round(seconds, 1))
    lifecycle.request_cancel(run, "the test")
    pace.note("asked to cancel until cancelled, s", round(pace.seconds_until(
        lambda: tiny_runs.fresh(run).state == State.CANCELLED, seconds=pace.limit(15), what="the cancel"
    ), 1))  # fmt: skip


def test_a_run_whose_training_process_is_killed_learns_again_soon(platform, ready_dataset):
    """The rule is 45 s from kill -9 to the next attempt."""
    platform.ensure_worker()
    run = tiny_runs.queue_run(ready_dataset, tiny_runs.ENDLESS)
    platform.ring()
    tiny_runs.wait_for_learning(run)
    platform.kill_child(run)
    seconds = pace.seconds_until(
        lambda: tiny_runs.fresh(run).attempts == 2, seconds=pace.limit(45), what="the second attempt"
    )
    pace.note("kill -9 of the training process to the next attempt, s", round(seconds, 1))
    seconds += pace.seconds_until(
        lambda: tiny_runs.wait_for_learning(run, attempt=2), seconds=PATIENCE, what="its first step"
    )
    pace.note("kill -9 of the training process to the next step, s", round(seconds, 1))


def test_many_runs_of_one_step_all_end_in_a_model(platform, ready_dataset):
    """None is lost and none is trained twice, however short they are."""
    platform.ensure_worker(processes=2)
    runs = [tiny_runs.queue_run(ready_dataset, ONE_STEP, name=f"Short {number}") for number in range(SHORT_RUNS)]
    platform.ring()
    seconds = pace.seconds_until(
        lambda: not TrainingRun.objects.unfinished().exists(), seconds=60 + 20 * SHORT_RUNS, what="every run"
    )
    pace.note(f"{SHORT_RUNS} runs of one step, s for each", round(seconds / SHORT_RUNS, 2))
    assert {tiny_runs.wait_for_state(run, State.SUCCEEDED, seconds=1).attempts for run in runs} == {1}
    assert Attempt.objects.count() == Checkpoint.objects.published().count() == SHORT_RUNS
