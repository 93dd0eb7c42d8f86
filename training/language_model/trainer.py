"""Training as an iterator of reports.

for report in train(corpus, config):     # to cancel, stop iterating
    ...

Progress (measuring) … Planned ─▶ Progress … Evaluated, Sampled ─▶ Progress … Evaluated, Sampled ─▶ Finished
with a Resumable after Planned, after each judgement, at each epoch's end and once a minute
"""

import math
import statistics
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from training.language_model import gauges, machine, resume
from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus
from training.language_model.errors import TrainingDiverged
from training.language_model.evaluation import evaluate
from training.language_model.learner import Learner
from training.language_model.planning import Plan, learning_rate_at, make_plan
from training.language_model.reports import Evaluated, Finished, Phase, Planned, Progress, Report, Resumable, Sampled
from training.language_model.sampling import sample_tokens
from training.language_model.team import gathered

# A caller cancels between two reports, so none may be longer away than this.
HEARTBEAT_SECONDS = 0.3
RESUME_SECONDS = 60.0
STEPS_TIMED = 101  # the latest: what a step takes now, whatever single ones waited for


def train(
    corpus: Corpus,
    config: TrainingConfig,
    *,
    device: str | None = None,
    weights: Mapping[str, Tensor] | None = None,
    resume_from: resume.Snapshot | None = None,
    resume_seconds: float = RESUME_SECONDS,
) -> Iterator[Report]:
    """Train one network on a corpus; what happens comes out as reports, the first of weight is `Planned`.

    Before it, and inside validation and sampling, `Progress` reports with their `phase` come at least every half
    second of work. `Evaluated.network` may be read and saved until the next ``next()``.
    Args:
        corpus: what `build_corpus` made of the songs with the same config.
        config: with ``steps`` set it is followed exactly; without, steps, precision, threads and batch size are
            decided once, by a short timing if needed, and `Planned.config` has them.
        device: overrules ``config.device``.
        weights: `LyricNetwork.named_tensors` to start from instead of chance: a fine-tuning.
        resume_from: goes on from there as if it had never stopped; ``config`` is the one that was planned then.
        resume_seconds: the longest that learning goes on without a `Resumable`.
    Raises: TrainingDiverged, CorpusTooSmall, TooFewDevices, ResumeRefused (before any step), TeamBroken.
    """
    chosen, reason = machine.choose_device(device or config.device)
    started = time.perf_counter()
    # Batches can't be wider than the songs are long.
    batch_size = min(config.batch_size, corpus.largest_batch(config.sequence_length))
    config = config.replace(batch_size=batch_size, processes=min(config.processes, batch_size))
    with gathered(config, chosen) as team:
        plan = yield from make_plan(corpus, config, chosen, started=started, team=team)
        learner, course = Learner(corpus, plan.config, chosen, weights=weights, team=team), Course.of(plan)
        with machine.settings(threads=plan.config.threads, precision=plan.config.precision):
            if resume_from is not None:
                plan, course = _go_on_from(resume_from, learner, plan)
                started -= course.seconds
            yield Planned.of(plan, corpus, device=str(chosen), device_reason=reason, departures=course.departures)
            yield from _Run(learner, plan, course, started, resume_seconds).reports()


def _go_on_from(snapshot: resume.Snapshot, learner: Learner, plan: Plan) -> tuple[Plan, "Course"]:
    """Put the learner where the snapshot was taken; the plan and the course as they were then."""
    resume.restore(learner, snapshot)
    course = Course.restored(snapshot)
    place = resume.place_of(learner.device)
    course.depart(resume.departure(snapshot.about["place"], place, step=learner.step))
    known = {"evaluation_seconds": course.evaluation_seconds, "expected_seconds": course.expected_seconds}
    return replace(plan, **known), course


