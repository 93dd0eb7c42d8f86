"""The form that starts a run, what it says the run takes, and a run that is started again."""

import json
import re

import pytest
from django.urls import reverse

from tests.songs import make_ready_dataset
from tests.training.finished_runs import (
    make_failed_run,
)
from tests.training.runs import make_run
from training.language_model.shapes import CELL_KINDS
from training.models import Dataset, TrainingRun

pytestmark = pytest.mark.django_db


def page_of(run, name="run-detail") -> str:
    return reverse(f"training:{name}", args=[run.pk])


def create_url(dataset) -> str:
    return reverse("training:run-create", args=[dataset.pk])


CHOSEN = {"architecture": "gru", "tokenizer": "char", "preset": "tiny"}


def test_the_form_offers_cells_tokenizers_presets_and_every_setting(signed_in, ready_dataset, worker):
    page = signed_in.get(create_url(ready_dataset)).content.decode()
    for offered in (*(f'value="{cell}"' for cell in CELL_KINDS), 'value="char"', 'value="lunch"'):
        assert offered in page
    assert "forgets" in page
    assert 'name="hidden_size"' in page
    assert "No worker is listening" not in page


def test_the_form_says_how_to_start_a_worker_where_none_listens(signed_in, ready_dataset):
    assert "celery -A lyricsite worker -Q training" in signed_in.get(create_url(ready_dataset)).content.decode()


def test_a_run_is_queued_with_what_was_chosen_even_without_a_worker(signed_in, ready_dataset, user, doorbells):
    chosen = {**CHOSEN, "name": "Night train", "hidden_size": "32", "tie_embeddings": "false", "steps": "7"}
    answer = signed_in.post(create_url(ready_dataset), chosen)
    run = TrainingRun.objects.get()
    assert answer.url == run.get_absolute_url()
    assert (run.owner, run.state, run.name, run.architecture) == (user, "queued", "Night train", "gru")
    config = run.config
    assert (config["tokenizer"], config["hidden_size"], config["tie_embeddings"], config["steps"]) == (
        "char",
        32,
        False,
        7,
    )
    assert config["embedding_size"] == 64  # the preset's value for characters
    assert doorbells == ["training"]


@pytest.mark.parametrize(
    ("field", "written", "message"),
    [
        ("hidden_size", "many", "whole number"),
        ("dropout", "3", "between 0 and 0.9"),
        ("learning_rate", "nan", "finite"),
        ("sample_prompt", "x" * 300, "at most 200"),
        ("device", "abacus", "Select a valid choice"),
        ("forget_bias", "99", "between -10 and 10"),
        ("embedding_dropout", "1", "between 0 and 0.9"),
        ("nonlinearity", "sine", "Select a valid choice"),
    ],
)
def test_a_wrong_setting_is_named_at_its_field_and_nothing_starts(signed_in, ready_dataset, field, written, message):
    answer = signed_in.post(create_url(ready_dataset), {**CHOSEN, field: written})
    assert answer.status_code == 400
    assert message in str(answer.context["form"].errors[field])
    assert '<details class="fold" open>' in answer.content.decode()
    assert not TrainingRun.objects.exists()


def test_a_dataset_that_is_not_ready_starts_no_run(signed_in, user):
    dataset = make_ready_dataset(user)
    Dataset.objects.filter(pk=dataset.pk).update(state="importing")
    answer = signed_in.post(create_url(dataset), CHOSEN)
    assert answer.status_code == 400
    assert "not ready" in answer.content.decode()


def test_more_waiting_runs_than_allowed_are_refused_in_a_sentence(signed_in, ready_dataset, settings):
    settings.QUEUED_RUNS_PER_USER = 1
    make_run(ready_dataset)
    answer = signed_in.post(create_url(ready_dataset), CHOSEN)
    assert answer.status_code == 400
    assert "which is the limit" in answer.content.decode()
    assert TrainingRun.objects.count() == 1


def test_nobody_trains_on_a_dataset_of_another_unless_it_is_shared(signed_in, other_user, doorbells):
    dataset = make_ready_dataset(other_user)
    assert signed_in.get(create_url(dataset)).status_code == 404
    assert signed_in.post(create_url(dataset), CHOSEN).status_code == 404
    Dataset.objects.filter(pk=dataset.pk).update(visibility="shared")
    assert signed_in.post(create_url(dataset), CHOSEN).status_code == 302


