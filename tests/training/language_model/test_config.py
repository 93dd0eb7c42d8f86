import json
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.language_model.config import (
    FIELDS,
    MOST_PARAMETERS,
    PRESETS,
    TrainingConfig,
    count_parameters,
    describe_options,
    estimate_memory_bytes,
    parse_setting,
    resolve_config,
)
from training.language_model.errors import ConfigError
from training.language_model.lyric_text import SPECIAL_TOKENS
from training.language_model.shapes import CELL_KINDS
from training.language_model.tokenizers import SongFacts, Tokenizer, learn_conditions

ABSURD = {
    "hidden_size": 1e6,
    "num_layers": 1000,
    "sequence_length": 1_000_000,
    "learning_rate": math.nan,
    "dropout": 2,
    "epochs": True,
    "architecture": "transformer",
    "sample_prompt": "\x00",
    "budget_seconds": math.inf,
    "colour": "red",
    "nonlinearity": "swish",
    "residual": "perhaps",
    "forget_bias": 1e9,
    "embedding_dropout": 1.0,
    "input_dropout": -0.1,
}


def test_every_absurd_value_is_an_error_at_its_own_field_all_at_once():
    with pytest.raises(ConfigError) as caught:
        TrainingConfig.from_dict(ABSURD)
    assert set(caught.value.errors) == set(ABSURD)
    assert all(message.endswith(".") for messages in caught.value.errors.values() for message in messages)


@given(st.dictionaries(st.sampled_from([*FIELDS]), st.none() | st.booleans() | st.integers() | st.floats() | st.text()))
def test_any_values_give_a_valid_config_or_errors_at_fields(values):
    try:
        config = TrainingConfig.from_dict(values)
    except ConfigError as error:
        faulty = set(error.errors)
    else:
        assert count_parameters(config) <= MOST_PARAMETERS
        json.dumps(config.to_dict(), allow_nan=False)
        faulty = set()
    assert faulty <= set(values) | {"hidden_size", "batch_size"}


def test_a_network_that_could_grow_beyond_the_limit_is_refused_before_it_is_built():
    with pytest.raises(ConfigError) as caught:
        TrainingConfig.from_dict({"hidden_size": 2048, "num_layers": 4})
    assert "million weights" in caught.value.errors["hidden_size"][0]


def test_a_step_that_would_not_fit_into_memory_is_refused():
    with pytest.raises(ConfigError) as caught:
        TrainingConfig.from_dict({"batch_size": 512, "sequence_length": 1024})
    assert "memory" in caught.value.errors["batch_size"][0]


@pytest.mark.parametrize("architecture", [*CELL_KINDS])
@pytest.mark.parametrize("tokenizer", ["char", "word", "bpe"])
@pytest.mark.parametrize("preset", [*PRESETS])
def test_every_preset_is_valid_for_every_cell_and_tokenizer(architecture, tokenizer, preset):
    config = resolve_config(architecture=architecture, preset=preset, overrides={"tokenizer": tokenizer})
    assert (config.architecture, config.tokenizer) == (architecture, tokenizer)
    assert config.budget_seconds < PRESETS[preset].minutes * 60
    assert TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_overrides_win_over_the_preset():
    assert resolve_config(architecture="gru", preset="tiny", overrides={"hidden_size": 16}).hidden_size == 16


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"preset": "eternity"}, "preset"),
        ({"preset": None, "overrides": {"tokenizer": ["word"]}}, "tokenizer"),
        ({"preset": None, "overrides": {"tokenizer": "morse"}}, "tokenizer"),
        ({"preset": "tiny", "architecture": None}, "architecture"),
    ],
)
def test_what_does_not_exist_is_named(values, field):
    with pytest.raises(ConfigError) as caught:
        resolve_config(**({"architecture": "lstm"} | values))
    assert set(caught.value.errors) == {field}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("hidden_size", " 64 ", 64),
        ("dropout", "0.5", 0.5),
        ("tie_embeddings", "off", False),
        ("steps", "", None),
        ("sample_prompt", " a ", " a "),
        ("hidden_size", "many", "many"),
        ("unheard_of", "1", "1"),
    ],
)
def test_values_are_read_from_text_or_left_for_the_check_to_name(name, text, value):
    assert parse_setting(name, text) == value


def test_options_describe_every_setting_in_plain_json():
    options = json.loads(json.dumps(describe_options(), allow_nan=False))
    assert [one["name"] for one in options["fields"]] == [*FIELDS]
    assert all(one["help"].endswith(".") for one in options["fields"])
    assert {one["name"] for one in options["architectures"]} == set(CELL_KINDS)
    assert [one["name"] for one in options["presets"]] == ["tiny", "coffee", "lunch", "overnight"]


@pytest.mark.parametrize("limit", [999, 32_001])
def test_a_vocabulary_of_pieces_has_bounds_of_its_own(limit):
    with pytest.raises(ConfigError) as caught:
        TrainingConfig.from_dict({"tokenizer": "bpe", "vocabulary_limit": limit})
    assert caught.value.errors == {"vocabulary_limit": ["Pieces of words need a vocabulary of 1,000 to 32,000."]}
    assert TrainingConfig.from_dict({"tokenizer": "word", "vocabulary_limit": limit}).vocabulary_limit == limit


def test_what_songs_are_marked_with_may_be_empty():
    assert TrainingConfig.from_dict({"condition_on": ""}).condition_on == ""
    with pytest.raises(ConfigError) as caught:
        TrainingConfig.from_dict({"condition_on": "mood"})
    assert caught.value.errors == {"condition_on": ["This must be one of genre, artist, genre+artist, or empty."]}


@pytest.mark.parametrize("tokenizer", ["char", "word", "bpe"])
@pytest.mark.parametrize("condition_on", ["", "genre", "genre+artist"])
def test_no_vocabulary_is_larger_than_was_estimated(tokenizer, condition_on):
    values = {"tokenizer": tokenizer, "condition_on": condition_on, "vocabulary_limit": 1000, "minimum_count": 1}
    config = TrainingConfig.from_dict(values | {"embedding_size": 4, "hidden_size": 4})
    told = [SongFacts(genre=f"genre {n}", artist=f"artist {n}") for n in range(600) for _ in range(5)]
    songs = [" ".join(f"{chr(n)}{n}" for n in range(0x4E00, 0x4E00 + 1200))]
    trained = Tokenizer.train(songs, config, conditions=learn_conditions(told, condition_on))
    assert count_parameters(config, trained.vocabulary_size) == count_parameters(config)


def test_the_largest_vocabulary_counts_the_special_tokens():
    config = TrainingConfig(vocabulary_limit=100, embedding_size=4, hidden_size=4)
    smaller = TrainingConfig(vocabulary_limit=99, embedding_size=4, hidden_size=4)
    assert count_parameters(config) - count_parameters(smaller) == 4 + 1
    assert count_parameters(config) == count_parameters(config, 100 + len(SPECIAL_TOKENS))
    assert estimate_memory_bytes(config) > estimate_memory_bytes(smaller)


def test_the_pure_modules_need_neither_torch_nor_django():
    code = (
        "import sys, training.language_model.tokenizers\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'django', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
