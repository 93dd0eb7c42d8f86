"""What pages say of runs that wait, pause or ran away."""

import pytest
from django.urls import reverse

from tests.songs import make_ready_dataset
from tests.training.finished_runs import make_failed_run, make_running_run
from tests.training.runs import make_run
from training import lifecycle
from training.models import TrainingRun
from training.services import operations

pytestmark = pytest.mark.django_db
LIST = reverse("training:run-list")


def page_of(client, address: str) -> str:
    return client.get(address).content.decode()


# ── Waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_says_when_each_waiting_run_may_start(signed_in, ready_dataset, worker):
    make_run(ready_dataset, name="first", expected_seconds=600)
    make_run(ready_dataset, name="second")
    page = page_of(signed_in, LIST)
    assert "May start now" in page
    assert "May start in about 10 min" in page


def test_a_waiting_run_of_the_list_waits_where_nobody_can_say_how_long(signed_in, ready_dataset):
    make_run(ready_dataset)
    assert "Waits for its turn" in page_of(signed_in, LIST)


def test_the_list_says_that_the_line_is_closed_while_somebody_waits(signed_in, ready_dataset, staff_user, worker):
    operations.close_intake(by=staff_user, reason="A new disk is put in.")
    assert "A new disk is put in." not in page_of(signed_in, LIST)
    make_run(ready_dataset)
    page = page_of(signed_in, LIST)
    assert "Nothing new is started right now." in page
    assert "A new disk is put in." in page
    assert "Waits for its turn" in page


def test_the_list_asks_once_for_all_waiting_runs(signed_in, ready_dataset, worker, django_assert_num_queries):
    """As many questions for twenty as for one: session, person, datasets, count, page; line, workers, intake."""
    make_run(ready_dataset)
    signed_in.get(LIST)
    with django_assert_num_queries(10):
        signed_in.get(LIST)
    for _ in range(20):
        make_run(ready_dataset)
    with django_assert_num_queries(10):
        signed_in.get(LIST)


# ── Pausing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def paused_at(dataset, step: int) -> TrainingRun:
    run, held = make_running_run(dataset, losses=())
    TrainingRun.objects.filter(pk=run.pk).update(step=step, steps=500_000, epochs=15_000)
    assert lifecycle.request_pause(run, "mara")
    assert lifecycle.pause(run.pk, held.token)
    run.refresh_from_db()
    return run


def test_a_run_paused_at_its_beginning_has_no_empty_bar(signed_in, ready_dataset):
    page = page_of(signed_in, paused_at(ready_dataset, 60).get_absolute_url())
    assert "<progress" not in page
    assert "60 <small>of 500,000" in page
    assert "Stands at step 60" in page_of(signed_in, LIST)


def test_a_run_paused_further_on_shows_how_far(signed_in, ready_dataset):
    page = page_of(signed_in, paused_at(ready_dataset, 250_000).get_absolute_url())
    assert '<progress class="progress" value="50"' in page
    assert "Stands at 50" in page_of(signed_in, LIST)


def test_pause_and_cancel_have_their_signs(signed_in, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    page = page_of(signed_in, run.get_absolute_url())
    assert '#i-pause"/></svg>Pause</button>' in page
    assert '#i-stop"/></svg>Cancel</button>' in page


# ── Running away ─────────────────────────────────────────────────────────────────────────────────────────────────
HALF = "Try again with half the learning rate"


def diverged(dataset, **fields) -> TrainingRun:
    """A run whose loss was no number any more, before its first step."""
    run = make_failed_run(dataset, **fields)
    TrainingRun.objects.filter(pk=run.pk).update(step=0)
    return run


def test_a_run_that_ran_away_offers_half_the_learning_rate_first(signed_in, ready_dataset, doorbells):
    run = diverged(ready_dataset)
    page = page_of(signed_in, run.get_absolute_url())
    assert page.count(HALF) == 1
    assert page.index(HALF) < page.index("Try again</button>")
    half = run.config["learning_rate"] / 2
    assert f'name="learning_rate" value="{half}"' in page
    signed_in.post(reverse("training:run-again", args=[run.pk]), {"learning_rate": half})
    assert TrainingRun.objects.queued().get().config["learning_rate"] == half


def test_who_may_only_see_it_is_offered_it_below(signed_in, other_user):
    theirs = make_ready_dataset(other_user, visibility="shared")
    page = page_of(signed_in, diverged(theirs, visibility="shared").get_absolute_url())
    assert page.count(HALF) == 1
    assert "Try again</button>" not in page