@dataclass(kw_only=True)
class Course:
    """What a training remembers from step to step beside its learner, in plain JSON values.

    A judgement counts as made at ``evaluated_step`` and a sample at ``sampled_step``: one that was interrupted is made
    again. ``departures`` says where another machine went on, after which no result is bit-exact.
    """

    evaluation_seconds: float
    expected_seconds: float | None
    seconds: float = 0.0  # since the start, as of the last snapshot
    training_seconds: float = 0.0
    loss_sum: float = 0.0  # since the last judgement
    losses: int = 0
    learning_rate: float = 0.0
    gradient_norm: float = 0.0
    evaluated_step: int = 0
    sampled_step: int = 0
    best: dict[str, Any] | None = None
    last: dict[str, Any] | None = None
    worse_evaluations: int = 0
    departures: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, plan: Plan) -> "Course":
        return cls(evaluation_seconds=plan.evaluation_seconds, expected_seconds=plan.expected_seconds)

    @classmethod
    def restored(cls, snapshot: resume.Snapshot) -> "Course":
        """The course that a snapshot was taken on. Raises: ResumeRefused when another version of us took it."""
        try:
            return cls(**snapshot.course)
        except TypeError as problem:
            raise resume.ResumeRefused(resume.OTHER_VERSION) from problem

    def depart(self, sentence: str) -> None:
        if sentence:
            self.departures = [*self.departures, sentence]


