"""Recipes: what was swept stays as it is, and everything follows the songs, the time and the machine."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.language_model.config import PRESETS, TrainingConfig, resolve_config
from training.language_model.recipes import (
    READINGS,
    CorpusSize,
    on_log_scale,
    recipe,
    share_to_hide,
    unknown_share,
    usual_recipes,
    words_told_apart,
)

SONGBOOK = CorpusSize(songs=128, lines=3334, words=27_753, characters=143_284, different_words=2899)
SHARED_SONGS = CorpusSize(songs=3597, lines=110_633, words=748_321, characters=3_932_854, different_words=28_584)
MILLIONS = CorpusSize.usual(13_000_000)
SIZES = st.integers(1, 10**9).map(CorpusSize.usual)


@pytest.mark.parametrize("corpus", [SONGBOOK, None])
def test_tiny_on_the_starter_songbook_is_what_was_swept_there(corpus):
    word = recipe("tiny", "word", "lstm", corpus)
    swept = {"embedding_size": 128, "hidden_size": 128, "dropout": 0.6, "weight_decay": 1.0, "learning_rate": 0.005}
    swept |= {"epochs": 60, "evaluations": 10, "budget_seconds": 70, "batch_size": 20, "sequence_length": 48}
    assert {name: word[name] for name in swept} == swept
    char = recipe("tiny", "char", "lstm", corpus)
    swept = {"embedding_size": 64, "hidden_size": 256, "dropout": 0.4, "weight_decay": 0.3, "learning_rate": 0.008}
    swept |= {"epochs": 24, "batch_size": 32, "sequence_length": 96, "sample_tokens": 240}
    assert {name: char[name] for name in swept} == swept


@given(SIZES, st.sampled_from([*PRESETS]), st.sampled_from(["word", "char"]), st.floats(1e7, 1e16))
def test_any_songs_on_any_machine_give_a_config_within_its_bounds(corpus, preset, tokenizer, flops):
    config = resolve_config(
        architecture="lstm", preset=preset, overrides={"tokenizer": tokenizer}, corpus=corpus, flops_per_second=flops
    )
    assert isinstance(config, TrainingConfig)


def test_more_songs_fill_a_wider_net_and_need_less_hidden_from_it():
    small, large = (recipe("lunch", "word", "lstm", corpus) for corpus in (SONGBOOK, SHARED_SONGS))
    assert small["hidden_size"] < large["hidden_size"]
    assert small["dropout"] > large["dropout"]
    assert small["weight_decay"] > large["weight_decay"]
    assert small["epochs"] > large["epochs"]


def test_more_time_or_a_faster_machine_teaches_a_wider_net_where_the_songs_can_fill_it():
    by_time = [recipe(preset, "word", "lstm", MILLIONS)["hidden_size"] for preset in PRESETS]
    assert by_time == sorted(set(by_time))
    slow, fast = (recipe("coffee", "word", "lstm", MILLIONS, speed)["hidden_size"] for speed in (2e10, 2e12))
    assert slow < fast


def test_what_the_songs_can_fill_no_time_makes_wider():
    assert len({recipe(preset, "word", "lstm", SONGBOOK)["hidden_size"] for preset in PRESETS}) == 1


def test_songs_read_less_than_twice_have_nothing_hidden():
    assert recipe("tiny", "word", "lstm", MILLIONS)["dropout"] == 0
    assert [share_to_hide(readings) for readings in (0.1, 2, 3.5, 5, 90)] == [0, 0, 0.5, 1, 1]


def test_a_large_collection_holds_fewer_songs_back_whatever_the_time():
    assert {recipe(preset, "word", "lstm", SONGBOOK)["validation_fraction"] for preset in PRESETS} == {0.1}
    assert {recipe(preset, "word", "lstm", MILLIONS)["validation_fraction"] for preset in PRESETS} == {0.02}


def test_two_looks_at_one_machine_give_the_same_settings():
    assert recipe("coffee", "word", "gru", MILLIONS, 0.9e11) == recipe("coffee", "word", "gru", MILLIONS, 1.2e11)


def test_pieces_of_words_are_told_apart_by_two_to_eight_thousand():
    limits = [recipe("lunch", "bpe", "lstm", corpus)["vocabulary_limit"] for corpus in (SONGBOOK, MILLIONS)]
    assert limits == [2000, 8000]


def test_every_preset_is_offered_for_every_tokenizer_that_there_is():
    assert set(usual_recipes("tiny")) == {"word", "char", "bpe"}


@pytest.mark.parametrize(
    ("corpus", "words", "characters"), [(SONGBOOK, 32_779, 135_794), (SHARED_SONGS, 1_007_929, 3_911_276)]
)
def test_tokens_are_told_from_the_size_within_a_tenth(corpus, words, characters):
    assert READINGS["word"].tokens(corpus) == pytest.approx(words, rel=0.1)
    assert READINGS["char"].tokens(corpus) == pytest.approx(characters, rel=0.1)


def test_the_vocabulary_and_what_stands_outside_are_told_from_the_different_words():
    """Counted on 128 and 3,597 songs; by the numbers of the tokenizer itself."""
    assert words_told_apart(SONGBOOK, 60_000, 2) == pytest.approx(1754, rel=0.15)
    assert words_told_apart(SHARED_SONGS, 60_000, 2) == pytest.approx(17_018, rel=0.15)
    assert words_told_apart(SHARED_SONGS, 10_000, 2) == 10_012
    assert unknown_share(SONGBOOK, limit=60_000, minimum_count=2) == pytest.approx(0.040, abs=0.01)
    assert unknown_share(SHARED_SONGS, limit=10_000, minimum_count=2) == pytest.approx(0.034, abs=0.01)
    assert unknown_share(SHARED_SONGS, limit=60_000, minimum_count=5) == pytest.approx(0.038, abs=0.012)


@given(SIZES, st.integers(10, 60_000), st.integers(1, 1000))
def test_what_stands_outside_a_vocabulary_is_a_share(corpus, limit, minimum):
    assert 0 <= unknown_share(corpus, limit=limit, minimum_count=minimum) <= 1


def test_statistics_that_count_nothing_tell_no_size():
    assert CorpusSize.of({}) is None
    assert CorpusSize.of({"songs": 3, "words": 0}) is None
    assert CorpusSize.of({"songs": 3, "words": 9, "top_words": []}).words == 9


@given(st.floats(1, 1e12))
def test_between_two_points_lies_what_is_between_them(x):
    assert 2 * (1 - 1e-9) <= on_log_scale(x, [(10, 2), (1000, 8)]) <= 8 * (1 + 1e-9)
    assert math.isclose(on_log_scale(100, [(10, 2), (1000, 8)]), 4)
