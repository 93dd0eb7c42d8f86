"""Writes down what a training reports: at most once a second, in one guarded update, under the attempt's token."""

import logging
import math
import time
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from training import lifecycle
from training.curves import finite
from training.language_model.config import TrainingConfig
from training.models import RunEvent

logger = logging.getLogger(__name__)

WRITE_SECONDS = 1.0
POINTS_ALLOWED = 1000  # between evaluations; with those a curve of a run stays under 2,000 points
WORDS = {
    "measuring": "Measuring the speed of this machine",
    "training": "Learning",
    "evaluating": "Judging on the songs kept aside",
    "sampling": "Writing a sample",
}


class LeaseLost(Exception):
    """Raised when this attempt no longer holds its run: it stops and writes nothing more."""


def run_metrics(judged: dict) -> dict:
    """What a run and its model are judged by, from the ``metrics()`` of an `Evaluated` report."""
    metrics = {name: finite(value) for name, value in judged.items()}
    per_character = metrics["nats_per_character"]
    bits = None if per_character is None else per_character / math.log(2)
    return metrics | {"bits_per_character": bits, "best_step": judged["step"]}


class Journal:
    """Gathers reports and flushes them. What a database that is away does not take is kept for the next flush."""

    def __init__(self, run_id: str, token: UUID) -> None:
        self.run_id, self.token = run_id, token
        self.columns: dict = {}
        self.metrics: dict | None = None
        self.points: list[dict] = []
        self.newest: dict | None = None  # a training point; a judgement at the same step takes its place
        self.samples: list[dict] = []
        self.steps_per_epoch = self.point_every = 1
        self.next_point = 0
        self.note = ""
        self.nats_per_character: float | None = None
        self.written_at = 0.0

    # ── What is told ─────────────────────────────────────────────────────────────────────────────────────────────

    def say(self, phase: str) -> None:
        """Tell at once what is being done."""
        self.columns["phase"] = phase
        self.flush()

    def plan(self, plan, facts: dict) -> None:
        """Freeze what the trainer decided on. Raises: LeaseLost."""
        is_ours = lifecycle.plan(
            self.run_id,
            self.token,
            config=plan.config.to_dict(),
            steps=plan.steps,
            epochs=plan.epochs,
            parameters=plan.parameters,
            facts=facts,
        )
        if not is_ours:
            raise LeaseLost
        self.steps_per_epoch = plan.steps_per_epoch
        self.point_every = math.ceil(plan.steps / POINTS_ALLOWED)

    def tell(self, sentence: str, *, kind: str = RunEvent.Kind.NOTE) -> None:
        """Write a line into the run's history at once. Raises: LeaseLost."""
        if not lifecycle.record(self.run_id, self.token, note=sentence, kind=kind):
            raise LeaseLost

    def warn(self, sentence: str) -> None:
        self.tell(sentence, kind=RunEvent.Kind.WARNING)

    def progress(self, report) -> None:
        """A sign of life: how far it is, and now and then a point of the training curve."""
        self.columns["phase"] = WORDS[str(report.phase)]
        if report.steps:  # 0 while the plan is still being made
            told = ("step", "epoch", "epochs", "tokens", "tokens_per_second", "eta_seconds", "memory_bytes")
            self.columns |= {name: getattr(report, name) for name in told}
            told = ("learning_rate", "gradient_norm", "utilisation")
            self.columns |= {name: finite(getattr(report, name)) for name in told}
        if report.step_seconds is not None:  # none was made yet since it was resumed: what is known stays
            self.columns["step_seconds"] = report.step_seconds
        if report.train_loss is not None and report.step >= self.next_point:
            self._keep_newest()
            self.newest = self._point(report, tokens_per_second=finite(report.tokens_per_second))
            self.next_point = report.step + self.point_every
        self.flush_when_due()

    def evaluated(self, report) -> None:
        """A judgement on the songs kept aside."""
        speed = self.columns.get("tokens_per_second")
        if self.newest is not None and self.newest["step"] == report.step:
            speed, self.newest = self.newest["tokens_per_second"], None
        self._keep_newest()
        self.nats_per_character = finite(report.nats_per_character)
        judged = {"valid_loss": finite(report.valid_loss), "nats_per_character": self.nats_per_character}
        self.points.append(self._point(report, tokens_per_second=speed) | judged)
        self.next_point = report.step + 1
        if report.is_best:
            self.metrics = run_metrics(report.metrics())
            if self.nats_per_character is not None:
                self.note = (
                    f"Best so far: {self.nats_per_character:.2f} nats per character on the songs kept aside, "
                    f"at step {report.step}."
                )
        self.flush_when_due()

    def sampled(self, report, config: TrainingConfig) -> None:
        """What the network writes now."""
        self.samples.append(
            {
                "step": report.step,
                "epoch": report.step / self.steps_per_epoch,
                "prompt": report.prompt,
                "text": report.text,
                "temperature": config.sample_temperature,
                "seed": config.seed,
                "nats_per_character": self.nats_per_character,
            }
        )
        self.flush_when_due()

    def _keep_newest(self) -> None:
        if self.newest is not None:
            self.points.append(self.newest)
            self.newest = None

    def _point(self, report, *, tokens_per_second: float | None) -> dict:
        return {
            "step": report.step,
            "epoch": report.step / self.steps_per_epoch,
            "seconds": report.seconds,
            "train_loss": finite(report.train_loss),
            "learning_rate": report.learning_rate,
            "gradient_norm": finite(report.gradient_norm),
            "tokens_per_second": tokens_per_second,
        }

    # ── When it is written ───────────────────────────────────────────────────────────────────────────────────────

    def flush_when_due(self) -> None:
        if time.monotonic() - self.written_at >= WRITE_SECONDS:
            self.flush()

    def settle(self) -> bool:
        """Write all that was told so far, the newest point too; False when the database did not take it.

        Raises: LeaseLost.
        """
        self._keep_newest()
        return self.flush()

    def stand_at(self, **place: int) -> bool:
        """Say that a checkpoint was taken at this step, epoch and number of tokens. Raises: LeaseLost."""
        self.columns |= place
        return self.flush()

    def flush(self) -> bool:
        """Write what has gathered; False when the database is away. Raises: LeaseLost."""
        self.written_at = time.monotonic()
        try:
            is_ours = lifecycle.record(
                self.run_id,
                self.token,
                progress=self.columns,
                metrics=self.metrics,
                points=self.points,
                samples=self.samples,
                note=self.note,
            )
        except (OperationalError, InterfaceError) as problem:
            # The supervisor holds the lease and ends us when the database stays away; until then, training goes on.
            logger.warning("run %s: the database does not answer (%s)", self.run_id, type(problem).__name__)
            connection.close()  # the next flush opens another
            return False
        if not is_ours:
            raise LeaseLost
        self.columns, self.metrics, self.points, self.samples, self.note = {}, None, [], [], ""
        return True
