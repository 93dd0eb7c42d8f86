"""The points of a run: thinned for a chart, whole as a table, never a number that JSON has no word for."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.finished_runs import make_finished_run, make_running_run
from training import curves
from training.models import MetricPoint


def point(step: int, *, is_look: bool) -> curves.Point:
    return curves.Point(step, step / 10, float(step), 2.0, 2.1 if is_look else None, None)


@given(st.lists(st.booleans(), max_size=300), st.integers(1, 50))
def test_thinning_keeps_every_look_the_last_point_and_the_order(looks, most):
    points = [point(step, is_look=is_look) for step, is_look in enumerate(looks)]
    kept = curves.thinned(points, most)
    assert curves.judged(kept) == curves.judged(points)
    assert kept[-1:] == points[-1:]
    assert kept == sorted(kept, key=lambda one: one.step)
    assert len([one for one in kept if one.valid_loss is None]) <= most + 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_what_is_no_number_is_none(value):
    assert curves.finite(value) is None


@pytest.mark.django_db
def test_only_what_came_after_a_number_is_news(ready_dataset):
    run, _ = make_running_run(ready_dataset, losses=(2.4, 2.2, 2.0))
    everything = curves.points_of(run)
    second = run.metric_points.get(step=everything[1].step).sequence
    assert curves.points_of(run, after=second) == everything[2:]
    assert curves.points_of(run, after=run.sequence) == []


@pytest.mark.django_db
def test_a_chart_of_broken_numbers_is_still_json(ready_dataset):
    run = make_finished_run(ready_dataset)
    MetricPoint.objects.update(train_loss=math.inf, nats_per_character=-math.inf)
    json.dumps(curves.chart_data(run, curves.points_of(run)), allow_nan=False)
    assert "inf" not in curves.metrics_csv(run).content.decode()


@pytest.mark.django_db
def test_a_running_chart_says_where_it_will_end_and_a_finished_one_does_not(ready_dataset):
    running, _ = make_running_run(ready_dataset)
    assert curves.chart_data(running, [])["planned"] == {"step": 12, "epoch": running.epochs}
    for state in ("paused", "queued"):
        running.state = state
        assert curves.chart_data(running, [])["planned"] == {}
    assert curves.chart_data(make_finished_run(ready_dataset), [])["planned"] == {}


@pytest.mark.django_db
def test_a_table_is_named_after_its_run_whatever_that_is_called(ready_dataset):
    run = make_finished_run(ready_dataset, name='"; filename=evil.exe\u202e /../')
    header = curves.metrics_csv(run)["Content-Disposition"]
    assert header == 'attachment; filename="filenameevilexe-metrics.csv"'
