"""One attempt of one run: songs in, reports written down, the best weights published.

The only module that knows both the database and torch; it runs in the child process that `training.supervision`
starts, and nowhere else.

    songs ──corpus──▶ train() ──reports──▶ Journal ──once a second──▶ lifecycle.record
                        │ Evaluated.is_best ──▶ Best (weights kept aside) ──at the end──▶ storage, lifecycle.finish
"""

import copy
import errno
import logging
from collections.abc import Callable
from uuid import UUID

import torch
from django.utils import timezone

from training import allocator, lifecycle, storage
from training.journal import Journal, LeaseLost, run_metrics
from training.language_model.checkpoint import save_model
from training.language_model.config import ConfigError, CorpusTooSmall, LyricsError, TrainingConfig, TrainingDiverged
from training.language_model.corpus import Corpus, SongText, build_corpus
from training.language_model.reports import Evaluated, Finished, Planned, Progress, Sampled
from training.language_model.trainer import train
from training.models import Checkpoint, TrainingRun

logger = logging.getLogger(__name__)

State = TrainingRun.State
FETCH_SONGS = 500
ERROR_CODES = {ConfigError: "invalid_config", CorpusTooSmall: "corpus_too_small", TrainingDiverged: "diverged"}
OUT_OF_MEMORY = (
    "The training needed more memory than there is. Choose a smaller batch, a shorter sequence or a smaller network."
)
UNEXPECTED = "The training stopped by a fault of this program, not of your songs. The server's log says more."


class Stopped(Exception):
    """Raised when the supervisor asked this process to end: the run is cancelled or handed back."""


