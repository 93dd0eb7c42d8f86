"""Hidden sizes that make the cells of a race equally heavy."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.language_model.config import TrainingConfig, count_parameters, resolve_config
from training.language_model.matching import TOLERANCE, Unmatchable, match_hidden_sizes
from training.language_model.presets import ARCHITECTURES, PRESETS
from training.language_model.shapes import CELL_KINDS

CLASSIC = ("rnn", "lstm", "gru")
ALL = tuple(one["name"] for one in ARCHITECTURES)


def counts(config: TrainingConfig, sizes: dict[str, int], vocabulary_size: int) -> list[int]:
    return [
        count_parameters(config.replace(architecture=name, hidden_size=size), vocabulary_size)
        for name, size in sizes.items()
    ]


@pytest.mark.parametrize(
    ("hidden_size", "embedding_size", "num_layers", "vocabulary"),
    list(itertools.product((96, 128, 200, 256, 400), (64, 192, 320), (1, 2), (60, 5_000))),
)
def test_the_classic_cells_agree_within_two_per_cent(hidden_size, embedding_size, num_layers, vocabulary):
    config = TrainingConfig(hidden_size=hidden_size, embedding_size=embedding_size, num_layers=num_layers)
    sizes = match_hidden_sizes(config, CLASSIC, vocabulary_size=vocabulary)
    heavy = counts(config, sizes, vocabulary)
    assert max(heavy) <= (1 + TOLERANCE) * min(heavy)
    assert abs(sizes["lstm"] - hidden_size) <= hidden_size // 10
    assert sizes["lstm"] < sizes["gru"] < sizes["rnn"]


@given(
    hidden_size=st.integers(4, 700),
    embedding_size=st.integers(4, 512),
    num_layers=st.integers(1, 4),
    vocabulary=st.integers(20, 30_000),
    architectures=st.lists(st.sampled_from(ALL), min_size=2, max_size=6, unique=True),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_matched_agrees_and_what_cannot_be_is_refused(
    hidden_size, embedding_size, num_layers, vocabulary, architectures
):
    config = TrainingConfig(hidden_size=hidden_size, embedding_size=embedding_size, num_layers=num_layers)
    try:
        sizes = match_hidden_sizes(config, architectures, vocabulary_size=vocabulary)
    except Unmatchable:
        return
    assert list(sizes) == architectures
    for larger in (vocabulary, 2 * vocabulary, 50_000):
        heavy = counts(config, sizes, larger)
        assert max(heavy) <= (1 + TOLERANCE) * min(heavy)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_can_be_raced_by_the_classic_cells(preset):
    for tokenizer in ("word", "char"):
        config = resolve_config(architecture="lstm", preset=preset, overrides={"tokenizer": tokenizer})
        assert match_hidden_sizes(config, CLASSIC, vocabulary_size=40)["lstm"] == config.hidden_size


def test_every_cell_on_offer_can_be_raced_in_the_smallest_preset():
    config = resolve_config(architecture="lstm", preset="tiny")
    assert set(match_hidden_sizes(config, ALL, vocabulary_size=1_000)) == set(ALL) == set(CELL_KINDS)


def test_a_size_at_which_the_cells_cannot_meet_says_which_one_would_do():
    huge = TrainingConfig(hidden_size=2048, embedding_size=64)
    with pytest.raises(Unmatchable, match=r"with \d+ they can"):
        match_hidden_sizes(huge, CLASSIC, vocabulary_size=100)
