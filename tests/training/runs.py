"""A waiting run for tests, moving its clock, and what it went through."""

import threading
from datetime import timedelta

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from training import lifecycle
from training.models import Dataset, RunEvent, TrainingRun

SMALL = {
    "tokenizer": "char",
    "embedding_size": 16,
    "hidden_size": 16,
    "sequence_length": 16,
    "batch_size": 4,
    "steps": 12,
    "budget_seconds": None,
    "evaluations": 2,
    "sample_tokens": 12,
    "threads": 1,
    "device": "cpu",
}


def make_run(dataset: Dataset, **fields) -> TrainingRun:
    """A queued run of the dataset's owner, with a network of sixteen units and twelve steps."""
    from training.language_model.config import resolve_config

    config = resolve_config(architecture="lstm", overrides=SMALL).to_dict()
    columns = {
        "owner": dataset.owner,
        "name": "A small LSTM",
        "dataset": dataset,
        "dataset_version": dataset.version,
        "architecture": "lstm",
        "config": config,
        "config_hash": lifecycle.config_hash(config),
        "seed": config["seed"],
        "queued_at": timezone.now(),
    }
    return TrainingRun.objects.create(**(columns | fields))


def claim(run: TrainingRun, worker: str = "training@here") -> lifecycle.Claim:
    claimed = lifecycle.claim(run.pk, worker=worker, host="here", pid=1)
    assert claimed is not None
    return claimed


def expire_lease(row) -> None:
    """Let the lease of a run or an import have run out a minute ago."""
    type(row).objects.filter(pk=row.pk).update(lease_expires_at=Now() - timedelta(minutes=1))


def let_time_pass(row, **seconds: float) -> None:
    """Move the named moments of a row into the past: ``let_time_pass(run, progressed_at=900)``."""
    changes = {column: F(column) - timedelta(seconds=by) for column, by in seconds.items()}
    type(row).objects.filter(pk=row.pk).update(**changes)


def history(run) -> list[str]:
    """The states a run went through, as its events tell."""
    return list(run.events.filter(kind=RunEvent.Kind.STATE).values_list("state", flat=True))


def in_threads(*works) -> list:
    """Run the works at the same time, each on a connection of its own, and return what each gave."""
    start, results = threading.Barrier(len(works)), [None] * len(works)

    def one(place, work):
        try:
            start.wait()
            results[place] = work()
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=item) for item in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
