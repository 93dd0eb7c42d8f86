"""The plan of a training: a time budget becomes a number of steps, once, and the precision is chosen.

measure ~20 steps, a piece of validation, a few sampled tokens ─▶ costs ─▶ steps that fit into the budget
"""

import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch

from training.language_model import gauges, machine
from training.language_model.config import MOST_STEPS, TrainingConfig
from training.language_model.corpus import Corpus
from training.language_model.evaluation import count_pieces, evaluate
from training.language_model.learner import Learner
from training.language_model.reports import Phase, Progress
from training.language_model.sampling import sample_tokens
from training.language_model.team import ALONE, Team

# Held back for what is not measured: saving models, a machine that gets a little busier.
RESERVE = 0.07
# Judging and sampling may take this share of the budget; beyond it they happen less often.
MOST_EVALUATION_SHARE = 0.2
MEASURED_TIMES = 20
COMPARED_TIMES = 8
MEASURED_SECONDS = 2.0
FEWEST_STEPS = 10


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be done: ``config`` is frozen, ``evaluation_seconds`` is one judgement with its sample.

    ``peak_flops`` is what this machine can do at best (`gauges.gemm_peak`): a measure, which
    decides nothing; 0 where it was not taken.
    """

    config: TrainingConfig
    parameters: int
    steps: int
    steps_per_epoch: int
    evaluations: int
    evaluation_seconds: float
    expected_seconds: float | None
    peak_flops: float = 0.0

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


def make_plan(
    corpus: Corpus, config: TrainingConfig, device: torch.device, *, started: float, team: Team = ALONE
) -> Iterator[Progress]:
    """Decide a training, with heartbeats in between; returns a `Plan`.

    A config with fixed steps is decided without any timing (its "auto" precision is float32), so that it gives the
    same weights every time. Without, no words are drawn on a graphics processor where the config leaves that open.
    ``started`` is the `time.perf_counter` from which the budget counts.
    """
    if device.type == "cuda" and config.loss == "auto" and config.steps is None:
        # There all words take less time than the wait to be told which were drawn.
        config = config.replace(loss="full")
    # The first optimiser in a process imports a good second of torch: the one stretch without a sign of life.
    yield _heartbeat(started)
    learner = Learner(corpus, config, device, team=team)  # measured on, then thrown away: no trace in the real training
    steps_per_epoch = corpus.steps_per_epoch(batch_size=config.batch_size, sequence_length=config.sequence_length)
    plan = Plan(
        config=config,
        parameters=learner.network.count_parameters(),
        steps=config.steps or min(config.epochs * steps_per_epoch, MOST_STEPS),
        steps_per_epoch=steps_per_epoch,
        evaluations=config.evaluations,
        evaluation_seconds=0.0,
        expected_seconds=None,
    )
    threads = machine.count_threads(config.threads, processes=config.processes)
    precision = "float32" if config.precision == "auto" else config.precision
    if config.steps is None:
        threads, precision = yield from _fastest_way(learner, config, started)
    if config.steps is None and config.budget_seconds is not None:
        with machine.settings(threads=threads, precision=precision):
            costs = yield from _measure(learner, precision, started)
        plan = _within_budget(plan, costs, config.budget_seconds - (time.perf_counter() - started))
    evaluations = min(plan.evaluations, plan.steps)
    frozen = config.replace(steps=plan.steps, threads=threads, precision=precision, evaluations=evaluations)
    peak_flops = gauges.gemm_peak(device, precision, threads) * config.processes
    return replace(plan, config=frozen, evaluations=evaluations, peak_flops=peak_flops)


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


def _fastest_way(learner: Learner, config: TrainingConfig, started: float) -> Iterator[Progress]:
    """(threads, precision) with the fastest steps here and now, where the config leaves them open.

    One thread and plain float32 stay unless more is clearly faster: on a machine with other work two threads that
    wait for each other are slower than one.
    """
    threads, precision = config.threads or 1, "float32" if config.precision == "auto" else config.precision
    all_threads = machine.count_threads(config.threads, processes=config.processes)
    seconds = yield from _step_seconds(learner, threads, precision, started)
    if threads != all_threads:
        with_all = yield from _step_seconds(learner, all_threads, precision, started)
        if with_all < machine.WORTH_IT * seconds:
            threads, seconds = all_threads, with_all
    if config.precision == "auto":
        for candidate in machine.precisions_to_try(learner.device):
            candidate_seconds = yield from _step_seconds(learner, threads, candidate, started)
            if candidate_seconds < machine.WORTH_IT * seconds:
                precision = candidate
                break
    return threads, precision


def _step_seconds(learner: Learner, threads: int, precision: str, started: float) -> Iterator[Progress]:
    with machine.settings(threads=threads, precision=precision):
        return (yield from _median_of(partial(_practise, learner, precision), started, times=COMPARED_TIMES))


def _practise(learner: Learner, precision: str, sampled: bool | None = None) -> None:
    """One step like any other, but one that changes no weight."""
    learner.learn(learning_rate=0.0, precision=precision, sampled=sampled)


def _measure(learner: Learner, precision: str, started: float) -> Iterator[Progress]:
    """The `Costs` of this training here: about twenty steps, a part of a validation, a few sampled tokens.

    Medians, because on a busy machine a single piece can wait for a core longer than all the others take.
    """
    step_seconds = 0.0
    for sampled, share in learner.loss.shares().items():
        step_seconds += share * (yield from _median_of(partial(_practise, learner, precision, sampled), started))
    held_out = learner.corpus.validation
    pieces = evaluate(learner.network, held_out)
    piece_seconds = yield from _median_of(lambda: next(pieces), started)
    sample_seconds = 0.0
    if wanted := learner.config.sample_tokens:
        token_seconds = yield from _median_of(lambda: _write_a_token(learner), started)
        # Each call reads begin before it writes, so it costs about one token more than in a longer sample.
        sample_seconds = token_seconds * wanted
    return Costs(step=step_seconds, evaluation=piece_seconds * count_pieces(held_out) + sample_seconds)


def _median_of(work: Callable[[], object], started: float, times: int = MEASURED_TIMES) -> Iterator[Progress]:
    """The median seconds of ``work``, done ``times`` or for `MEASURED_SECONDS`; the first time is cold, not counted."""
    begun = time.perf_counter()
    seconds: list[float] = []
    while len(seconds) <= times and (len(seconds) < 2 or time.perf_counter() - begun < MEASURED_SECONDS):
        start = time.perf_counter()
        try:
            work()
        except StopIteration:
            break
        seconds.append(time.perf_counter() - start)
        yield _heartbeat(started)
    return statistics.median(seconds[1:] or seconds)


def _write_a_token(learner: Learner) -> None:
    tokenizer = learner.corpus.tokenizer
    next(sample_tokens(learner.network, tokenizer, [], max_tokens=1, generator=torch.Generator().manual_seed(0)), None)


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
        step_seconds=None,
        eta_seconds=None,
        train_loss=None,
        learning_rate=0.0,
        gradient_norm=0.0,
        memory_bytes=0,
        utilisation=None,
    )
