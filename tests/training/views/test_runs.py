"""Starting, watching and comparing runs by page."""

import json
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.songs import make_ready_dataset
from tests.training.finished_runs import (
    make_baseline_row,
    make_failed_run,
    make_finished_run,
    make_model,
    make_running_run,
)
from tests.training.runs import expire_lease, make_run
from training.language_model.shapes import CELL_KINDS
from training.lifecycle import worker_beat
from training.models import Dataset, TrainingRun

pytestmark = pytest.mark.django_db
HOSTILE = '<script>alert("&")</script>'


@pytest.fixture
def worker(db):
    worker_beat("training@here", host="here", pid=1, queues=["training"])


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


# ── Lists ────────────────────────────────────────────────────────────────────────────────────────────────────────


def names_on(answer) -> set[str]:
    return {run.name for run in answer.context["page"].object_list}


def test_the_list_shows_own_and_shared_runs_alone(signed_in, ready_dataset, other_user):
    make_run(ready_dataset, name="mine")
    theirs = make_ready_dataset(other_user)
    make_run(theirs, name="secret")
    make_run(theirs, name="shown", visibility="shared")
    assert names_on(signed_in.get(reverse("training:run-list"))) == {"mine", "shown"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"state": "succeeded"}, {"done"}),
        ({"architecture": "rnn"}, {"waiting"}),
        ({"q": "DON"}, {"done"}),
        ({"state": "nonsense", "q": "a\0b"}, {"done", "waiting"}),
    ],
)
def test_the_list_is_narrowed_by_what_is_asked(signed_in, ready_dataset, asked, expected):
    make_finished_run(ready_dataset, name="done")
    make_run(ready_dataset, name="waiting", architecture="rnn")
    assert names_on(signed_in.get(reverse("training:run-list"), asked)) == expected


def test_the_list_is_narrowed_to_one_dataset(signed_in, ready_dataset, user):
    make_run(ready_dataset, name="one")
    other = make_ready_dataset(user, name="Other songs")
    make_run(other, name="other")
    assert names_on(signed_in.get(reverse("training:run-list"), {"dataset": other.pk})) == {"other"}


def test_the_list_takes_as_many_queries_for_twenty_runs_as_for_two(
    signed_in, ready_dataset, django_assert_max_num_queries
):
    for _ in range(20):
        make_run(ready_dataset)
    with django_assert_max_num_queries(6):
        signed_in.get(reverse("training:run-list"))


def test_names_are_text_on_every_page(signed_in, user):
    dataset = make_ready_dataset(user, name=HOSTILE)
    run = make_finished_run(dataset, name=HOSTILE)
    model = make_model(run, name=HOSTILE)
    addresses = [
        page_of(run),
        create_url(dataset),
        reverse("training:run-list"),
        f"/runs/compare/?run={run.pk}",
        reverse("training:model-list"),
        model.get_absolute_url(),
    ]
    for address in addresses:
        page = signed_in.get(address).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


# ── One run ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_waiting_run_says_its_place_and_that_no_worker_listens(signed_in, ready_dataset):
    make_run(ready_dataset)
    second = make_run(ready_dataset)
    page = signed_in.get(page_of(second)).content.decode()
    assert "place in line" in page
    assert "No worker is listening" in page
    assert "celery -A lyricsite worker -Q training" in page
    assert 'data-events="' in page


def test_a_waiting_run_is_quiet_about_workers_while_one_listens(signed_in, ready_dataset, worker):
    assert "No worker is listening" not in signed_in.get(page_of(make_run(ready_dataset))).content.decode()


