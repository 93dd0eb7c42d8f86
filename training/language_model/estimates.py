"""What a training takes, told before it starts: weights, memory, time, and what to think twice about.

config + songs ─▶ tokens, vocabulary ─▶ work of a step ─▶ its seconds (× how slow this machine is) ─▶ seconds in all

Pure Python. The costs were fitted on 58 nets from 32 to 512 units and 100 to 20,000 tokens, one core of a server, and
met each within a third; `python -m tests.benchmarks.estimates` measures them again.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from training.language_model.config import (
    MOST_STEPS,
    TrainingConfig,
    count_parameters,
    estimate_memory_bytes,
)
from training.language_model.recipes import READINGS, CorpusSize, unknown_share

# Seconds of one FLOP in a product of matrices, by precision.
SECONDS_PER_FLOP = {"float32": 1.24e-11, "medium": 0.8e-11, "bfloat16": 0.77e-11}
SECONDS_PER_SCORE = 2.0e-9  # softmax, loss and their way back, for each position and each token of the vocabulary
SECONDS_PER_STATE = 8.0e-9  # gates, dropout, for each position and unit
SECONDS_PER_WEIGHT = 2.8e-9  # the optimiser, for each weight of a step
SECONDS_PER_ROW = 7e-6  # of a layer that oneDNN or a scan runs as a whole
SECONDS_PER_LOOPED_ROW = 123e-6  # torch walks through the rows of these one by one
LOOPED_CELLS = ("rnn", "gru")
SECONDS_PER_STEP = 1.1e-3
SECONDS_PER_WRITTEN_TOKEN = 1e-3
# Python, torch, songs read and taken apart, and the short timing at the beginning.
START_SECONDS = 6.0
# As in `planning`: held back, and the most that judging may take.
RESERVE, MOST_JUDGING = 0.07, 0.2
# A network of 0.3 million weights learns from 29,000 words, one of 3.6 from a thousand songs (250,000), one of 9 from a
# few thousand. Decay and dropout keep that many from learning the songs by heart, but not many more.
WEIGHTS_PER_WORD = 20
MUCH_UNKNOWN = 0.05
# A net trains twice as fast with bfloat16, and every processor of the last years has it or oneDNN's float32.
UNMEASURED = "float32"


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How fast a machine trains: ``slowness`` is seconds taken over seconds that `step_seconds` would tell at 1."""

    slowness: float = 1.0
    precision: str = UNMEASURED

    @classmethod
    def of_training(cls, config: TrainingConfig, vocabulary_size: int, tokens_per_second: float) -> "Speed":
        """The speed that a training had, from its frozen config."""
        precision = config.precision if config.precision in SECONDS_PER_FLOP else UNMEASURED
        told = step_seconds(config, vocabulary_size, cls(precision=precision))
        taken = config.batch_size * config.sequence_length / tokens_per_second
        return cls(slowness=taken / told, precision=precision)

    @property
    def flops_per_second(self) -> float:
        """What large products of matrices reach."""
        return 1 / (self.slowness * SECONDS_PER_FLOP[self.precision])