class _Run:
    """One planned training on its course: steps, and every so often a judgement and a sample."""

    def __init__(self, learner: Learner, plan: Plan, course: Course, started: float, resume_seconds: float):
        self.learner, self.plan, self.course, self.started = learner, plan, course, started
        self.resume_seconds = resume_seconds
        self.reported_at = self.resumable_at = time.perf_counter()
        self.losses: list[float] = []  # since the last report
        self.step_times: deque[float] = deque(maxlen=STEPS_TIMED)

    def reports(self) -> Iterator[Report]:
        steps, evaluations = self.plan.steps, self.plan.evaluations
        evaluation_steps = {round(steps * nth / evaluations) for nth in range(1, evaluations + 1)}
        yield self._resumable()
        if self.learner.step in evaluation_steps:
            yield from self._look()  # what an interruption left undone
        while self.learner.step < steps and not self._stops_early():
            self._learn()
            if self.learner.step in evaluation_steps:
                yield from self._look()
                yield self._resumable()
            elif self._is_good_to_resume():
                yield self._resumable()
            elif time.perf_counter() - self.reported_at >= HEARTBEAT_SECONDS:
                yield self._progress(Phase.TRAINING)
        yield Finished(
            step=self.learner.step,
            epoch=self.learner.epoch,
            seconds=self._seconds(),
            tokens=self.learner.tokens,
            stopped_early=self._stops_early(),
            best=self.course.best or {},
            last=self.course.last or {},
        )

    def _stops_early(self) -> bool:
        return 0 < self.plan.config.patience <= self.course.worse_evaluations

    def _learn(self) -> None:
        start = time.perf_counter()
        config, course = self.plan.config, self.course
        course.learning_rate = learning_rate_at(
            self.learner.step, self.plan.steps, peak=config.learning_rate, warmup_fraction=config.warmup_fraction
        )
        loss, course.gradient_norm = self.learner.learn(learning_rate=course.learning_rate, precision=config.precision)
        self.losses.append(loss)
        course.loss_sum += loss
        course.losses += 1
        seconds = time.perf_counter() - start
        course.training_seconds += seconds
        self.step_times.append(seconds)

    # ── What a resumed training needs ────────────────────────────────────────────────────────────────────────────

    def _is_good_to_resume(self) -> bool:
        is_at_epoch_end = self.learner.windows_read == self.plan.steps_per_epoch
        return is_at_epoch_end or time.perf_counter() - self.resumable_at >= self.resume_seconds

    def _resumable(self) -> Resumable:
        self.resumable_at = time.perf_counter()
        return Resumable(step=self.learner.step, epoch=self.learner.epoch, take=self._take_snapshot)

    def _take_snapshot(self) -> resume.Snapshot:
        self.course.seconds = self._seconds()
        return resume.take_snapshot(self.learner, course=asdict(self.course))

    # ── Judging and sampling ─────────────────────────────────────────────────────────────────────────────────────

    def _look(self) -> Iterator[Report]:
        """Judge and sample at this step, each unless it is done."""
        if self.course.evaluated_step < self.learner.step:
            yield self._progress(Phase.TRAINING)
            yield from self._evaluate()
        if self.course.sampled_step < self.learner.step:
            yield from self._sample()

    def _evaluate(self) -> Iterator[Report]:
        held_out, course = self.learner.corpus.validation, self.course
        pieces = evaluate(self.learner.network, held_out)
        result = yield from self._beating(pieces, Phase.EVALUATING)
        if not math.isfinite(result.nats_per_token):
            raise TrainingDiverged(self.learner.step, self.plan.config.learning_rate)
        is_best = course.best is None or result.nats_per_token < course.best["valid_loss"]
        report = Evaluated(
            step=self.learner.step,
            epoch=self.learner.epoch,
            seconds=self._seconds(),
            train_loss=course.loss_sum / course.losses,
            valid_loss=result.nats_per_token,
            perplexity=result.perplexity,
            nats_per_character=result.nats_per_character,
            unknown_share=held_out.unknown_share,
            learning_rate=course.learning_rate,
            gradient_norm=course.gradient_norm,
            is_best=is_best,
            network=self.learner.network,
        )
        course.loss_sum, course.losses = 0.0, 0
        course.worse_evaluations = 0 if is_best else course.worse_evaluations + 1
        course.last = report.metrics()
        course.best = report.metrics() if is_best else course.best
        course.evaluated_step = self.learner.step
        self.reported_at = time.perf_counter()
        yield report

    def _sample(self) -> Iterator[Report]:
        config, tokenizer = self.plan.config, self.learner.corpus.tokenizer
        if not config.sample_tokens:
            self.course.sampled_step = self.learner.step
            return
        prompt = tokenizer.encode_prompt(config.sample_prompt)
        # The same chance each time: what changes between two samples is what the network has learnt.
        tokens = sample_tokens(
            self.learner.network,
            tokenizer,
            prompt,
            max_tokens=config.sample_tokens,
            temperature=config.sample_temperature,
            generator=torch.Generator().manual_seed(config.seed),
        )
        written: list[int] = []
        yield from self._beating((written.append(token) for token in tokens), Phase.SAMPLING)
        self.course.sampled_step = self.learner.step
        yield Sampled(
            step=self.learner.step,
            epoch=self.learner.epoch,
            seconds=self._seconds(),
            prompt=config.sample_prompt,
            text=tokenizer.decode([*prompt, *written], is_cut=len(written) == config.sample_tokens),
        )

    def _beating(self, work: Iterator, phase: Phase) -> Iterator[Report]:
        """Do ``work`` piece by piece with a heartbeat now and then; returns what ``work`` returns."""
        while True:
            try:
                next(work)
            except StopIteration as done:
                return done.value
            if time.perf_counter() - self.reported_at >= HEARTBEAT_SECONDS:
                yield self._progress(phase)

    def _seconds(self) -> float:
        return time.perf_counter() - self.started

    def _progress(self, phase: Phase) -> Progress:
        learner, steps, course = self.learner, self.plan.steps, self.course
        loss = sum(self.losses) / len(self.losses) if self.losses else None
        self.losses = []
        self.reported_at = time.perf_counter()
        seconds_per_step = course.training_seconds / learner.step
        tokens_per_second = learner.tokens / course.training_seconds
        evaluations_left = self.plan.evaluations * (1 - learner.step / steps)
        vocabulary_size = learner.corpus.tokenizer.vocabulary_size
        return Progress(
            phase=phase,
            step=learner.step,
            steps=steps,
            epoch=learner.epoch,
            epochs=self.plan.epochs,
            tokens=learner.tokens,
            seconds=self._seconds(),
            tokens_per_second=tokens_per_second,
            step_seconds=statistics.median(self.step_times) if self.step_times else None,
            eta_seconds=(steps - learner.step) * seconds_per_step + evaluations_left * self.plan.evaluation_seconds,
            train_loss=loss,
            learning_rate=course.learning_rate,
            gradient_norm=course.gradient_norm,
            memory_bytes=gauges.memory_in_use(learner.device, others=learner.team.pids),
            utilisation=gauges.utilisation(self.plan.config, vocabulary_size, tokens_per_second, self.plan.peak_flops),
        )