def test_a_running_run_shows_its_progress_samples_history_and_curve(signed_in, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    answer = signed_in.get(page_of(run))
    page = answer.content.decode()
    assert "step 6 of 12" in page
    assert "30 s" in page
    assert "oh my lantern 3" in page
    assert "Look 3." in page
    assert page.count('data-moment="epoch ') == 3
    assert 'data-moment="epoch 3, step 12' in page
    assert "<dt>Loss, kept-aside songs</dt><dd>2.00</dd>" in page
    for gauge in ("0.0043", "0.87", "430 MB", "41.2 %"):
        assert gauge in page
    assert "Learning well." in page
    assert [point[0] for point in answer.context["chart"]["points"]] == [4, 8, 12]
    assert 'http-equiv="refresh"' in page  # for those without scripts


def test_a_run_whose_worker_went_quiet_says_so(signed_in, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    expire_lease(run)
    assert "The worker went quiet" in signed_in.get(page_of(run)).content.decode()


def test_a_finished_run_leads_to_its_model(signed_in, ready_dataset):
    run = make_finished_run(ready_dataset)
    model = make_model(run)
    page = signed_in.get(page_of(run)).content.decode()
    assert f"{reverse('generator:compose')}?model={model.pk}" in page
    assert "data-events" not in page
    assert ">Cancel<" not in page


def test_a_run_that_counting_words_beats_is_called_out(signed_in, ready_dataset):
    run = make_finished_run(ready_dataset, losses=(4.0, 3.6))
    make_baseline_row(run)
    page = signed_in.get(page_of(run)).content.decode()
    assert "Counting words does better." in page
    assert "1.50 nats per character; this model is 20 % worse." in page
    assert json.loads(re.search(r'id="loss-points"[^>]*>(.*?)<', page)[1])["baseline"] == {
        "token": None,
        "character": 1.5,
    }


def test_a_run_that_beats_counting_words_says_by_how_much(signed_in, ready_dataset):
    run = make_finished_run(ready_dataset, losses=(2.4, 2.0))
    assert "Kneser-Ney" not in signed_in.get(page_of(run)).content.decode()
    make_baseline_row(run)
    page = signed_in.get(page_of(run)).content.decode()
    assert "Kneser-Ney of order 5 on the same songs: 1.50 nats per character; this model is 33 % better." in page
    assert "Counting words does better." not in page


def test_a_run_that_still_learns_is_told_where_it_stands_and_a_failed_one_is_not(signed_in, ready_dataset):
    run, _ = make_running_run(ready_dataset, losses=(4.0, 3.6))
    make_baseline_row(run)
    news = signed_in.get(page_of(run, "run-live"), {"after": "1"}).content.decode()
    assert "so far this one is 20 % worse" in news
    assert "Counting words does better." not in news
    assert "Kneser-Ney" not in signed_in.get(page_of(make_failed_run(ready_dataset))).content.decode()


def test_a_failed_run_says_why_and_what_helps(signed_in, ready_dataset):
    page = signed_in.get(page_of(make_failed_run(ready_dataset))).content.decode()
    assert "The loss stopped being a number." in page
    assert "Use these settings for a new run" in page
    assert "Learning well" not in page


def test_another_persons_run_is_nowhere_until_it_is_shared(signed_in, other_user):
    run = make_finished_run(make_ready_dataset(other_user))
    names = ("run-detail", "run-live", "run-events", "run-metrics-csv")
    assert [signed_in.get(page_of(run, name)).status_code for name in names] == [404] * 4
    assert signed_in.post(page_of(run, "run-cancel")).status_code == 404
    TrainingRun.objects.filter(pk=run.pk).update(visibility="shared")
    page = signed_in.get(page_of(run)).content.decode()
    assert run.name in page
    assert reverse("training:dataset-detail", args=[run.dataset_id]) not in page  # that one is not shared
    assert signed_in.post(page_of(run, "run-cancel")).status_code == 404


def test_a_page_with_many_points_takes_no_more_queries(signed_in, ready_dataset, django_assert_max_num_queries):
    run, _ = make_running_run(ready_dataset, losses=[3 - 0.01 * look for look in range(40)])
    with django_assert_max_num_queries(12):
        signed_in.get(page_of(run))


# ── News ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def news(client, run, after: int):
    return client.get(page_of(run, "run-live"), {"after": after}, headers={"HX-Request": "true"})


def test_the_news_of_a_run_hold_what_came_since(signed_in, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    everything = news(signed_in, run, 0).content.decode()
    assert "oh my lantern 1" in everything
    second_look = run.samples.order_by("sequence")[1].sequence
    page = news(signed_in, run, second_look).content.decode()
    chart = json.loads(re.search(r'id="loss-news-points"[^>]*>(.*?)</script>', page).group(1))
    assert [point[0] for point in chart["points"]] == [12]
    assert f"?after={run.sequence}" in page


def test_without_news_only_the_progress_comes(signed_in, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    page = news(signed_in, run, run.sequence).content.decode()
    assert "step 6 of 12" in page
    assert "oh my lantern" not in page
    assert "run-history" not in page


def test_the_news_of_a_finished_run_are_its_whole_page(signed_in, ready_dataset):
    answer = news(signed_in, make_finished_run(ready_dataset), 0)
    assert answer.headers["HX-Refresh"] == "true"
    assert answer.status_code == 286


@pytest.mark.parametrize("after", ["", "-1", "x", "9" * 40, "²"])
def test_a_number_that_is_none_counts_from_the_beginning(signed_in, ready_dataset, after):
    run, _ = make_running_run(ready_dataset)
    assert "oh my lantern 1" in news(signed_in, run, after).content.decode()


# ── Cancel ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_waiting_run_is_cancelled_at_once(signed_in, ready_dataset):
    run = make_run(ready_dataset)
    assert signed_in.post(page_of(run, "run-cancel")).url == run.get_absolute_url()
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_a_running_run_says_that_it_is_being_cancelled(signed_in, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    signed_in.post(page_of(run, "run-cancel"))
    page = signed_in.get(page_of(run)).content.decode()
    assert "Cancelling…" in page
    assert ">Cancel<" not in page


def test_cancelling_a_finished_run_changes_nothing(signed_in, ready_dataset):
    run = make_finished_run(ready_dataset)
    page = signed_in.post(page_of(run, "run-cancel"), follow=True).content.decode()
    assert "already ended" in page


def test_cancelling_needs_a_post(signed_in, ready_dataset):
    assert signed_in.get(page_of(make_run(ready_dataset), "run-cancel")).status_code == 405


# ── Numbers ───────────────────────────────────────────────────────────────────────────────────────


def test_the_numbers_come_as_a_table_to_download(signed_in, ready_dataset):
    answer = signed_in.get(page_of(make_finished_run(ready_dataset), "run-metrics-csv"))
    lines = answer.content.decode().splitlines()
    assert lines[0].startswith("step,epoch,seconds,train_loss,valid_loss,nats_per_character")
    assert len(lines) == 4
    assert "attachment" in answer["Content-Disposition"]


def test_pages_of_training_ask_for_a_name_first(client, ready_dataset):
    run = make_run(ready_dataset, queued_at=timezone.now())
    for address in (page_of(run), page_of(run, "run-events"), create_url(ready_dataset)):
        assert client.get(address).status_code == 302