@dataclass(frozen=True, kw_only=True)
class ReadCorpus:
    """What a config reads in the songs: counted by an earlier run, or told from their size."""

    train_tokens: int
    valid_tokens: int
    vocabulary_size: int
    unknown_share: float
    words: int

    @classmethod
    def guess(cls, config: TrainingConfig, corpus: CorpusSize) -> "ReadCorpus":
        reading = READINGS[config.tokenizer]
        tokens = reading.tokens(corpus)
        limit, minimum = config.vocabulary_limit, config.minimum_count
        is_word = config.tokenizer == "word"
        return cls(
            train_tokens=round(tokens * (1 - config.validation_fraction - config.test_fraction)),
            valid_tokens=round(tokens * config.validation_fraction),
            vocabulary_size=reading.tells_apart(corpus, limit, minimum),
            unknown_share=unknown_share(corpus, limit=limit, minimum_count=minimum) if is_word else 0.0,
            words=corpus.words,
        )

    @classmethod
    def counted(cls, facts: Mapping[str, Any], words: int) -> "ReadCorpus":
        """What the ``facts`` of a run say, which read the same songs in the same way."""
        names = ("train_tokens", "valid_tokens", "vocabulary_size", "unknown_share")
        return cls(**{name: facts[name] for name in names}, words=words)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What one training takes; ``readings`` is how often it reads the songs, ``warnings`` are sentences."""

    parameters: int
    memory_bytes: int
    seconds: float
    steps: int
    readings: float
    tokens_per_second: float
    vocabulary_size: int
    train_tokens: int
    warnings: list[str]


def outputs_scored(config: TrainingConfig, vocabulary_size: int) -> float:
    """How many tokens of the vocabulary a position is scored against, on average over the steps."""
    loss = getattr(config, "loss", "full")
    if loss == "full" or (loss == "auto" and vocabulary_size < 8_000):
        return vocabulary_size
    full = config.full_softmax_share
    return full * vocabulary_size + (1 - full) * min(vocabulary_size, config.sampled_negatives)


def flops_per_token(config: TrainingConfig, vocabulary_size: int) -> float:
    """The operations that learning from one token takes: two for each weight it meets, and twice as many back."""
    V, E, H = vocabulary_size, config.embedding_size, config.hidden_size
    tables = V * E if config.tie_embeddings else V * (E + H)
    inner = count_parameters(config, V) - tables
    written = outputs_scored(config, V) * (E if config.tie_embeddings else H)
    return 6.0 * (inner + written)


def step_seconds(config: TrainingConfig, vocabulary_size: int, speed: Speed) -> float:
    """About how long one step takes, from the work that is in it."""
    positions = config.batch_size * config.sequence_length
    is_looped = config.architecture in LOOPED_CELLS
    per_row = SECONDS_PER_LOOPED_ROW if is_looped else SECONDS_PER_ROW
    return speed.slowness * (
        positions * flops_per_token(config, vocabulary_size) * SECONDS_PER_FLOP[speed.precision]
        + positions * outputs_scored(config, vocabulary_size) * SECONDS_PER_SCORE
        + positions * config.hidden_size * config.num_layers * SECONDS_PER_STATE
        + config.sequence_length * config.num_layers * per_row
        + count_parameters(config, vocabulary_size) * SECONDS_PER_WEIGHT
        + SECONDS_PER_STEP
    )


def judging_seconds(config: TrainingConfig, read: ReadCorpus, speed: Speed) -> float:
    """About how long one judgement with its sample takes: a way there without a way back, every token scored."""
    V, H = read.vocabulary_size, config.hidden_size
    flops = 2.0 * count_parameters(config, V)
    each = flops * SECONDS_PER_FLOP["float32"] + V * SECONDS_PER_SCORE / 2 + H * config.num_layers * SECONDS_PER_STATE
    return speed.slowness * (read.valid_tokens * each + config.sample_tokens * SECONDS_PER_WRITTEN_TOKEN)


def estimate(
    config: TrainingConfig, read: ReadCorpus, speed: Speed | None = None, machine_memory_bytes: int | None = None
) -> Estimate:
    """What ``config`` takes on these songs; without a ``speed``, on one core of an unhurried server."""
    speed = speed or Speed()
    columns = max(1, min(config.batch_size, read.train_tokens // (config.sequence_length + 1)))
    config = config.replace(batch_size=columns)
    V = read.vocabulary_size
    step = step_seconds(config, V, speed)
    steps_per_epoch = max(1, math.ceil((read.train_tokens / columns - 1) / config.sequence_length))
    steps = config.steps or min(config.epochs * steps_per_epoch, MOST_STEPS)
    judging = config.evaluations * judging_seconds(config, read, speed)
    budget = None if config.steps else config.budget_seconds
    if budget is not None:
        usable = budget * (1 - RESERVE)
        judging = min(judging, MOST_JUDGING * usable)
        steps = max(1, min(steps, int((usable - judging) / step)))
    seconds = START_SECONDS + steps * step + judging
    parameters, memory = count_parameters(config, V), estimate_memory_bytes(config, V)
    readings = steps / steps_per_epoch
    return Estimate(
        parameters=parameters,
        memory_bytes=memory,
        seconds=seconds if budget is None else min(seconds, budget),
        steps=steps,
        readings=readings,
        tokens_per_second=columns * config.sequence_length / step,
        vocabulary_size=V,
        train_tokens=read.train_tokens,
        warnings=[
            sentence
            for sentence in (
                _of_memory(memory, machine_memory_bytes),
                _of_size(parameters, read.words),
                _of_time(readings, is_chosen=config.steps is not None),
                _of_unknown(read.unknown_share),
            )
            if sentence
        ],
    )


def _of_memory(memory: int, machine_memory_bytes: int | None) -> str:
    if machine_memory_bytes is None or memory <= machine_memory_bytes:
        return ""
    return (
        f"It could need {memory / 1024**3:.1f} GB of memory, and this machine has {machine_memory_bytes / 1024**3:.1f} "
        "GB. Make the batch, the sequence or the network smaller."
    )


def _of_size(parameters: int, words: int) -> str:
    if parameters <= WEIGHTS_PER_WORD * words:
        return ""
    return (
        f"{parameters / max(words, 1):,.0f} weights for each word of the songs: more than {WEIGHTS_PER_WORD}, so it is "
        "likely to learn them by heart. Add songs, or make the network smaller."
    )


def _of_time(readings: float, *, is_chosen: bool) -> str:
    if readings >= 1:
        return ""
    way_out = "Give it more steps." if is_chosen else "Give it more time, or make the network smaller."
    return f"It would read only {100 * readings:.0f} % of the songs once. {way_out}"


def _of_unknown(share: float) -> str:
    if share <= MUCH_UNKNOWN:
        return ""
    return (
        f"About {100 * share:.0f} % of the words stand outside its vocabulary, and it can't write those. Let it know "
        "more words, or read characters."
    )
