"""What one attempt of a run keeps for the next: checkpoints in the storage, each with its row.

    journal ──settle──▶ database    take ──publish──▶ storage ──row, under the token──▶ ready ──▶ older ones let go

Any machine that sees the storage goes on from the newest that is whole. A checkpoint never runs ahead of the database:
what was measured before it is written down before it.
"""

import copy
import logging
import time
from collections.abc import Callable, Iterator

from django.db import InterfaceError, OperationalError, connection, transaction

from training import lifecycle, retention, storage
from training.curves import finite
from training.fault_points import fault_point
from training.journal import Journal, LeaseLost, run_metrics
from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus, HeldOutSongs
from training.language_model.evaluation import evaluate, finish
from training.language_model.networks import LyricNetwork
from training.language_model.reports import Evaluated, Resumable
from training.language_model.resume import ResumeRefused, Resumption, Snapshot, read_resume, write_resume
from training.models import Checkpoint, TrainingRun

logger = logging.getLogger(__name__)

FAILURES_ALLOWED = 3  # in a row, of a store that does not answer
# Writing may take this share of the time: where epochs are short, not each of their ends is worth a checkpoint.
WRITING_SHARE = 0.02


class Best:
    """The weights of the best judgement so far, on the processor, with its figures (`Evaluated.metrics`)."""

    def __init__(self, network: LyricNetwork, in_file: dict) -> None:
        self.network, self.in_file = network, in_file
        self.metrics = run_metrics(in_file)
        self.step, self.epoch = in_file["step"], in_file["epoch"]

    @classmethod
    def of(cls, report: Evaluated) -> "Best":
        """Copied out of the network that goes on learning."""
        return cls(copy.deepcopy(report.network).to("cpu").eval(), report.metrics())

    def judge_at_last(self, test: HeldOutSongs, *, between: Callable[[], None] = lambda: None) -> None:
        """Judge these weights, once, by songs that no choice was made by: neither when to stop nor what to keep.

        Where none are kept for it, nothing is known. ``between`` is called after each small piece, and may raise.
        """
        if not test.songs:
            return
        result = finish(_interrupted(evaluate(self.network, test), between))
        figures = {
            "test_loss": result.nats_per_token,
            "test_perplexity": result.perplexity,
            "test_nats_per_character": result.nats_per_character,
            "test_unknown_share": test.unknown_share,
        }
        self.in_file |= figures
        self.metrics |= {name: finite(value) for name, value in figures.items()}


def _interrupted(pieces: Iterator[float], between: Callable[[], None]) -> Iterator[float]:
    """The same pieces and the same result, with ``between`` called after each."""
    while True:
        try:
            piece = next(pieces)
        except StopIteration as done:
            return done.value
        between()
        yield piece


