"""The plan of a training: a time budget becomes a number of steps, once, and the precision is chosen.

measure ~20 steps, a piece of validation, a few sampled tokens ─▶ costs ─▶ steps that fit into the budget
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from training.language_model import machine
from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus
from training.language_model.evaluation import evaluate
from training.language_model.learner import Learner
from training.language_model.reports import Phase, Progress
from training.language_model.sampling import sample_tokens

# Held back for what is not measured: saving models, a machine that gets a little busier.
RESERVE = 0.07
# Judging and sampling may take this share of the budget; beyond it they happen less often.
MOST_EVALUATION_SHARE = 0.2
MEASURED_STEPS = 20
MEASURED_SECONDS = 2.0
MEASURED_TOKENS = 12
FEWEST_STEPS = 10


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be done: ``config`` is frozen, ``evaluation_seconds`` is one judgement with its sample."""

    config: TrainingConfig
    parameters: int
    steps: int
    steps_per_epoch: int
    evaluations: int
    evaluation_seconds: float
    expected_seconds: float | None

    @property
    def epochs(self) -> int:
        return math.ceil(self.steps / self.steps_per_epoch)


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Seconds of one step, and of one judgement with its sample."""

    step: float
    evaluation: float


def learning_rate_at(step: int, steps: int, *, peak: float, warmup_fraction: float) -> float:
    """The one-cycle learning rate of a step (0 … steps - 1): straight up to ``peak``, then a half cosine to zero.

    Source: Smith and Topin 2018, arXiv:1708.07120, with the cosine of Loshchilov and Hutter 2017, arXiv:1608.03983.
    """
    warmup = warmup_fraction * steps
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def make_plan(corpus: Corpus, config: TrainingConfig, device: torch.device, *, started: float) -> Iterator[Progress]:
    """Decide a training, with heartbeats in between; returns a `Plan`.

    A config with fixed steps is followed without any timing (its "auto" precision is float32), so that it gives the
    same weights every time. ``started`` is the `time.perf_counter` from which the budget counts.
    """
    # The first optimiser in a process imports a good second of torch: the one stretch without a sign of life.
    yield _heartbeat(started)
    learner = Learner(corpus, config, device)  # measured on, then thrown away: no trace in the real training
    steps_per_epoch = corpus.steps_per_epoch(batch_size=config.batch_size, sequence_length=config.sequence_length)
    plan = Plan(
        config=config,
        parameters=learner.network.count_parameters(),
        steps=config.steps or config.epochs * steps_per_epoch,
        steps_per_epoch=steps_per_epoch,
        evaluations=config.evaluations,
        evaluation_seconds=0.0,
        expected_seconds=None,
    )
    precision = "float32" if config.precision == "auto" else config.precision
    if config.steps is None and config.precision == "auto":
        precision = yield from _fastest_precision(learner, config, started)
    if config.steps is None and config.budget_seconds is not None:
        with machine.settings(threads=config.threads, precision=precision):
            costs = yield from _measure(learner, precision, started)
        plan = _within_budget(plan, costs, config.budget_seconds - (time.perf_counter() - started))
    evaluations = min(plan.evaluations, plan.steps)
    frozen = config.replace(steps=plan.steps, precision=precision, evaluations=evaluations)
    return replace(plan, config=frozen, evaluations=evaluations)


def _within_budget(plan: Plan, costs: Costs, seconds_left: float) -> Plan:
    """The plan with as many steps and judgements as fit into ``seconds_left``, at least a few."""
    usable = max(seconds_left, 0.0) * (1 - RESERVE)
    affordable = int(usable * MOST_EVALUATION_SHARE / costs.evaluation)
    evaluations = max(1, min(plan.evaluations, affordable))
    steps = max(FEWEST_STEPS, int((usable - evaluations * costs.evaluation) / costs.step))
    steps = min(plan.steps, steps)
    expected = steps * costs.step + evaluations * costs.evaluation
    return replace(
        plan, steps=steps, evaluations=evaluations, evaluation_seconds=costs.evaluation, expected_seconds=expected
    )


def _fastest_precision(learner: Learner, config: TrainingConfig, started: float) -> Iterator[Progress]:
    """The matrix precision with the fastest steps here; plain float32 unless another is clearly faster."""
    seconds: dict[str, float] = {}
    for precision in machine.precisions_to_try(learner.device):
        with machine.settings(threads=config.threads, precision=precision):
            for median in machine.median_seconds(lambda precision=precision: _practise(learner, precision)):
                seconds[precision] = median
                yield _heartbeat(started)
    fastest = min(seconds, key=lambda precision: seconds[precision])
    return fastest if seconds[fastest] < machine.WORTH_IT * seconds["float32"] else "float32"


def _practise(learner: Learner, precision: str) -> None:
    """One step like any other, but one that changes no weight."""
    learner.learn(learning_rate=0.0, precision=precision)


def _measure(learner: Learner, precision: str, started: float) -> Iterator[Progress]:
    """The `Costs` of this training here: about twenty steps, a part of a validation, a few sampled tokens."""
    _practise(learner, precision)
    yield _heartbeat(started)
    begun, steps = time.perf_counter(), 0
    while steps < MEASURED_STEPS and time.perf_counter() - begun < MEASURED_SECONDS:
        _practise(learner, precision)
        steps += 1
        if steps % 5 == 0:
            yield _heartbeat(started)
    step_seconds = (time.perf_counter() - begun) / steps
    evaluation_seconds = yield from _measure_evaluation(learner, started)
    sample_seconds = yield from _measure_sample(learner, started)
    return Costs(step=step_seconds, evaluation=evaluation_seconds + sample_seconds)


def _measure_evaluation(learner: Learner, started: float) -> Iterator[Progress]:
    """The seconds of one whole validation, extrapolated from about one second of it."""
    begun, done = time.perf_counter(), 0.0
    for done in evaluate(learner.network, learner.corpus.validation):  # noqa: B007 - the last share counts
        yield _heartbeat(started)
        if time.perf_counter() - begun > 1.0:
            break
    return (time.perf_counter() - begun) / done


def _measure_sample(learner: Learner, started: float) -> Iterator[Progress]:
    """The seconds of one sample, extrapolated from its first tokens; 0 where no samples are wanted."""
    wanted = learner.config.sample_tokens
    if not wanted:
        return 0.0
    begun, written = time.perf_counter(), 0
    for written, _ in enumerate(  # noqa: B007 - the last count counts
        sample_tokens(
            learner.network,
            learner.corpus.tokenizer,
            [],
            max_tokens=min(MEASURED_TOKENS, wanted),
            generator=torch.Generator().manual_seed(0),
        ),
        start=1,
    ):
        pass
    yield _heartbeat(started)
    return (time.perf_counter() - begun) * wanted / max(written, 1)


def _heartbeat(started: float) -> Progress:
    return Progress(
        phase=Phase.MEASURING,
        step=0,
        steps=0,
        epoch=0,
        epochs=0,
        tokens=0,
        seconds=time.perf_counter() - started,
        tokens_per_second=0.0,
        eta_seconds=None,
        train_loss=None,
        learning_rate=0.0,
        gradient_norm=0.0,
    )