def execute(
    run_id: str,
    token: UUID,
    *,
    on_start: Callable[[], None] = lambda: None,
    is_asked_to_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Train the run that is held under ``token`` to its end, and write that end.

    ``on_start`` is called when the songs are read and the first step is near; from then on ``is_asked_to_stop`` is
    looked at after every report, at least twice a second. An expected failure becomes the run's error; an unexpected
    one too, and is raised again.
    Raises: LeaseLost when somebody else holds the run; then nothing more was written.
    """
    run = TrainingRun.objects.select_related("dataset", "owner").get(pk=run_id)
    try:
        _train(run, token, on_start, is_asked_to_stop)
    except LeaseLost:
        raise
    except Stopped:
        _stop(run, token)
    except LyricsError as problem:
        _fail(run, token, str(problem), ERROR_CODES.get(type(problem), "refused"))
    except Exception as problem:  # whatever ends a training, its row must say so before the error goes on
        if is_out_of_memory(problem):
            _fail(run, token, OUT_OF_MEMORY, "out_of_memory")
            return
        logger.exception("run %s failed", run_id)
        code = "storage_full" if isinstance(problem, OSError) and problem.errno == errno.ENOSPC else "internal"
        _fail(run, token, UNEXPECTED, code)
        raise


def is_out_of_memory(problem: BaseException) -> bool:
    """Torch says it with types of its own: a RuntimeError of the CPU's allocator, an OutOfMemoryError of the GPU's."""
    if isinstance(problem, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(problem, RuntimeError) and "allocate memory" in str(problem)


def _train(run: TrainingRun, token: UUID, on_start: Callable[[], None], is_asked_to_stop: Callable[[], bool]) -> None:
    journal = Journal(run.pk, token)
    journal.say("Reading the songs")
    config = TrainingConfig.from_dict(run.config)
    corpus = build_corpus(songs_of(run), config, dataset_hash=run.dataset_hash)
    on_start()
    journal.say("Measuring the speed of this machine")
    best: Best | None = None
    finished: Finished | None = None
    for report in train(corpus, config):
        match report:
            case Planned():
                config = report.config
                journal.plan(report, facts_of(report, corpus))
            case Progress():
                journal.progress(report)
            case Evaluated():
                if report.is_best:
                    best = Best(report)
                journal.evaluated(report)
            case Sampled():
                journal.sampled(report, config)
            case Finished():
                finished = report
        if is_asked_to_stop() and finished is None:
            raise Stopped
    journal.say("Saving the model")
    journal.flush()
    _publish(run, token, best, finished, config=config, corpus=corpus)


class Best:
    """The weights of the best judgement so far, copied out of the network that goes on learning."""

    def __init__(self, report: Evaluated) -> None:
        self.network = copy.deepcopy(report.network).to("cpu").eval()
        self.in_file = report.metrics()
        self.metrics = run_metrics(report)
        self.step, self.epoch = report.step, report.epoch


def songs_of(run: TrainingRun):
    """The songs of the frozen version, one after another; the same whatever was imported since."""
    songs = run.dataset.songs_in_use(run.dataset_version).order_by("ordinal")
    columns = ("text", "duplicate_group", "title", "genre")
    for values in songs.values(*columns).iterator(chunk_size=FETCH_SONGS):
        yield SongText(**values)


def facts_of(plan: Planned, corpus: Corpus) -> dict:
    """What is worth telling about the run besides its configuration, as plain JSON."""
    return {
        "vocabulary_size": corpus.tokenizer.vocabulary_size,
        "songs": corpus.songs,
        "songs_kept_aside": len(corpus.validation.songs),
        "songs_kept_for_test": len(corpus.test.songs),
        "train_tokens": plan.train_tokens,
        "valid_tokens": plan.valid_tokens,
        "valid_characters": plan.valid_characters,
        "unknown_share": plan.unknown_share,
        "steps_per_epoch": plan.steps_per_epoch,
        "expected_seconds": plan.expected_seconds,
        "threads": plan.threads,
        "precision": plan.precision,
        "device": plan.device,
        "device_reason": plan.device_reason,
        "allocator": allocator.in_use(),
        "batch_hash": corpus.batch_hash(batch_size=plan.config.batch_size, seed=plan.config.seed, epoch=0),
    }


def _publish(
    run: TrainingRun, token: UUID, best: Best, finished: Finished, *, config: TrainingConfig, corpus: Corpus
) -> None:
    """Put the best weights into the storage; their row appears in the transaction in which the run succeeds."""
    data = {
        "content_hash": run.dataset_hash or corpus.content_hash,
        "version": run.dataset_version,
        "name": run.dataset.name,
        "songs": corpus.songs,
    }
    attempt = TrainingRun.objects.values_list("attempts", flat=True).get(pk=run.pk)
    published = storage.publish(
        f"checkpoints/{run.pk}/{best.step}-{attempt}-{token.hex[:8]}",
        lambda folder: save_model(
            folder / storage.MODEL_FILE,
            best.network,
            config=config,
            tokenizer=corpus.tokenizer,
            data=data,
            metrics=best.in_file,
        ),
        facts={"config_hash": lifecycle.config_hash(config.to_dict()), "data_hash": data["content_hash"]},
    )
    model = Checkpoint(
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
    how = " early, as the validation loss no longer fell" if finished.stopped_early else ""
    message = f"Finished{how} after {finished.step} steps; the best weights are those of step {best.step}."
    if not lifecycle.finish(run.pk, token, State.SUCCEEDED, message=message, metrics=best.metrics, checkpoint=model):
        storage.remove(published.folder, published.manifest)
        raise LeaseLost


def _fail(run: TrainingRun, token: UUID, error: str, code: str) -> None:
    lifecycle.finish(run.pk, token, State.FAILED, message=error, error=error, error_code=code)


def _stop(run: TrainingRun, token: UUID) -> None:
    """End a run as was asked: a cancelled one leaves no model, one whose worker shuts down waits again."""
    lease = lifecycle.look(run.pk, token)
    if lease.cancel_requested:
        lifecycle.finish(run.pk, token, State.CANCELLED, message="Cancelled while it trained.")
    else:
        lifecycle.hand_back(run.pk, token)
