"""What no training can be made of is refused at its field before anything is queued, by every door alike."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from training.models import Dataset, Song, TrainingRun

pytestmark = pytest.mark.django_db

SETTINGS = [
    ("hidden_size", "1000000"),
    ("hidden_size", "1e6"),
    ("num_layers", "1000"),
    ("num_layers", "1e3"),
    ("sequence_length", "1000000"),
    ("learning_rate", "NaN"),
    ("learning_rate", "nan"),
    ("learning_rate", "Infinity"),
    ("dropout", "2"),
    ("dropout", "-0.1"),
    ("steps", "1" + 400 * "0"),
    ("batch_size", "0"),
]


def empty(dataset: Dataset) -> None:
    Song.objects.filter(dataset=dataset).update(excluded_as="left_out")


def single(dataset: Dataset) -> None:
    Song.objects.filter(dataset=dataset).exclude(ordinal=1).delete()


def short(dataset: Dataset) -> None:
    Song.objects.filter(dataset=dataset, ordinal__gt=2).delete()
    for ordinal, text in ((1, "Down by the river"), (2, "Carry me home")):
        Song.objects.filter(dataset=dataset, ordinal=ordinal).update(text=text, character_count=len(text))


DATASETS = [(empty, "dataset", "no songs"), (single, "dataset", "one song"), (short, "sequence_length", "one window")]


def refused_by_form(client, dataset, settings) -> dict:
    asked = {"architecture": "lstm", "tokenizer": "word", "preset": "tiny", **settings}
    answer = client.post(reverse("training:run-create", args=[dataset.pk]), asked)
    assert answer.status_code == 400
    return {name or "__all__": " ".join(errors) for name, errors in answer.context["form"].errors.items()}


def refused_by_api(client, dataset, settings) -> dict:
    answer = client.post("/api/v1/runs/", {"dataset": dataset.pk, "architecture": "lstm", "config": settings})
    assert answer.status_code == 400
    return {name: " ".join(errors) for name, errors in answer.json().items()}


def refused_by_command(dataset, settings) -> dict:
    pairs = [f"{name}={value}" for name, value in settings.items()]
    with pytest.raises(CommandError) as refusal:
        call_command("train", "--dataset", dataset.pk, *(part for pair in pairs for part in ("--set", pair)))
    return dict(line.split(": ", 1) for line in str(refusal.value).splitlines())


@pytest.mark.parametrize(("field", "value"), SETTINGS)
def test_a_setting_that_no_network_has_is_refused_at_its_field(signed_in, api, ready_dataset, doorbells, field, value):
    said = refused_by_form(signed_in, ready_dataset, {field: value})
    assert set(said) == {field}
    assert said == refused_by_command(ready_dataset, {field: value})
    assert set(refused_by_api(api, ready_dataset, {field: value})) == {field}
    assert not TrainingRun.objects.exists()
    assert doorbells == []


@pytest.mark.parametrize(("field", "value"), SETTINGS)
def test_a_number_of_json_is_refused_as_its_text_is(api, ready_dataset, field, value):
    written = json.dumps({"dataset": ready_dataset.pk, "architecture": "lstm"})[:-1]
    body = f'{written}, "config": {{"{field}": {value.replace("nan", "NaN")}}}}}'
    answer = api.post("/api/v1/runs/", body, content_type="application/json")
    assert answer.status_code == 400
    is_json = value not in ("NaN", "nan", "Infinity")
    assert set(answer.json()) == ({field} if is_json else {"detail"})
    assert not TrainingRun.objects.exists()


@pytest.mark.parametrize(("change", "field", "words"), DATASETS)
def test_songs_too_few_to_train_on_are_refused(signed_in, api, ready_dataset, doorbells, change, field, words):
    change(ready_dataset)
    form, program = refused_by_form(signed_in, ready_dataset, {}), refused_by_api(api, ready_dataset, {})
    assert words in form[field if field == "sequence_length" else "__all__"]
    assert words in program[field]
    assert refused_by_command(ready_dataset, {}) == program
    assert not TrainingRun.objects.exists()
    assert doorbells == []


def test_a_shorter_window_makes_few_words_enough(api, ready_dataset, doorbells):
    short(ready_dataset)
    body = {"dataset": ready_dataset.pk, "architecture": "lstm", "config": {"sequence_length": 4}}
    assert api.post("/api/v1/runs/", body).status_code == 202
