"""One attempt of one run: songs in, reports written down, the best weights published.

The only module that knows both the database and torch; it runs in the child process that `training.supervision`
starts, and nowhere else.

    songs ──corpus──▶ train() ──reports──▶ Journal ──once a second──▶ lifecycle.record
              │         │ Resumable ──▶ ResumeFiles (checkpoints that the next attempt goes on from)
              │         │ Evaluated.is_best ──▶ Best (weights kept aside) ──at the end──▶ storage, lifecycle.finish
              └▶ Baseline, where there is none yet
"""

import errno
import logging
import traceback
from collections.abc import Callable
from uuid import UUID

import torch
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction

from training import allocator, endings, lifecycle, processes, retention, storage
from training.baseline_making import make_baseline
from training.code_version import code_version
from training.database import let_go
from training.fault_points import fault_point
from training.journal import Journal, LeaseLost
from training.language_model.checkpoint import LoadedModel, load_model
from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus, SongText, build_corpus
from training.language_model.errors import CheckpointError, ConfigError, CorpusTooSmall, LyricsError, TrainingDiverged
from training.language_model.machine import choose_device
from training.language_model.networks import NetworkShape
from training.language_model.reports import Evaluated, Finished, Planned, Progress, Resumable, Sampled
from training.language_model.resume import ResumeRefused, Resumption
from training.language_model.team import TeamBroken
from training.language_model.trainer import train
from training.models import TrainingRun
from training.publishing import publish_model
from training.reach_looks import ReachLooks
from training.resuming import Best, ResumeFiles

logger = logging.getLogger(__name__)

State = TrainingRun.State
FETCH_SONGS = 500
ERROR_CODES = {
    CheckpointError: "model_gone",
    ConfigError: "invalid_config",
    CorpusTooSmall: "corpus_too_small",
    TrainingDiverged: "diverged",
}
DATABASE_AWAY = "The database did not answer."
STORAGE_FULL = (
    "There is no room left where checkpoints and models are kept. The checkpoints before that are still there: "
    "make room, then try the run again."
)
STORAGE_FAILED = "A checkpoint or model could not be written ({}). The checkpoints before that are still there."
STORAGE_AWAY = "The storage of checkpoints and models did not answer."
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
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
    run = TrainingRun.objects.select_related("dataset", "owner", "starts_from").get(pk=run_id)
    attempt = _Attempt(run, token, is_asked_to_stop)
    try:
        attempt.train(on_start)
    except LeaseLost:
        raise
    except Stopped:
        attempt.stop()
    except TrainingDiverged as problem:
        attempt.fail_with_the_best(str(problem), "diverged")
    except LyricsError as problem:
        attempt.fail(str(problem), ERROR_CODES.get(type(problem), "refused"))
    except (OperationalError, InterfaceError) as problem:  # no fault of the run: it is tried again, a few times
        logger.warning("run %s: %s (%s)", run_id, DATABASE_AWAY, type(problem).__name__)
        attempt.give_back(DATABASE_AWAY)
    except TeamBroken as problem:
        attempt.give_back(str(problem))
    except storage.StorageAway:
        logger.exception("run %s: %s", run_id, STORAGE_AWAY)
        attempt.give_back(STORAGE_AWAY)
    except OSError as problem:
        if is_out_of_memory(problem):
            attempt.fail_without_memory(problem)
            return
        attempt.fail(*what_the_disk_says(problem))
        raise
    except Exception as problem:  # whatever ends a training, its row must say so before the error goes on
        if is_out_of_memory(problem):
            attempt.fail_without_memory(problem)
            return
        logger.exception("run %s failed", run_id)
        attempt.fail(UNEXPECTED, "internal")
        raise


def what_the_disk_says(problem: OSError) -> tuple[str, str]:
    """(a sentence, a code) for a file that could not be written."""
    if problem.errno in NO_ROOM:
        return STORAGE_FULL, "storage_full"
    return STORAGE_FAILED.format(problem.strerror or type(problem).__name__), "storage_failed"


