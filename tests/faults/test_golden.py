"""Whatever happens to a run on its way, it ends as if nothing had: with the same weights, bit for bit, and curve."""

import random
from pathlib import Path

import pytest

from tests.faults import pace, tiny_runs
from tests.processes import wait_until
from training import storage
from training.language_model.checkpoint import load_model, weights_sha256
from training.models import TrainingRun

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]
State = TrainingRun.State
MEASURED = ("step", "train_loss", "valid_loss", "nats_per_character", "learning_rate", "gradient_norm")
KILLS = {"rnn": 7, "lstm": 7, "gru": 6}  # twenty in all
SEEDS = {"rnn": 101, "lstm": 202, "gru": 303}
# Long enough to be killed seven times on a fast machine, and with everything that a resumption could get wrong.
LONG = tiny_runs.BRIEF | {
    "hidden_size": 48,
    "num_layers": 2,
    "dropout": 0.2,
    "steps": 8000,
    "epochs": 1000,
    "patience": 0,
    "evaluations": 8,
}


def weights_of(run) -> str:
    model = run.checkpoints.published().get()
    return weights_sha256(load_model(Path(storage.default_storage.path(model.model_file))).network)


def curve_of(run) -> list[tuple]:
    return list(run.metric_points.filter(valid_loss__isnull=False).order_by("step").values_list(*MEASURED))


def samples_of(run) -> list[tuple]:
    return list(run.samples.order_by("step").values_list("step", "text"))


def kill_at(platform, run, step: int) -> None:
    """kill -9 the run's training process when it has come to ``step``, or to its first one after a resumption there."""
    attempt = tiny_runs.fresh(run).attempts + (run.state == State.QUEUED)
    tiny_runs.wait_for_learning(run, attempt=attempt)
    wait_until(lambda: tiny_runs.fresh(run).step >= step or run.is_finished, what=f"step {step}")
    assert not run.is_finished, f"it was done before it could be killed at step {step}"
    platform.kill_child(run)
    wait_until(
        lambda: tiny_runs.fresh(run).state != State.RUNNING or run.attempts > attempt, what="the loss to be noticed"
    )
    # The count of losses ends a run that kills its workers. Here only the weights are asked for.
    TrainingRun.objects.filter(pk=run.pk).update(lost_attempts=0, not_before=None)


@pytest.mark.parametrize("architecture", KILLS)
def test_a_run_killed_again_and_again_ends_with_the_weights_of_one_that_was_not(platform, ready_dataset, architecture):
    """I5: kill -9 the training process at steps drawn from a fixed seed."""
    platform.ensure_worker(processes=2)
    whole = tiny_runs.queue_run(ready_dataset, LONG, architecture=architecture)
    run = tiny_runs.queue_run(ready_dataset, LONG, architecture=architecture)
    platform.ring(2)
    draw = random.Random(SEEDS[architecture])
    steps = sorted(draw.sample(range(1, LONG["steps"] // 2), KILLS[architecture]))
    for step in steps:
        kill_at(platform, run, step)
    for one in (whole, run):
        tiny_runs.wait_for_state(one, State.SUCCEEDED, State.FAILED, seconds=300)
        assert one.state == State.SUCCEEDED, one.error
    pace.note(f"{architecture}: kills and attempts", [len(steps), run.attempts])
    assert (whole.attempts, run.attempts) == (1, len(steps) + 1)
    assert weights_of(run) == weights_of(whole)
    assert curve_of(run) == curve_of(whole)
    assert samples_of(run) == samples_of(whole)
    assert run.metrics == whole.metrics
