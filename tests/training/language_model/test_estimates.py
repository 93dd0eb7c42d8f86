"""What a training is said to take. Seconds and bytes are measured by `python -m tests.benchmarks.estimates`."""

import dataclasses
import itertools

import pytest

from tests.training.language_model.songs import make_config, make_songs
from training.language_model import estimates
from training.language_model.config import TrainingConfig, count_parameters
from training.language_model.corpus import build_corpus
from training.language_model.estimates import (
    ReadCorpus,
    Speed,
    estimate,
    flops_per_token,
    step_seconds,
)
from training.language_model.networks import LyricNetwork, NetworkShape
from training.language_model.planning import MOST_EVALUATION_SHARE
from training.language_model.planning import RESERVE as PLANNED_RESERVE
from training.language_model.recipes import CorpusSize

READ = ReadCorpus(train_tokens=100_000, valid_tokens=10_000, vocabulary_size=2000, unknown_share=0.01, words=80_000)
CONFIG = TrainingConfig.from_dict({"hidden_size": 64, "embedding_size": 64, "epochs": 10})
# Seconds of a step on one core of an AMD EPYC of the fifth generation, medians of CPU time, as the benchmark measures.
MEASURED = [
    # cell, hidden, embedding, layers, vocabulary, batch, sequence, precision, seconds
    ("lstm", 128, 128, 1, 2000, 20, 48, "float32", 0.0388),
    ("lstm", 128, 128, 1, 2000, 20, 48, "bfloat16", 0.0224),
    ("lstm", 256, 256, 1, 6000, 20, 48, "float32", 0.168),
    ("lstm", 400, 320, 1, 10_000, 32, 48, "bfloat16", 0.442),
    ("gru", 256, 64, 1, 100, 32, 96, "float32", 0.0904),
    ("gru", 512, 512, 2, 10_000, 64, 48, "float32", 2.13),
    ("rnn", 128, 128, 1, 2000, 20, 48, "float32", 0.0302),
]


@pytest.mark.parametrize(
    ("cell", "hidden", "layers", "tied"),
    [*itertools.product(["rnn", "gru", "lstm"], [12, 20], [1, 3], [True, False])],
)
def test_the_weights_are_counted_exactly(cell, hidden, layers, tied):
    config = make_config(architecture=cell, hidden_size=hidden, num_layers=layers, tie_embeddings=tied)
    network = LyricNetwork(NetworkShape.of(config, 50))
    read = ReadCorpus(train_tokens=900, valid_tokens=90, vocabulary_size=50, unknown_share=0.0, words=800)
    assert estimate(config, read).parameters == count_parameters(config, 50) == network.count_parameters()


@pytest.mark.parametrize("measured", MEASURED)
def test_a_step_is_told_within_a_third_of_what_was_measured(measured):
    cell, hidden, embedding, layers, vocabulary, batch, sequence, precision, seconds = measured
    config = TrainingConfig.from_dict({
        "architecture": cell, "hidden_size": hidden, "embedding_size": embedding, "num_layers": layers,
        "batch_size": batch, "sequence_length": sequence, "loss": "full",
    })  # fmt: skip
    assert step_seconds(config, vocabulary, Speed(precision=precision)) == pytest.approx(seconds, rel=0.33)


def test_a_machine_is_known_by_a_training_of_another_shape():
    known = Speed.of_training(CONFIG.replace(precision="bfloat16"), 2000, tokens_per_second=20_000)
    assert (known.precision, known.slowness > 0) == ("bfloat16", True)
    tokens = CONFIG.batch_size * CONFIG.sequence_length
    assert tokens / step_seconds(CONFIG, 2000, known) == pytest.approx(20_000)
    assert known.flops_per_second == pytest.approx(1 / (known.slowness * 0.77e-11))


def test_a_token_costs_six_operations_for_each_weight_it_meets():
    weights = count_parameters(CONFIG, 2000)
    assert flops_per_token(CONFIG, 2000) == pytest.approx(6 * weights)
    untied = CONFIG.replace(tie_embeddings=False)
    assert flops_per_token(untied, 2000) == pytest.approx(6 * (count_parameters(untied, 2000) - 2000 * 64))


def test_steps_and_readings_are_those_that_the_trainer_takes():
    config = make_config(epochs=3)
    corpus = build_corpus(make_songs(), config)
    read = ReadCorpus(
        train_tokens=len(corpus.tokens), valid_tokens=corpus.validation.tokens,
        vocabulary_size=corpus.tokenizer.vocabulary_size, unknown_share=0.0, words=800,
    )  # fmt: skip
    per_epoch = corpus.steps_per_epoch(batch_size=config.batch_size, sequence_length=config.sequence_length)
    assert estimate(config, read).steps == 3 * per_epoch
    assert estimate(config, read).readings == 3
    assert estimate(config.replace(steps=per_epoch), read).readings == 1


def test_a_budget_is_never_overrun_and_what_needs_less_takes_less():
    whole = estimate(CONFIG, READ)
    assert estimate(CONFIG.replace(budget_seconds=3600.0), READ).seconds == pytest.approx(whole.seconds)
    short = estimate(CONFIG.replace(budget_seconds=10.0), READ)
    assert short.seconds <= 10
    assert short.steps < whole.steps


def test_the_budget_is_shared_as_the_plan_shares_it():
    assert (estimates.RESERVE, estimates.MOST_JUDGING) == (PLANNED_RESERVE, MOST_EVALUATION_SHARE)


@pytest.mark.parametrize(
    ("config", "read", "words"),
    [
        ({"hidden_size": 1024}, {}, "weights for each word"),
        ({"steps": 20}, {}, "% of the songs once. Give it more steps."),
        ({"budget_seconds": 2.0}, {}, "Give it more time"),
        ({}, {"unknown_share": 0.08}, "8 % of the words"),
    ],
)
def test_what_to_think_twice_about_is_a_sentence(config, read, words):
    warnings = estimate(CONFIG.replace(**config), dataclasses.replace(READ, **read)).warnings
    assert [words in warning for warning in warnings] == [True]


def test_more_memory_than_the_machine_has_is_warned_of():
    assert "this machine has 0.1 GB" in estimate(CONFIG, READ, machine_memory_bytes=100 * 1024**2).warnings[0]
    assert estimate(CONFIG, READ, machine_memory_bytes=16 * 1024**3).warnings == []


def test_what_is_read_is_told_from_the_size_where_nobody_counted():
    size = CorpusSize(songs=128, lines=3334, words=27_753, characters=143_284, different_words=2899)
    read = ReadCorpus.guess(CONFIG, size)
    assert read.train_tokens == pytest.approx(0.85 * 32_779, rel=0.1)
    assert 0.03 < read.unknown_share < 0.06
    assert ReadCorpus.guess(CONFIG.replace(tokenizer="char"), size).unknown_share == 0
