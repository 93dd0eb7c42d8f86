"""Training a model further, by page, API and command; and a run once more with other settings."""

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from tests.songs import make_ready_dataset
from tests.training.finished_runs import make_failed_run, make_finished_run, make_model
from tests.training.runs import SMALL
from training.errors import Conflict, Invalid
from training.fine_tuning import kept_settings, settings_from_model
from training.language_model.config import resolve_config
from training.management.commands.train import find_model
from training.models import Checkpoint, TrainingRun
from training.services.models import delete_model
from training.services.runs import start_run, train_again

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]
RUNS = "/api/v1/runs/"
CONFIG = resolve_config(architecture="gru", overrides=SMALL).to_dict()


def make_gru(dataset, **fields) -> Checkpoint:
    values = {"name": "My GRU", "architecture": "gru", "config": CONFIG} | fields
    return make_model(make_finished_run(dataset, architecture="gru", config=CONFIG), **values)


@pytest.fixture
def model(ready_dataset):
    return make_gru(ready_dataset)


@pytest.fixture
def newer_songs(user):
    return make_ready_dataset(user, name="Newer songs")


def tune(model, dataset, **options) -> TrainingRun:
    return start_run(**{"owner": dataset.owner, "dataset": dataset, "starts_from": model} | options)


def test_a_fine_tuning_has_the_network_and_the_vocabulary_of_its_model(model, newer_songs):
    run = tune(model, newer_songs, overrides={"learning_rate": 0.001, "dropout": 0.5})
    assert (run.architecture, run.starts_from, run.starts_from_name) == ("gru", model, "My GRU")
    assert run.name == "Fine-tuning of My GRU"
    assert {name: run.config[name] for name in kept_settings()} == {name: CONFIG[name] for name in kept_settings()}
    assert (run.config["learning_rate"], run.config["dropout"]) == (0.001, 0.5)
    assert "Fine-tuning" not in start_run(owner=run.owner, dataset=newer_songs, architecture="gru").name


def test_settings_are_kept_by_what_they_decide():
    assert {"architecture", "hidden_size", "tie_embeddings", "tokenizer", "minimum_count"} <= set(kept_settings())
    assert not {"dropout", "learning_rate", "epochs", "seed", "threads"} & set(kept_settings())


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"architecture": "lstm"}, {"architecture"}),
        ({"overrides": {"hidden_size": 32, "tokenizer": "word"}}, {"hidden_size", "tokenizer"}),
        ({"overrides": {"hidden_size": "many", "learning_rate": 0.1}}, {"hidden_size"}),
        ({"overrides": {"learning_rate": 99}}, {"learning_rate"}),
    ],
)
def test_what_the_model_is_not_is_refused_at_its_field(model, newer_songs, options, fields):
    with pytest.raises(Invalid) as refusal:
        tune(model, newer_songs, **options)
    assert set(refusal.value.errors) == fields
    assert not TrainingRun.objects.queued().exists()


def test_the_same_settings_as_the_models_are_no_conflict(model, newer_songs):
    assert tune(model, newer_songs, architecture="gru", overrides={"hidden_size": 16, "tokenizer": "char"})


def test_a_model_of_unknown_settings_is_not_trained_further():
    for config in ({}, {"hidden_size": -1}):
        with pytest.raises(Invalid, match="not known"):
            settings_from_model(config, {})


def test_another_persons_model_is_trained_further_only_when_it_is_shared(model, other_user, api, other_api):
    theirs = make_ready_dataset(other_user)
    with pytest.raises(Invalid, match="no such model"):
        tune(model, theirs)
    body = {"dataset": theirs.pk, "starts_from": model.pk}
    assert other_api.post(RUNS, body).json().keys() == {"starts_from"}
    Checkpoint.objects.filter(pk=model.pk).update(visibility="shared")
    assert other_api.post(RUNS, body).json()["starts_from"] == model.pk


def test_a_model_that_a_run_will_start_from_is_not_deleted(model, newer_songs):
    run = tune(model, newer_songs)
    with pytest.raises(Conflict):
        delete_model(model=model)
    TrainingRun.objects.filter(pk=run.pk).delete()
    delete_model(model=model)


def test_a_fine_tuning_outlives_its_model_by_name(signed_in, model, newer_songs):
    run = tune(model, newer_songs, name="Tuned")
    page = signed_in.get(run.get_absolute_url()).content.decode()
    assert f'fine-tuning of <a href="{model.get_absolute_url()}">My GRU</a>' in page
    model.delete()
    assert "fine-tuning of My GRU" in signed_in.get(run.get_absolute_url()).content.decode()
    with pytest.raises(Invalid, match="is gone"):
        train_again(run=TrainingRun.objects.get(pk=run.pk), by=run.owner)


# ── The doors ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_program_starts_a_fine_tuning_without_naming_its_cell(api, model, newer_songs):
    answer = api.post(RUNS, {"dataset": newer_songs.pk, "starts_from": model.pk})
    assert answer.status_code == 202
    run = answer.json()
    assert (run["starts_from"], run["starts_from_name"], run["architecture"]) == (model.pk, "My GRU", "gru")
    assert run["name"] == "Fine-tuning of My GRU"
    assert api.get(RUNS).json()["results"][0]["starts_from"] == model.pk


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "architecture"),
        ({"starts_from": "nobody"}, "starts_from"),
        ({"starts_from": "a\x00b"}, "starts_from"),
        ({"starts_from": ["x"]}, "starts_from"),
        ({"starts_from": None}, "architecture"),
    ],
)
def test_a_fine_tuning_of_nothing_is_refused_at_its_field(api, newer_songs, fields, named):
    answer = api.post(RUNS, {"dataset": newer_songs.pk, **fields})
    assert answer.status_code == 400
    assert named in answer.json()


