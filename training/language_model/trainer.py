"""Training as an iterator of reports.

for report in train(corpus, config):     # to cancel, stop iterating
    ...

Progress (measuring) … Planned ─▶ Progress … Evaluated, Sampled ─▶ Progress … Evaluated, Sampled ─▶ Finished
"""

import time
from collections.abc import Iterator

import torch

from training.language_model import gauges, machine
from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus
from training.language_model.evaluation import evaluate
from training.language_model.learner import Learner
from training.language_model.planning import Plan, learning_rate_at, make_plan
from training.language_model.reports import Evaluated, Finished, Phase, Planned, Progress, Report, Sampled
from training.language_model.sampling import sample_tokens

# A caller cancels between two reports, so none may be longer away than this.
HEARTBEAT_SECONDS = 0.3


def train(corpus: Corpus, config: TrainingConfig, *, device: str | None = None) -> Iterator[Report]:
    """Train one network on a corpus; what happens comes out as reports, the first of weight is `Planned`.

    Before it, and inside validation and sampling, `Progress` reports with their `phase` come at least every half
    second of work. `Evaluated.network` may be read and saved until the next ``next()``.
    Args:
        corpus: what `build_corpus` made of the songs with the same config.
        config: with ``steps`` set it is followed exactly; without, steps, precision, threads and batch size are
            decided once, by a short timing if needed, and `Planned.config` has them.
        device: overrules ``config.device``.
    Raises: TrainingDiverged, CorpusTooSmall.
    """
    chosen, reason = machine.choose_device(device or config.device)
    started = time.perf_counter()
    # Batches can't be wider than the songs are long.
    batch_size = min(config.batch_size, corpus.largest_batch(config.sequence_length))
    config = config.replace(batch_size=batch_size)
    plan = yield from make_plan(corpus, config, chosen, started=started)
    yield Planned.of(plan, corpus, device=str(chosen), device_reason=reason)
    with machine.settings(threads=plan.config.threads, precision=plan.config.precision):
        yield from _Run(Learner(corpus, plan.config, chosen), plan, started).reports()


class _Run:
    """The course of one planned training: steps, and every so often a judgement and a sample."""

    def __init__(self, learner: Learner, plan: Plan, started: float):
        self.learner, self.plan, self.started = learner, plan, started
        self.reported_at = time.perf_counter()
        self.training_seconds = 0.0
        self.losses: list[float] = []  # since the last report
        self.losses_since_evaluation: list[float] = []
        self.learning_rate = self.gradient_norm = 0.0
        self.best: Evaluated | None = None
        self.worse_evaluations = 0

    def reports(self) -> Iterator[Report]:
        steps, config = self.plan.steps, self.plan.config
        evaluation_steps = {round(steps * nth / self.plan.evaluations) for nth in range(1, self.plan.evaluations + 1)}
        last: Evaluated | None = None
        stopped_early = False
        while self.learner.step < steps and not stopped_early:
            self._learn()
            if self.learner.step in evaluation_steps:
                yield self._progress(Phase.TRAINING)
                last = yield from self._evaluate()
                yield from self._sample()
                stopped_early = 0 < config.patience <= self.worse_evaluations
            elif time.perf_counter() - self.reported_at >= HEARTBEAT_SECONDS:
                yield self._progress(Phase.TRAINING)
        yield Finished(
            step=self.learner.step,
            epoch=self.learner.epoch,
            seconds=self._seconds(),
            tokens=self.learner.tokens,
            stopped_early=stopped_early,
            best=self.best.metrics() if self.best else {},
            last=last.metrics() if last else {},
        )

    def _learn(self) -> None:
        start = time.perf_counter()
        config = self.plan.config
        self.learning_rate = learning_rate_at(
            self.learner.step, self.plan.steps, peak=config.learning_rate, warmup_fraction=config.warmup_fraction
        )
        loss, self.gradient_norm = self.learner.learn(learning_rate=self.learning_rate, precision=config.precision)
        self.losses.append(loss)
        self.losses_since_evaluation.append(loss)
        self.training_seconds += time.perf_counter() - start

    def _evaluate(self) -> Iterator[Report]:
        held_out = self.learner.corpus.validation
        pieces = evaluate(self.learner.network, held_out)
        result = yield from self._beating(pieces, Phase.EVALUATING)
        train_loss = sum(self.losses_since_evaluation) / len(self.losses_since_evaluation)
        self.losses_since_evaluation = []
        is_best = self.best is None or result.nats_per_token < self.best.valid_loss
        self.worse_evaluations = 0 if is_best else self.worse_evaluations + 1
        report = Evaluated(
            step=self.learner.step,
            epoch=self.learner.epoch,
            seconds=self._seconds(),
            train_loss=train_loss,
            valid_loss=result.nats_per_token,
            perplexity=result.perplexity,
            nats_per_character=result.nats_per_character,
            unknown_share=held_out.unknown_share,
            learning_rate=self.learning_rate,
            gradient_norm=self.gradient_norm,
            is_best=is_best,
            network=self.learner.network,
        )
        self.best = report if is_best else self.best
        self.reported_at = time.perf_counter()
        yield report
        return report

    def _sample(self) -> Iterator[Report]:
        config, tokenizer = self.plan.config, self.learner.corpus.tokenizer
        if not config.sample_tokens:
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
        yield Sampled(
            step=self.learner.step,
            epoch=self.learner.epoch,
            seconds=self._seconds(),
            prompt=config.sample_prompt,
            text=tokenizer.decode([*prompt, *written]),
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
        learner, steps = self.learner, self.plan.steps
        loss = sum(self.losses) / len(self.losses) if self.losses else None
        self.losses = []
        self.reported_at = time.perf_counter()
        seconds_per_step = self.training_seconds / learner.step
        tokens_per_second = learner.tokens / self.training_seconds
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
            eta_seconds=(steps - learner.step) * seconds_per_step + evaluations_left * self.plan.evaluation_seconds,
            train_loss=loss,
            learning_rate=self.learning_rate,
            gradient_norm=self.gradient_norm,
            memory_bytes=gauges.memory_in_use(learner.device),
            utilisation=gauges.utilisation(self.plan.config, vocabulary_size, tokens_per_second, self.plan.peak_flops),
        )
