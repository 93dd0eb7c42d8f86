"""Insights for programs."""

import pytest

from tests.training.finished_runs import make_finished_run, make_running_run
from tests.training.insight_data import DATA, make_insights

pytestmark = pytest.mark.django_db


def test_the_insights_of_a_run_are_numbers_and_sentences(api, ready_dataset):
    run = make_finished_run(ready_dataset)
    make_insights(run)
    answer = api.get(f"/api/v1/runs/{run.pk}/insights/").json()
    assert answer["count"] == 3
    assert [one["kind"] for one in answer["results"]] == list(DATA)
    assert [one["data"] for one in answer["results"]] == list(DATA.values())
    assert all(one["sentence"] and one["created_at"] for one in answer["results"])


def test_a_run_that_learns_has_none_yet(api, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    run.insights.create(kind="gradient_reach", data={"looks": []})
    assert api.get(f"/api/v1/runs/{run.pk}/insights/").json()["results"] == []


def test_another_person_sees_none(other_api, ready_dataset):
    run = make_finished_run(ready_dataset)
    make_insights(run)
    assert other_api.get(f"/api/v1/runs/{run.pk}/insights/").status_code == 404
