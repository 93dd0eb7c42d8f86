"""Runs with a past, written as a worker writes them: points, samples, a history, a model."""

from tests.generator.tiny_models import publish
from tests.training.runs import claim, make_run
from training import lifecycle
from training.models import Checkpoint, Dataset, TrainingRun


def make_running_run(dataset: Dataset, *, losses=(2.4, 2.1, 2.0), **fields) -> tuple[TrainingRun, lifecycle.Claim]:
    """A run that a worker holds, judged once for each of ``losses``."""
    run = make_run(dataset, **fields)
    held = claim(run)
    for look, loss in enumerate(losses, start=1):
        judged = {"valid_loss": loss, "nats_per_character": loss / 2}
        point = {"step": 4 * look, "epoch": float(look), "seconds": 2.0 * look, "train_loss": loss - 0.1}
        sample = {
            "step": 4 * look,
            "epoch": float(look),
            "text": f"oh my lantern {look}",
            "temperature": 0.8,
            "seed": 1,
        }
        lifecycle.record(run.pk, held.token, points=[point | judged], samples=[sample], note=f"Look {look}.")
    best = min(losses, default=None)
    metrics = best and {"valid_loss": best, "nats_per_character": best / 2, "perplexity": 2.7**best}
    progress = {"step": 6, "epoch": 2, "tokens": 900, "tokens_per_second": 1200.0, "eta_seconds": 30.0}
    progress |= {"learning_rate": 0.0043, "gradient_norm": 0.87, "memory_bytes": 430 * 1024**2, "utilisation": 0.412}
    lifecycle.record(run.pk, held.token, progress=progress, metrics=metrics)
    TrainingRun.objects.filter(pk=run.pk).update(steps=12, epochs=4, parameters=1234)
    run.refresh_from_db()
    return run, held


def make_finished_run(dataset: Dataset, *, losses=(2.4, 2.1, 2.0), **fields) -> TrainingRun:
    """A run that succeeded, without a model."""
    run, held = make_running_run(dataset, losses=losses, **fields)
    assert lifecycle.finish(run.pk, held.token, TrainingRun.State.SUCCEEDED, message="Finished.")
    run.refresh_from_db()
    return run


def make_failed_run(dataset: Dataset, *, error="The loss stopped being a number.", **fields) -> TrainingRun:
    run, held = make_running_run(dataset, **fields)
    lifecycle.finish(run.pk, held.token, TrainingRun.State.FAILED, message=error, error=error, error_code="diverged")
    run.refresh_from_db()
    return run


def make_model(run: TrainingRun, **fields) -> Checkpoint:
    """The model that came of ``run``, with a real file."""
    return publish(run.owner, run=run, dataset=run.dataset, step=12, **fields)