def is_out_of_memory(problem: BaseException) -> bool:
    """Torch says it with types of its own: a RuntimeError of the CPU's allocator, an OutOfMemoryError of the GPU's."""
    if isinstance(problem, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(problem, RuntimeError | OSError | ImportError) and endings.tells_of_no_memory(str(problem))


def learns_on_the_processor(run_id: str) -> bool:
    """Whether the run's network will lie in this machine's own memory rather than in a graphics processor's."""
    config = TrainingRun.objects.values_list("config", flat=True).get(pk=run_id)
    return choose_device(TrainingConfig.from_dict(config).device)[0].type == "cpu"


class _Attempt:
    """What this process holds while it trains: the run and its token, the corpus, the best weights so far."""

    def __init__(self, run: TrainingRun, token: UUID, is_asked_to_stop: Callable[[], bool]) -> None:
        self.run, self.token, self.is_asked_to_stop = run, token, is_asked_to_stop
        self.journal = Journal(run.pk, token)
        self.files = ResumeFiles(run, self.journal, seconds=settings.RESUME_SECONDS)
        self.config = TrainingConfig()
        self.corpus: Corpus | None = None
        self.best: Best | None = None

    def train(self, on_start: Callable[[], None]) -> None:
        """From the songs to the published model. Raises: Stopped, LeaseLost and whatever ends a training."""
        self.journal.say("Reading the songs")
        self.config = TrainingConfig.from_dict(self.run.config)
        base = model_to_start_from(self.run)
        tokenizer = base.tokenizer if base else None
        self.corpus = build_corpus(
            songs_of(self.run), self.config, dataset_hash=self.run.dataset_hash, tokenizer=tokenizer
        )
        make_baseline(self.run, self.corpus, lambda: songs_of(self.run), self.journal)
        on_start()
        self.journal.say("Measuring the speed of this machine")
        finished = self._learn(base)
        how = " early, as the validation loss no longer fell" if finished.stopped_early else ""
        message = f"Finished{how} after {finished.step} steps; the best weights are those of step {self.best.step}."
        self._end_with_the_best(State.SUCCEEDED, message=message)

    def _learn(self, base: LoadedModel | None) -> Finished:
        """Train from the newest checkpoint that can be gone on from, or from the beginning."""
        for resumption in self.files.resumptions(self.config, self.corpus):
            try:
                return self._follow(resumption, base)
            except ResumeRefused as problem:  # raised before the first step
                self.files.refuse(resumption.snapshot.step, problem)
        raise AssertionError("the last resumption is the beginning")

    def _follow(self, resumption: Resumption | None, base: LoadedModel | None) -> Finished:
        reports = train(
            self.corpus,
            self.config,
            weights=base.network.named_tensors() if base else None,
            resume_from=resumption and resumption.snapshot,
            resume_seconds=settings.RESUME_SECONDS,
        )
        looks = ReachLooks(self.run.pk, self.token, self.corpus)
        for report in reports:
            match report:
                case Planned():
                    self._begin(report, resumption)
                case Progress():
                    self.journal.progress(report)
                    if report.step:
                        fault_point("training.progress")
                case Evaluated():
                    if report.is_best:
                        self.best = Best.of(report)
                    self.journal.evaluated(report)
                    looks.look(report)
                case Sampled():
                    self.journal.sampled(report, self.config)
                case Resumable():
                    self.files.offer(report, self.best)
                case Finished():
                    return report
            if self.is_asked_to_stop():
                raise Stopped
        raise AssertionError("a training ends with Finished")

    def _begin(self, plan: Planned, resumption: Resumption | None) -> None:
        self.config = plan.config
        self.best = self.files.go_on_from(resumption)
        self.journal.plan(plan, facts_of(plan, self.corpus))
        known = len(resumption.snapshot.course["departures"]) if resumption else 0
        for sentence in plan.departures[known:]:
            self.journal.warn(sentence)

    # ── Its end ──────────────────────────────────────────────────────────────────────────────────────────────────

    def stop(self) -> None:
        """End a run as was asked: cancelled without a model, put aside until it is resumed, or waiting again."""
        lease = lifecycle.look(self.run.pk, self.token)
        if lease.cancel_requested:
            lifecycle.finish(self.run.pk, self.token, State.CANCELLED, message="Cancelled while it trained.")
            return
        self._keep_last_checkpoint()
        leave = lifecycle.pause if lease.pause_requested else lifecycle.hand_back
        leave(self.run.pk, self.token)

    def _keep_last_checkpoint(self) -> None:
        try:
            self.files.write(self.best)
        except OSError:  # the one before it is still there, and the run must get back into the line
            logger.exception("run %s: its last checkpoint could not be kept", self.run.pk)

    def fail(self, error: str, code: str) -> None:
        lifecycle.finish(self.run.pk, self.token, State.FAILED, message=error, error=error, error_code=code)

    def fail_without_memory(self, problem: BaseException) -> None:
        """Let go of what the training held, and of the limit it came up against: the row wants memory too."""
        traceback.clear_frames(problem.__traceback__)
        processes.lift_memory_limit()
        self.fail(endings.OUT_OF_MEMORY_WORDS, endings.OUT_OF_MEMORY)

    def give_back(self, reason: str) -> None:
        """Put the run back into the line as one that was lost: so often and no more, each time a little later."""
        let_go()  # of a connection that broke: the next question opens another
        try:
            lifecycle.lost(self.run.pk, self.token, reason=reason, actor=self.run.worker)
        except (OperationalError, InterfaceError):  # its lease runs out, and the reconciler takes it back
            logger.warning("run %s could not be given back", self.run.pk)

    def fail_with_the_best(self, error: str, code: str) -> None:
        """Fail the run, and publish what was good before: a long training is not lost by its last step."""
        if self.best is None:
            self.fail(error, code)
            return
        self.journal.settle()
        with_model = f"{error} The weights of step {self.best.step}, the best before that, are kept as its model."
        try:
            self._end_with_the_best(State.FAILED, message=with_model, error=with_model, error_code=code)
        except Stopped:
            self.stop()
        except OSError:  # the disk is full as well: why it failed is still to be said
            logger.exception("run %s: its best weights could not be kept", self.run.pk)
            self.fail(error, code)

    def _end_with_the_best(self, state: str, **words: str) -> None:
        """Judge the best weights at last and put them into the storage; their row appears as the run ends."""
        self.journal.say("Judging by the songs kept for the last test")
        self.best.judge_at_last(self.corpus.test, between=self._look_up)
        self.journal.say("Saving the model")
        model = publish_model(
            self.run, self.best, self.corpus, config=self.config, token=self.token, warn=self.journal.warn
        )
        try:
            with transaction.atomic():
                if state == State.SUCCEEDED:
                    retention.mark_ended(self.run.pk)
                # The model takes the place of what was kept there, and its pin.
                model.is_pinned = retention.free_step(self.run.pk, model.step)
                if not lifecycle.finish(
                    self.run.pk, self.token, state, metrics=self.best.metrics, checkpoint=model, **words
                ):
                    raise LeaseLost
        except LeaseLost:
            storage.remove(model.folder, model.manifest)
            raise
        retention.remove_marked()

    def _look_up(self) -> None:
        """Tell that this goes on, and heed a cancel. Who shuts down waits: the work is as good as done."""
        self.journal.flush_when_due()
        if self.is_asked_to_stop() and lifecycle.look(self.run.pk, self.token).cancel_requested:
            raise Stopped


def model_to_start_from(run: TrainingRun) -> LoadedModel | None:
    """The model that a fine-tuning trains further, every byte of it checked; None for a training from scratch.

    Raises: CheckpointError when it was deleted or damaged since the run was queued.
    """
    if not run.is_fine_tuning:
        return None
    model = run.starts_from
    if model is None:
        raise CheckpointError(f"The model “{run.starts_from_name}”, from which this run was to start, was deleted.")
    try:
        with storage.fetched(model.folder, model.manifest) as folder:
            base = load_model(folder / storage.MODEL_FILE)
    except storage.StorageDamaged as problem:
        raise CheckpointError(f"The file of the model “{model.name}” is damaged. {problem}") from problem
    if base.network.shape != NetworkShape.of(TrainingConfig.from_dict(run.config), base.tokenizer.vocabulary_size):
        raise CheckpointError(f"The network of the model “{model.name}” is not the one that its settings describe.")
    return base


def songs_of(run: TrainingRun):
    """The songs of the frozen version, one after another; the same whatever was imported since."""
    songs = run.dataset.songs_in_use(run.dataset_version).order_by("ordinal")
    columns = ("text", "duplicate_group", "title", "genre", "artist")
    for values in songs.values(*columns).iterator(chunk_size=FETCH_SONGS):
        fault_point("training.song")
        yield SongText(**values)


def facts_of(plan: Planned, corpus: Corpus) -> dict:
    """What is worth telling about the run besides its configuration, as plain JSON."""
    return {
        "vocabulary_size": corpus.tokenizer.vocabulary_size,
        "conditions": corpus.tokenizer.conditions.to_dict(),
        "songs": corpus.songs,
        "songs_kept_aside": len(corpus.validation.songs),
        "songs_kept_for_test": len(corpus.test.songs),
        "train_tokens": plan.train_tokens,
        "valid_tokens": plan.valid_tokens,
        "valid_characters": plan.valid_characters,
        "unknown_share": plan.unknown_share,
        "valid_spelling_nats": corpus.validation.spelling_nats,
        "steps_per_epoch": plan.steps_per_epoch,
        "expected_seconds": plan.expected_seconds,
        "threads": plan.threads,
        "precision": plan.precision,
        "peak_flops": plan.peak_flops,
        "device": plan.device,
        "device_reason": plan.device_reason,
        "no_longer_exact": " ".join(plan.departures),
        "allocator": allocator.in_use(),
        "code": code_version(),
        "batch_hash": corpus.batch_hash(batch_size=plan.config.batch_size, seed=plan.config.batch_seed, epoch=0),
    }
