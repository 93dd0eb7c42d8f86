"""How good a network is after so many seconds of processor time."""

import time
from dataclasses import dataclass

import torch

from training.language_model import machine
from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus
from training.language_model.evaluation import Evaluation, evaluate, finish
from training.language_model.learner import Learner
from training.language_model.planning import learning_rate_at

COLD_STEPS, PRACTICE_STEPS = 12, 24  # the first ones are slower than all that follow


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of a training; ``seconds`` are those of the processor, judging not counted."""

    evaluation: Evaluation
    seconds: float
    steps: int
    epochs: float
    tokens: int


def train_for(corpus: Corpus, config: TrainingConfig, seconds: float) -> Result:
    """Learn for about so many seconds of processor time, one-cycle to zero, on one thread; judge once, at the end.

    As the trainer does: the seconds become a number of steps once, by the time of a few practice steps.
    """
    precision = best_precision()
    with machine.settings(threads=1, precision=precision):
        steps = int(seconds / step_seconds(corpus, config, precision))
        config = config.replace(steps=steps)
        learner = Learner(corpus, config, torch.device("cpu"))
        started = time.process_time()
        for step in range(steps):
            rate = learning_rate_at(step, steps, peak=config.learning_rate, warmup_fraction=config.warmup_fraction)
            learner.learn(learning_rate=rate, precision=precision)
        spent = time.process_time() - started
        evaluation = finish(evaluate(learner.network, corpus.validation))
    epochs = learner.tokens / len(corpus.tokens)
    return Result(evaluation=evaluation, seconds=spent, steps=steps, epochs=epochs, tokens=learner.tokens)


def best_precision() -> str:
    """The precision to try on this processor: what the timing of a run would choose for networks of this size."""
    return machine.precisions_to_try(torch.device("cpu"))[0]


def step_seconds(corpus: Corpus, config: TrainingConfig, precision: str) -> float:
    """Processor seconds of a step, each kind of loss by its share of the steps."""
    learner = Learner(corpus, config, torch.device("cpu"))
    seconds = 0.0
    for sampled, share in learner.loss.shares().items():
        for _ in range(COLD_STEPS):
            learner.learn(learning_rate=0.0, precision=precision, sampled=sampled)
        started = time.process_time()
        for _ in range(PRACTICE_STEPS):
            learner.learn(learning_rate=0.0, precision=precision, sampled=sampled)
        seconds += share * (time.process_time() - started) / PRACTICE_STEPS
    return seconds
