"""``manage.py generate``."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from generator.recipe import FIELDS
from tests.generator.tiny_models import publish


def generate(*arguments) -> str:
    out = io.StringIO()
    call_command("generate", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_a_model_is_found_by_its_id_or_name(user):
    model = publish(user, name="Harbour LSTM")
    arguments = ("--seed=4", "--max-tokens=20", "--prompt=Oh my")
    by_id, by_name = (generate(f"--model={wanted}", *arguments) for wanted in (model.pk, "Harbour LSTM"))
    assert by_id == by_name
    assert by_id.startswith("Oh my")


def test_json_is_what_the_api_answers(user):
    answer = json.loads(generate(f"--model={publish(user).pk}", "--seed=4", "-n", "2", "--temperature=0", "--json"))
    assert (answer["seed"], len(answer["choices"]), answer["recipe"]["temperature"]) == (4, 2, 0)


def test_every_sampling_value_can_be_given(user):
    values = {
        "max_tokens": 20,
        "n": 2,
        "seed": 4,
        "temperature": 0.5,
        "top_k": 9,
        "top_p": 0.9,
        "min_p": 0.01,
        "typical_p": 0.95,
        "repetition_penalty": 1.1,
        "no_repeat_ngram": 3,
        "stop": ["\n\n", "zz"],
        "lines": 4,
        "genre": "Folk",
        "artist": "Nobody",
        "title": "A lantern",
        "banned": ["rain"],
        "min_lines": 1,
    }
    values = {name: value for name, value in values.items() if name in FIELDS}
    assert set(values) == set(FIELDS)
    words = [f"--model={publish(user).pk}", "--json"]
    for name, value in values.items():
        option = "-n" if name == "n" else f"--{name.replace('_', '-')}"
        for one in value if isinstance(value, list) else [value]:
            words += [option, str(one).replace("\n", "\\n")]
    recipe = json.loads(generate(*words))["recipe"]
    assert recipe == values


def test_bad_values_are_named(user):
    with pytest.raises(CommandError, match="temperature") as refused:
        generate(f"--model={publish(user).pk}", "--temperature=nan", "--max-tokens=0")
    assert "max_tokens" in str(refused.value)


def test_a_model_nobody_knows_is_said(user):
    with pytest.raises(CommandError, match="no model nothing"):
        generate("--model=nothing")


def test_an_owner_sees_what_that_user_may_use(user, other_user):
    publish(user, name="Mine")
    with pytest.raises(CommandError, match="no model"):
        generate("--model=Mine", "--owner=tom")
    assert generate("--model=Mine", "--owner=mara", "--max-tokens=3")


def test_a_damaged_model_is_said(user):
    with pytest.raises(CommandError, match="damaged"):
        generate(f"--model={publish(user, damaged=True).pk}")