def test_the_settings_of_a_run_fill_the_form_for_the_next_one(signed_in, ready_dataset, other_user):
    run = make_run(ready_dataset)
    form = signed_in.get(create_url(ready_dataset), {"like": run.pk}).context["form"]
    assert form["hidden_size"].value() == 16
    assert form["tokenizer"].value() == "char"
    stranger = make_run(make_ready_dataset(other_user), name="Not yours")
    assert signed_in.get(create_url(ready_dataset), {"like": stranger.pk}).context["form"].initial == {}


def test_a_diverged_run_is_tried_again_by_one_click(signed_in, ready_dataset, user, doorbells):
    failed = make_failed_run(ready_dataset)
    page = signed_in.get(page_of(failed)).content.decode()
    assert f'action="{page_of(failed, "run-again")}"' in page
    assert "half the learning rate, 0.004" in page
    answer = signed_in.post(page_of(failed, "run-again"), {"learning_rate": "0.004"})
    again = TrainingRun.objects.exclude(pk=failed.pk).get()
    assert answer.url == again.get_absolute_url()
    assert (again.state, again.owner, again.architecture) == ("queued", user, failed.architecture)
    assert again.config == failed.config | {"learning_rate": 0.004}


def test_a_change_that_breaks_a_rule_starts_nothing_and_says_so(signed_in, ready_dataset):
    failed = make_failed_run(ready_dataset)
    answer = signed_in.post(page_of(failed, "run-again"), {"learning_rate": "NaN"}, follow=True)
    assert "finite number" in answer.content.decode()
    assert TrainingRun.objects.count() == 1


def test_a_shared_run_on_private_songs_offers_nothing_and_starts_nothing(signed_in, other_user):
    failed = make_failed_run(make_ready_dataset(other_user), visibility="shared")
    assert "half the learning rate" not in signed_in.get(page_of(failed)).content.decode()
    signed_in.post(page_of(failed, "run-again"))
    assert TrainingRun.objects.count() == 1
    secret = make_failed_run(make_ready_dataset(other_user))
    assert signed_in.post(page_of(secret, "run-again")).status_code == 404


def estimate_url(dataset) -> str:
    return reverse("training:run-estimate", args=[dataset.pk])


def test_the_form_says_what_a_run_takes_and_what_blank_settings_stand_for(signed_in, ready_dataset):
    page = signed_in.get(create_url(ready_dataset)).content.decode()
    assert "from start to model" in page
    assert 'placeholder="128"' in page
    assert "weights for each word of the songs" in page  # a thousand words are few


def test_a_script_gets_the_part_that_says_what_a_run_takes(signed_in, ready_dataset):
    small = {**CHOSEN, "hidden_size": "16", "embedding_size": "16", "steps": "60"}
    answer = signed_in.post(estimate_url(ready_dataset), small, headers={"HX-Request": "true"})
    part = answer.content.decode()
    assert "from start to model" in part
    assert "<html" not in part
    values = json.loads(re.search(r'<script id="run-values"[^>]*>(.*?)</script>', part)[1])
    assert (values["hidden_size"], values["sequence_length"]) == (16, 96)
    wrong = signed_in.post(estimate_url(ready_dataset), CHOSEN | {"dropout": "2"}, headers={"HX-Request": "true"})
    assert "between 0 and 0.9" in wrong.content.decode()
    assert not TrainingRun.objects.exists()


def test_without_a_script_the_estimate_is_a_page_that_keeps_what_was_typed(signed_in, ready_dataset):
    page = signed_in.post(estimate_url(ready_dataset), CHOSEN | {"hidden_size": "48"}).content.decode()
    assert 'value="48"' in page
    assert "from start to model" in page
    assert signed_in.post(estimate_url(ready_dataset), {}).status_code == 400
    assert not TrainingRun.objects.exists()


def test_nobody_asks_of_songs_they_may_not_see(signed_in, other_user):
    assert signed_in.post(estimate_url(make_ready_dataset(other_user)), CHOSEN).status_code == 404
