"""Watching, listing and cancelling runs by page."""

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
from tests.training.runs import claim, expire_lease, let_time_pass, make_run
from training import lifecycle
from training.models import TrainingRun

pytestmark = pytest.mark.django_db
HOSTILE = '<script>alert("&")</script>'


def page_of(run, name="run-detail") -> str:
    return reverse(f"training:{name}", args=[run.pk])


def create_url(dataset) -> str:
    return reverse("training:run-create", args=[dataset.pk])


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
    with django_assert_max_num_queries(8):
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


# ── What its owner wishes ────────────────────────────────────────────────────────────────────────────────────────


def wish(client, run, name, **values):
    return client.post(page_of(run, name), values, follow=True).content.decode()


def state_of(run) -> str:
    return TrainingRun.objects.values_list("state", flat=True).get(pk=run.pk)


def test_a_waiting_run_is_paused_and_resumed(signed_in, ready_dataset, doorbells):
    run = make_run(ready_dataset)
    assert "Resume" in wish(signed_in, run, "run-pause")
    assert state_of(run) == "paused"
    assert "Paused while it waited." in signed_in.get(page_of(run)).content.decode()
    wish(signed_in, run, "run-resume")
    assert state_of(run) == "queued"
    assert doorbells == ["training"]


def test_a_running_run_is_asked_to_pause_and_says_so(signed_in, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    text = wish(signed_in, run, "run-pause")
    assert "Pausing…" in text
    assert "Cancel" in text


def test_a_cancelled_run_is_tried_again(signed_in, ready_dataset, doorbells):
    run = make_run(ready_dataset)
    wish(signed_in, run, "run-cancel")
    assert "Try again" in signed_in.get(page_of(run)).content.decode()
    wish(signed_in, run, "run-retry")
    assert state_of(run) == "queued"


def test_a_failed_run_of_which_nothing_is_kept_only_starts_over(signed_in, ready_dataset, doorbells):
    run = make_failed_run(ready_dataset)
    TrainingRun.objects.filter(pk=run.pk).update(step=7)
    text = signed_in.get(page_of(run)).content.decode()
    assert "Start over" in text
    assert "Try again</button>" not in text
    assert "only be tried again from the beginning" in wish(signed_in, run, "run-retry")
    wish(signed_in, run, "run-retry", restart="yes")
    assert state_of(run) == "queued"


def test_a_run_moves_to_the_front_of_its_owners_line(signed_in, ready_dataset):
    first, second = (make_run(ready_dataset, name=name) for name in ("first", "second"))
    assert "Move to the front" in signed_in.get(page_of(second)).content.decode()
    assert "Move to the front" not in wish(signed_in, second, "run-move")
    assert "Move to the front" in signed_in.get(page_of(first)).content.decode()


@pytest.mark.parametrize("name", ["run-pause", "run-resume", "run-retry", "run-move", "run-cancel"])
def test_only_its_owner_wishes_anything_of_a_run(signed_in, other_user, name):
    run = make_run(make_ready_dataset(other_user), visibility="shared")
    assert signed_in.post(page_of(run, name)).status_code == 404
    assert signed_in.get(page_of(run, name)).status_code == 405
    assert state_of(run) == "queued"
    assert "Pause" not in signed_in.get(page_of(run)).content.decode()


def test_what_a_run_waits_for_is_said(signed_in, ready_dataset):
    run = make_run(ready_dataset)
    assert "No worker is listening." in signed_in.get(page_of(run)).content.decode()
    lifecycle.worker_beat("training@here", host="here", pid=1, queues=["training"])
    text = signed_in.get(page_of(run)).content.decode()
    assert "may start" in text
    assert "delayed" not in text
    let_time_pass(run, queued_at=60)
    assert "The queue is delayed." in signed_in.get(page_of(run)).content.decode()
    lifecycle.set_intake(False, by="ada", reason="A new disk comes in")
    assert "A new disk comes in" in signed_in.get(page_of(run)).content.decode()


def test_every_attempt_is_told_with_its_end(signed_in, ready_dataset):
    run = make_run(ready_dataset)
    lifecycle.lost(run.pk, claim(run).token, reason="Its worker vanished.", actor="the reconciler")
    text = signed_in.get(page_of(run)).content.decode()
    assert "each time a worker took it" in text
    assert "Its worker vanished." in text
    assert "the reconciler" in text