def create_url(dataset, **query) -> str:
    return reverse("training:run-create", args=[dataset.pk], query=query)


def test_the_form_begins_with_the_model_that_its_address_names(signed_in, model, newer_songs):
    form = signed_in.get(create_url(newer_songs, **{"from": model.pk})).context["form"]
    assert (form["starts_from"].value(), form["architecture"].value()) == (model.pk, "gru")
    assert (form["hidden_size"].value(), form["tokenizer"].value()) == (16, "char")
    like = signed_in.get(create_url(newer_songs, like=tune(model, newer_songs).pk)).context["form"]
    assert like["starts_from"].value() == model.pk


def test_the_form_starts_a_fine_tuning_or_says_at_the_field_why_not(signed_in, model, newer_songs):
    chosen = {"architecture": "gru", "tokenizer": "char", "preset": "tiny", "starts_from": model.pk}
    answer = signed_in.post(create_url(newer_songs), chosen)
    assert answer.url == TrainingRun.objects.get(starts_from=model).get_absolute_url()
    refused = signed_in.post(create_url(newer_songs), {**chosen, "architecture": "rnn", "hidden_size": "64"})
    assert refused.status_code == 400
    assert set(refused.context["form"].errors) == {"architecture", "hidden_size"}
    for junk in ("nobody", "a\0b", "9" * 5000):
        assert (
            "starts_from"
            in signed_in.post(create_url(newer_songs), {**chosen, "starts_from": junk}).context["form"].errors
        )


def test_the_form_offers_own_and_shared_models_alone(signed_in, model, newer_songs, other_user):
    theirs = make_ready_dataset(other_user)
    make_gru(theirs, name="secret")
    make_gru(theirs, name="shown", visibility="shared")
    page = signed_in.get(create_url(newer_songs)).content.decode()
    assert all(name in page for name in ("Start from", "My GRU", "shown"))
    assert "secret" not in page


def test_the_command_finds_a_model_that_the_person_may_use(model, user, other_user):
    assert find_model("My GRU", user) == find_model(model.pk, user) == model
    with pytest.raises(CommandError, match="no model"):
        find_model("My GRU", other_user)
    with pytest.raises(CommandError, match="no model"):
        call_command("train", "--dataset", model.dataset_id, "--from", "nothing")
    with pytest.raises(CommandError, match="hidden_size: A fine-tuning keeps this"):
        call_command("train", "--dataset", model.dataset_id, "--from", "My GRU", "--set", "hidden_size=8")
    make_gru(model.dataset)
    with pytest.raises(CommandError, match="Several models"):
        find_model("My GRU", user)


# ── Once more, with other settings ───────────────────────────────────────────────────────────────────────────────


def test_a_run_is_started_once_more_from_where_it_started(model, newer_songs):
    run = tune(model, newer_songs, overrides={"learning_rate": 0.02})
    again = train_again(run=run, by=run.owner, changes={"learning_rate": 0.01})
    assert (again.starts_from, again.config) == (model, run.config | {"learning_rate": 0.01})


def test_a_run_that_ran_away_is_trained_again_with_half_the_learning_rate_by_one_click(signed_in, ready_dataset, user):
    run = make_failed_run(ready_dataset, config=CONFIG | {"learning_rate": 0.03}, architecture="gru")
    page = signed_in.get(run.get_absolute_url()).content.decode()
    assert 'name="learning_rate" value="0.015"' in page
    answer = signed_in.post(reverse("training:run-again", args=[run.pk]), {"learning_rate": "0.015"})
    again = TrainingRun.objects.queued().get()
    assert answer.url == again.get_absolute_url()
    assert again.config["learning_rate"] == 0.015


def test_a_run_of_another_is_started_once_more_only_where_run_and_songs_are_shared(
    signed_in, api, ready_dataset, other_user
):
    theirs = make_ready_dataset(other_user)
    run = make_finished_run(theirs, config=CONFIG)
    assert api.post(f"{RUNS}{run.pk}/clone/").status_code == 404
    assert signed_in.post(reverse("training:run-again", args=[run.pk])).status_code == 404
    TrainingRun.objects.filter(pk=run.pk).update(visibility="shared")
    assert "dataset" in api.post(f"{RUNS}{run.pk}/clone/").json()
    type(theirs).objects.filter(pk=theirs.pk).update(visibility="shared")
    assert api.post(f"{RUNS}{run.pk}/clone/").status_code == 202
    assert signed_in.post(reverse("training:run-again", args=[run.pk])).status_code == 302


def test_what_a_fine_tuning_takes_is_told_for_the_network_of_its_model(api, signed_in, model, newer_songs):
    told = api.post(f"{RUNS}estimate/", {"dataset": newer_songs.pk, "starts_from": model.pk}).json()
    assert told["config"]["hidden_size"] == 16
    page = signed_in.get(create_url(newer_songs, **{"from": model.pk}))
    assert page.context["forecast"].config.hidden_size == 16
