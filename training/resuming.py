"""The resume files of one run: written by the attempt that trains, gone on from by the next.

They lie on a disk of this machine (`storage.work_folder`) and are removed when the run has ended for good. A file never
runs ahead of the database: what was measured before it is written down before it.
"""

import copy
import time
from collections.abc import Iterator

from training import lifecycle, storage
from training.curves import finite
from training.journal import Journal, LeaseLost, run_metrics
from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus, HeldOutSongs
from training.language_model.evaluation import evaluate, finish
from training.language_model.networks import LyricNetwork
from training.language_model.reports import Evaluated, Resumable
from training.language_model.resume import ResumeFolder, ResumeRefused, Resumption
from training.models import TrainingRun

# Writing may take this share of the time: where epochs are short, not each of their ends is worth a file.
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

    def judge_at_last(self, test: HeldOutSongs) -> None:
        """Judge these weights, once, by songs that no choice was made by: neither when to stop nor what to keep.

        Where none are kept for it, nothing is known.
        """
        if not test.songs:
            return
        result = finish(evaluate(self.network, test))
        figures = {
            "test_loss": result.nats_per_token,
            "test_perplexity": result.perplexity,
            "test_nats_per_character": result.nats_per_character,
            "test_unknown_share": test.unknown_share,
        }
        self.in_file |= figures
        self.metrics |= {name: finite(value) for name, value in figures.items()}


class ResumeFiles:
    """What an attempt keeps for the next one, and what it found."""

    def __init__(self, run: TrainingRun, journal: Journal, *, seconds: float) -> None:
        self.run, self.journal, self.seconds = run, journal, seconds
        self.folder = ResumeFolder(storage.work_folder(run.pk))
        self.resumable: Resumable | None = None
        self.stands_at = 0  # the step that this attempt began with: nothing new to write there
        self.best_on_disk: int | None = None
        self.written_at = time.monotonic()
        self.writing_seconds = 0.0

    # ── Found ────────────────────────────────────────────────────────────────────────────────────────────────────

    def resumptions(self, config: TrainingConfig, corpus: Corpus) -> Iterator[Resumption | None]:
        """What the attempt may go on from, newest first, and at last None: the beginning.

        Why one was passed over is written into the run's history.
        """
        steps = self.folder.steps()
        for step in steps:
            try:
                yield self.folder.read(step, config=config, corpus=corpus)
            except ResumeRefused as problem:
                self.refuse(step, problem)
        if self.run.step and not steps:
            self.journal.warn("On this machine there is no resume file of this run, so it starts anew.")
        elif self.run.step:
            self.journal.warn("No resume file can be gone on from, so it starts anew.")
        yield None

    def refuse(self, step: int, problem: ResumeRefused) -> None:
        self.journal.warn(f"The resume file of step {step} is left aside. {problem}")

    def go_on_from(self, resumption: Resumption | None) -> Best | None:
        """Take the run's row back to where it goes on; the best before that, None if nothing was judged.

        Raises: LeaseLost.
        """
        if resumption is None:
            if self.run.attempts > 1:
                self._go_back(step=0, epoch=0, tokens=0, metrics={}, last_point=0, last_sample=0)
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
        self.stands_at = snapshot.step
        self.best_on_disk = snapshot.best_step
        if course["last"]:
            self.journal.nats_per_character = finite(course["last"]["nats_per_character"])
        self.journal.tell(f"Goes on from step {snapshot.step}.")
        return best

    def _go_back(self, **values) -> None:
        if not lifecycle.go_back(self.run.pk, self.journal.token, **values):
            raise LeaseLost

    # ── Kept ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def offer(self, report: Resumable, best: Best | None) -> None:
        """Write a file if it is time for one. Raises: LeaseLost, OSError (the disk is full)."""
        self.resumable = report
        waited = time.monotonic() - self.written_at
        if waited >= self.seconds or waited * WRITING_SHARE >= self.writing_seconds:
            self.write(best)

    def write(self, best: Best | None) -> None:
        """Write where the training stands right now. Raises: LeaseLost, OSError (the disk is full)."""
        begun = time.monotonic()
        if self.resumable is None:
            return
        snapshot = self.resumable.take()
        if snapshot.step == self.stands_at or not self.journal.settle():
            return
        if best is not None and best.step != self.best_on_disk:
            self.folder.keep_best(best.step, best.network)
            self.best_on_disk = best.step
        self.folder.keep(snapshot)
        self.written_at = time.monotonic()
        self.writing_seconds = self.written_at - begun


def forget_ended_runs() -> None:
    """Remove what this machine still keeps of runs that ended elsewhere."""
    for run_id in storage.runs_with_work():
        if not TrainingRun.objects.unfinished().filter(pk=run_id).exists():
            storage.remove_work(run_id)