class ResumeFiles:
    """What an attempt keeps for the next one, and what it found."""

    def __init__(self, run: TrainingRun, journal: Journal, *, seconds: float) -> None:
        self.run, self.journal, self.seconds = run, journal, seconds
        self.resumable: Resumable | None = None
        self.stands_at = 0  # the step that this attempt began with, or wrote last: nothing new to write there
        self.written_at = time.monotonic()
        self.writing_seconds = 0.0
        self.failures = 0

    # ── Found ────────────────────────────────────────────────────────────────────────────────────────────────────

    def resumptions(self, config: TrainingConfig, corpus: Corpus) -> Iterator[Resumption | None]:
        """What the attempt may go on from, newest first, and at last None: the beginning.

        Why one was passed over is written into the run's history. Raises: storage.StorageAway, as nobody knows then.
        """
        points = list(Checkpoint.objects.resume_points().ready().filter(run=self.run).order_by("-step"))
        for point in points:
            try:
                with storage.fetched(point.folder, point.manifest) as folder:
                    resumption = read_resume(folder, config=config, corpus=corpus)
            except storage.StorageDamaged as problem:
                Checkpoint.objects.filter(pk=point.pk).mark_corrupt()
                self.refuse(point.step, problem)
            except ResumeRefused as problem:
                self.refuse(point.step, problem)
            else:
                yield resumption
        if self.run.step and not points:
            self.journal.warn("There is no checkpoint of this run, so it starts anew.")
        elif self.run.step:
            self.journal.warn("No checkpoint can be gone on from, so it starts anew.")
        yield None

    def refuse(self, step: int, problem: Exception) -> None:
        self.journal.warn(f"The checkpoint of step {step} is left aside. {problem}")

    def go_on_from(self, resumption: Resumption | None) -> Best | None:
        """Take the run's row back to where it goes on; the best before that, None if nothing was judged.

        What was refused lies further on and is let go of: its steps are made again. Raises: LeaseLost.
        """
        if resumption is None:
            if self.run.attempts > 1:
                self._go_back(step=0, epoch=0, tokens=0, metrics={}, last_point=0, last_sample=0)
                retention.let_go(self.run.pk)
            return None
        snapshot, course = resumption.snapshot, resumption.snapshot.course
        best = None if resumption.best is None else Best(resumption.best, course["best"])
        numbers = {name: snapshot.about["learner"][name] for name in ("step", "epoch", "tokens")}
        was_judged = course["evaluated_step"] == snapshot.step
        self._go_back(
            **numbers,
            metrics=best.metrics if best else {},
            last_point=snapshot.step if was_judged else snapshot.step - 1,  # it will be judged at this step
            last_sample=course["sampled_step"],
        )
        retention.let_go(self.run.pk, behind=snapshot.step)
        self.stands_at = snapshot.step
        if course["last"]:
            self.journal.nats_per_character = finite(course["last"]["nats_per_character"])
        self.journal.tell(f"Goes on from step {snapshot.step}.")
        return best

    def _go_back(self, **values) -> None:
        if not lifecycle.go_back(self.run.pk, self.journal.token, **values):
            raise LeaseLost

    # ── Kept ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def offer(self, report: Resumable, best: Best | None) -> None:
        """Write a checkpoint if it is time for one.

        A store that does not answer is tried again at the next moment; only three in vain end the training.
        Raises: LeaseLost, OSError (the disk is full, the folder can't be written to, the store stays away).
        """
        self.resumable = report
        waited = time.monotonic() - self.written_at
        if waited < self.seconds and waited * WRITING_SHARE < self.writing_seconds:
            return
        try:
            self.write(best)
        except storage.StorageAway as problem:
            self.failures += 1
            self.written_at = time.monotonic()
            if self.failures >= FAILURES_ALLOWED:
                raise
            self.journal.warn(f"The checkpoint of step {report.step} could not be kept. {problem}")

    def write(self, best: Best | None) -> None:
        """Keep where the training stands right now. Raises: LeaseLost, OSError as in `offer`."""
        begun = time.monotonic()
        if self.resumable is None:
            return
        if not self.journal.settle():
            return
        snapshot = self.resumable.take()
        # A training that has just run away is not kept: its weights are no longer numbers.
        if snapshot.step == self.stands_at or not snapshot.is_finite:
            return
        published = self._publish(snapshot, best)
        if not self._name(published, snapshot, best):
            return
        fault_point("checkpoint.after_row")
        self.journal.stand_at(**{name: snapshot.about["learner"][name] for name in ("step", "epoch", "tokens")})
        self.stands_at, self.failures = snapshot.step, 0
        self.written_at = time.monotonic()
        self.writing_seconds = self.written_at - begun
        retention.rotate(self.run.pk)

    def _publish(self, snapshot: Snapshot, best: Best | None) -> storage.Published:
        run, token = self.run, self.journal.token
        return storage.publish(
            storage.folder_for(run.pk, step=snapshot.step, attempt=run.attempts, token=token),
            lambda folder: write_resume(
                folder, snapshot, best and best.network, half_way=lambda: fault_point("checkpoint.mid_write")
            ),
            main=storage.RESUME_FILE,
            facts={
                "step": snapshot.step,
                "config_hash": lifecycle.config_hash(snapshot.about["config"]),
                "data_hash": snapshot.about["data"]["content_hash"],
            },
        )

    def _name(self, published: storage.Published, snapshot: Snapshot, best: Best | None) -> bool:
        """Give the folder its row, under the token; without one the folder goes. False when the database is away.

        Raises: LeaseLost.
        """
        try:
            with transaction.atomic():
                if not lifecycle.record(self.run.pk, self.journal.token):
                    raise LeaseLost
                row = self._row(published, snapshot, best)
                row.is_pinned = retention.free_step(self.run.pk, snapshot.step)
                row.save(force_insert=True)
        except (OperationalError, InterfaceError) as problem:
            logger.warning("run %s: the database does not answer (%s)", self.run.pk, type(problem).__name__)
            connection.close()
            storage.remove(published.folder, published.manifest)
            return False
        except LeaseLost:
            storage.remove(published.folder, published.manifest)
            raise
        return True

    def _row(self, published: storage.Published, snapshot: Snapshot, best: Best | None) -> Checkpoint:
        run, config = self.run, snapshot.about["config"]
        return Checkpoint(
            owner=run.owner,
            run=run,
            dataset=run.dataset,
            name=run.name,
            attempt_token=self.journal.token,
            step=snapshot.step,
            epoch=snapshot.about["learner"]["epoch"],
            folder=published.folder,
            manifest=published.manifest,
            sha256=published.sha256,
            size_bytes=published.size_bytes,
            architecture=config["architecture"],
            tokenizer=config["tokenizer"],
            parameters=snapshot.parameters,
            vocabulary_size=snapshot.about["data"]["vocabulary_size"],
            config=config,
            metrics=best.metrics if best else {},
        )
