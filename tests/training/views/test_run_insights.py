"""Why a run remembers: on its page, and while that is worked out."""

import pytest
from django.urls import reverse
from django.utils.html import escape

from tests.conftest import make_user
from tests.training.finished_runs import make_finished_run, make_model, make_running_run
from tests.training.insight_data import make_insights
from training import lifecycle

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(ready_dataset):
    run = make_finished_run(ready_dataset)
    make_model(run)
    return run


def test_the_page_of_a_finished_run_says_why_it_remembers(signed_in, run):
    make_insights(run)
    lifecycle.end_explanation(run.pk)
    page = signed_in.get(run.get_absolute_url()).content.decode()
    assert "Why it remembers" in page
    for insight in run.insights.all():
        assert escape(insight.sentence) in page
    assert page.count('class="curve"') == 3
    assert 'data-cell="lstm"' in page
    assert "the whole song</th>" in page  # the numbers as a table
    assert "being worked out" not in page


def test_while_it_is_worked_out_the_section_asks_again(signed_in, run):
    address = reverse("training:run-insights", args=[run.pk])
    for page in (signed_in.get(run.get_absolute_url()), signed_in.get(address)):
        assert f'hx-get="{address}"' in page.content.decode()
    lifecycle.claim_explanation()
    make_insights(run)
    lifecycle.end_explanation(run.pk)
    done = signed_in.get(address).content.decode()
    assert "hx-get" not in done
    assert "Memory ruler" in done


def test_insights_that_could_not_be_had_are_no_secret(signed_in, run):
    for _ in range(3):
        lifecycle.claim_explanation()
        lifecycle.give_up_explanation(run.pk)
    page = signed_in.get(run.get_absolute_url()).content.decode()
    assert "could not be worked out" in page
    assert "hx-get" not in signed_in.get(reverse("training:run-insights", args=[run.pk])).content.decode()


def test_a_run_that_learns_has_no_such_section_yet(signed_in, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    assert "Why it remembers" not in signed_in.get(run.get_absolute_url()).content.decode()


def test_insights_that_say_too_little_are_told_without_a_chart(signed_in, run):
    make_insights(run, chorus_recall={"is_enough": False, "stanzas": 3, "needed": 8})
    page = signed_in.get(run.get_absolute_url()).content.decode()
    assert "Too few to say: the songs kept aside have 3 repeated stanzas" in page
    assert page.count('class="curve"') == 2


def test_other_people_see_nothing_of_it(client, run):
    make_insights(run)
    client.force_login(make_user("tom"))
    assert client.get(reverse("training:run-insights", args=[run.pk])).status_code == 404
    client.logout()
    assert client.get(reverse("training:run-insights", args=[run.pk])).status_code == 302
