"""Races for tests: waiting, and run to their end as workers write it down."""

from tests.training.runs import SMALL, claim
from training import lifecycle
from training.models import Dataset, Race, TrainingRun
from training.services.races import start_race

ENDS = {"rnn": 2.6, "lstm": 2.3, "gru": 2.0}
SHARED = {name: SMALL[name] for name in ("tokenizer", "sequence_length", "batch_size", "evaluations", "threads")}


def make_race(dataset: Dataset, **options) -> Race:
    """A race of RNN and GRU with two seeds, whose runs wait."""
    asked = {"architectures": ["rnn", "gru"], "seeds": [1, 2], "budget": {"tokens": 768}}
    sizes = {"embedding_size": 24, "hidden_size": 64}
    return start_race(**({"owner": dataset.owner, "dataset": dataset, "overrides": SHARED | sizes} | asked | options))


def finish_race(race: Race) -> Race:
    """Let every run of ``race`` learn, each cell to an end of its own."""
    for run in race.runs.order_by("queued_at"):
        held = claim(run)
        for look, loss in enumerate((3.0, 2.7, ENDS[run.architecture] + 0.01 * run.seed), start=1):
            judged = {"valid_loss": loss, "nats_per_character": loss / 2}
            point = {"step": 4 * look, "epoch": float(look), "seconds": 2.0 * look, "train_loss": loss - 0.1}
            lifecycle.record(run.pk, held.token, points=[point | judged])
        metrics = {"valid_loss": loss, "nats_per_character": loss / 2, "perplexity": 2.7**loss}
        progress = {"step": 12, "epoch": 3, "tokens": 768, "tokens_per_second": 900.0 + run.seed, "eta_seconds": 0.0}
        lifecycle.record(run.pk, held.token, progress=progress, metrics=metrics)
        lifecycle.finish(run.pk, held.token, TrainingRun.State.SUCCEEDED, message="Finished.")
    race.runs.update(parameters=1234)
    return race
