"""The form of a run: every setting can be written, and whatever is written is answered at its field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.forms.runs import RunFilterForm, RunForm, bounds_in_words
from training.language_model.config import FIELDS, TrainingConfig, resolve_config
from training.models import TrainingRun

CHOSEN = {"architecture": "gru", "tokenizer": "char", "preset": "tiny"}
TEXT_SETTINGS = [name for name, field in RunForm().fields.items() if name in FIELDS and hasattr(field, "max_length")]


def test_every_setting_of_the_config_has_a_field():
    assert set(FIELDS) <= set(RunForm().fields)
    shown = {field.name for _, fields in RunForm().groups for field in fields}
    assert shown == set(FIELDS) - {"architecture", "tokenizer"}


def test_blank_settings_stay_with_the_preset_and_show_what_they_stand_for():
    form = RunForm(CHOSEN)
    assert form.is_valid()
    assert form.overrides() == {"architecture": "gru", "tokenizer": "char"}
    form.show_values(resolve_config(architecture="gru", preset=CHOSEN["preset"], overrides=form.overrides()))
    assert 'placeholder="256"' in str(form["hidden_size"])
    assert 'placeholder=""' in str(form["steps"])


def test_a_form_that_is_only_shown_can_be_read_as_if_it_were_sent():
    form = RunForm(initial={"hidden_size": 48, "tie_embeddings": "false", "steps": None}).as_it_begins()
    assert form.is_valid()
    assert form.choices() == {
        "architecture": "lstm",
        "preset": "tiny",
        "starts_from": None,
        "overrides": {"architecture": "lstm", "tokenizer": "word", "hidden_size": 48, "tie_embeddings": False},
    }


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("hidden_size", "1000000"),
        ("num_layers", "1000"),
        ("sequence_length", "1000000"),
        ("learning_rate", "NaN"),
        ("learning_rate", "1e999"),
        ("learning_rate", "-1"),
        ("dropout", "2"),
        ("batch_size", "9" * 5000),
        ("epochs", "1.5"),
        ("seed", "-1"),
        ("tie_embeddings", "perhaps"),
        ("sample_prompt", "a\0b"),
    ],
)
def test_a_setting_out_of_bounds_is_refused_at_its_field(field, written):
    form = RunForm(CHOSEN | {field: written})
    assert not form.is_valid()
    assert list(form.errors) == [field]


def test_all_that_is_wrong_is_said_at_once():
    form = RunForm(CHOSEN | {"hidden_size": "0", "dropout": "2", "learning_rate": "x"})
    assert set(form.errors) == {"hidden_size", "dropout", "learning_rate"}


@pytest.mark.parametrize("missing", ["architecture", "tokenizer", "preset"])
@pytest.mark.parametrize("value", ["", "transformer"])
def test_the_three_choices_have_to_be_made(missing, value):
    assert missing in RunForm(CHOSEN | {missing: value}).errors


@given(st.sampled_from(TEXT_SETTINGS), st.text(max_size=12))
def test_whatever_is_typed_makes_a_config_or_a_message_at_its_field(field, typed):
    form = RunForm(CHOSEN | {field: typed})
    if form.is_valid():
        assert isinstance(resolve_config(architecture="gru", preset="tiny", overrides=form.overrides()), TrainingConfig)
    else:
        assert list(form.errors) == [field]


def test_bounds_are_said_in_words():
    assert bounds_in_words({"minimum": None, "maximum": 200}) == "At most 200 characters."
    assert bounds_in_words({"minimum": None, "maximum": None}) == ""
    assert bounds_in_words({"minimum": 8, "maximum": 2048}) == "From 8 to 2,048."
    assert bounds_in_words({"minimum": 1, "maximum": 10_000_000}) == "From 1 to 10,000,000."


@pytest.mark.django_db
@pytest.mark.parametrize("junk", ["\0", "'", "%", "\u202e", "x" * 10_000, "-1"])
def test_a_filter_that_does_not_exist_asks_for_nothing(junk):
    form = RunFilterForm({"state": junk, "architecture": junk, "dataset": junk}, datasets=[])
    assert list(form.narrow(TrainingRun.objects.all())) == []
    assert not any(form.cleaned_data.values())
