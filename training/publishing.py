"""The model that came of a run: its files in the storage, and the row that is to name them.

Runs in the child process of `training.execution` alone.
"""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from django.utils import timezone

from training import lifecycle, storage
from training.language_model.checkpoint import save_model
from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus
from training.models import Checkpoint, TrainingRun
from training.resuming import Best
from training.serving import add_graphs


def publish_model(
    run: TrainingRun,
    best: Best,
    corpus: Corpus,
    *,
    config: TrainingConfig,
    token: UUID,
    warn: Callable[[str], None],
) -> Checkpoint:
    """Put the best weights of a run into the storage, ready to write, and return the row for them, not saved yet.

    Args:
        config: as it was planned, every value of it decided.
        token: the attempt's, which is part of the folder's name.
        warn: is told why the model can't write, where that is so.
    Raises: OSError (the disk is full, the storage is away): then nothing stays of it.
    """
    data = _data_of(run, corpus)
    published = storage.publish(
        storage.folder_for(run.pk, step=best.step, attempt=run.attempts, token=token, kind="model"),
        lambda folder: _write(folder, best, corpus, config, data, warn),
        facts={
            "step": best.step,
            "config_hash": lifecycle.config_hash(config.to_dict()),
            "data_hash": data["content_hash"],
            "vocabulary_hash": lifecycle.config_hash(corpus.tokenizer.to_dict()),
        },
    )
    return Checkpoint(
        owner=run.owner,
        run=run,
        dataset=run.dataset,
        name=run.name,
        attempt_token=token,
        step=best.step,
        epoch=best.epoch,
        is_best=True,
        published_at=timezone.now(),
        folder=published.folder,
        manifest=published.manifest,
        sha256=published.sha256,
        size_bytes=published.size_bytes,
        architecture=config.architecture,
        tokenizer=config.tokenizer,
        parameters=best.network.count_parameters(),
        vocabulary_size=corpus.tokenizer.vocabulary_size,
        config=config.to_dict(),
        metrics=best.metrics,
    )


def _data_of(run: TrainingRun, corpus: Corpus) -> dict:
    """What the model learnt from, as its file says it."""
    data = {
        "content_hash": run.dataset_hash or corpus.content_hash,
        "version": run.dataset_version,
        "name": run.dataset.name,
        "songs": corpus.songs,
    }
    if run.is_fine_tuning:
        data["starts_from"] = {"name": run.starts_from_name, "sha256": run.starts_from.sha256}
    return data


def _write(
    folder: Path, best: Best, corpus: Corpus, config: TrainingConfig, data: dict, warn: Callable[[str], None]
) -> None:
    """The model file, and beside it what it takes to write."""
    save_model(
        folder / storage.MODEL_FILE,
        best.network,
        config=config,
        tokenizer=corpus.tokenizer,
        data=data,
        metrics=best.in_file,
    )
    why_not = add_graphs(folder, songs=(song.tolist() for song in corpus.validation.songs))
    if why_not:
        warn(why_not)
