"""Which baseline a run is measured against, and by how much it is better.

A run that reads words has the baseline of its own words; one that reads characters or pieces of words, or with the
vocabulary of the model it started from, has the one of the usual words. All are judged by the very songs that judge
the run, in nats per character, which means the same for every reading.
"""

from collections.abc import Iterable

from training.curves import finite
from training.language_model.config import FIELDS
from training.models import Baseline, TrainingRun

# What decides the words, and what decides which songs are kept aside.
WORDS = tuple(name for name, one in FIELDS.items() if one.metadata["group"] == "text" and name != "tokenizer")
SPLIT = ("validation_fraction", "test_fraction")


def reading_settings(run: TrainingRun) -> dict:
    """The settings with which the baseline of a run reads the songs, as part of a config."""
    own = (*WORDS, *SPLIT) if reads_alike(run) else SPLIT
    usual = {name: FIELDS[name].default for name in (*WORDS, *SPLIT)}
    return usual | {name: run.config[name] for name in own if name in run.config} | {"tokenizer": "word"}


def reading_of(run: TrainingRun) -> str:
    """The name of that reading, the same for the same settings."""
    return " ".join(f"{name}={value}" for name, value in sorted(reading_settings(run).items()))


def reads_alike(run: TrainingRun) -> bool:
    """Whether a run predicts the tokens that its baseline predicts."""
    return run.config.get("tokenizer") == "word" and not run.is_fine_tuning


def baseline_of(run: TrainingRun) -> Baseline | None:
    """The baseline of a run, None as long as nobody has made it."""
    return baselines_of([run]).get(run.pk)


def baselines_of(runs: Iterable[TrainingRun]) -> dict[str, Baseline]:
    """The baselines of runs by the runs' ids, in one question; runs without one are left out."""
    keys = {run.pk: (run.dataset_id, run.dataset_version, run.dataset_hash, reading_of(run)) for run in runs}
    datasets = {key[0] for key in keys.values()}
    versions = {key[1] for key in keys.values()}
    readings = {key[3] for key in keys.values()}
    rows = Baseline.objects.filter(dataset__in=datasets, dataset_version__in=versions, reading__in=readings)
    found = {(row.dataset_id, row.dataset_version, row.dataset_hash, row.reading): row for row in rows}
    return {run_id: found[key] for run_id, key in keys.items() if key in found}


def lead_over(baseline: Baseline, nats_per_character: float | None) -> float | None:
    """The share by which a model needs fewer nats per character than its baseline; below 0 it is worse."""
    scored = finite(nats_per_character)
    return None if scored is None else (baseline.nats_per_character - scored) / baseline.nats_per_character


def level_of(baseline: Baseline | None, run: TrainingRun) -> dict | None:
    """The height of a baseline in the chart of a run, per token only where both predict the same tokens."""
    if baseline is None:
        return None
    per_token = baseline.nats_per_token if reads_alike(run) else None
    return {"token": per_token, "character": baseline.nats_per_character}
