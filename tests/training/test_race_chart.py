"""The geometry of overlaid curves."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.finished_runs import make_finished_run, make_running_run
from training import comparison, race_chart
from training.race_chart import AXES, LINE_HEIGHT, nice_step, spread_apart, ticks_between, words


def drawn(*runs, by="tokens"):
    return race_chart.draw(comparison.compare(list(runs)), AXES[by])


@pytest.mark.django_db
@pytest.mark.parametrize("by", AXES)
def test_every_run_has_a_curve_and_every_entrant_a_name(ready_dataset, by):
    runs = [
        make_finished_run(ready_dataset, architecture=cell, seed=seed) for cell in ("rnn", "gru") for seed in (1, 2)
    ]
    chart = drawn(*runs, by=by)
    assert [(curve.cell, curve.is_thin) for curve in chart.curves] == [("rnn", True)] * 2 + [("gru", True)] * 2
    assert [name.label for name in chart.names] == ["RNN", "GRU"]
    assert abs(chart.names[0].text_height - chart.names[1].text_height) >= LINE_HEIGHT - 0.1
    assert all(0 <= tick.at <= 100 for tick in chart.acrosses)
    assert chart.acrosses[0].text == "0"


@pytest.mark.django_db
def test_nothing_judged_is_nothing_drawn(ready_dataset):
    run, _ = make_running_run(ready_dataset, losses=())
    assert drawn(run) is None
    assert drawn() is None


@pytest.mark.django_db
@pytest.mark.parametrize("losses", [(2.0,), (2.0, 2.0, 2.0), (1e6, 3.0, 2.9), (0.0, 0.0)])
def test_any_curve_can_be_drawn(ready_dataset, losses):
    chart = drawn(make_finished_run(ready_dataset, losses=losses))
    assert chart.ups
    assert chart.ups[0].at == race_chart.BOTTOM  # the picture stands on a line that has its number
    assert race_chart.TOP <= chart.names[0].height <= race_chart.BOTTOM


@pytest.mark.django_db
def test_the_caption_says_where_the_winner_passed(ready_dataset):
    early = make_finished_run(ready_dataset, architecture="gru", losses=(2.2, 2.1, 2.0))
    late = make_finished_run(ready_dataset, architecture="lstm", losses=(2.6, 2.2, 1.8))
    found = comparison.compare([early, late])
    captions = {name: race_chart.caption(found, axis) for name, axis in AXES.items()}
    assert captions["tokens"].startswith("GRU is ahead until 1,200 tokens, then LSTM passes it and comes to 0.90")
    assert "until epoch 2.0" in captions["epochs"]
    assert "until 4 s" in captions["seconds"]
    assert "One curve alone" in race_chart.caption(comparison.compare([early]), AXES["tokens"])


@given(st.lists(st.floats(0, 300), min_size=1, max_size=12))
def test_names_never_stand_on_each_other_and_keep_their_order(heights):
    places = spread_apart(heights, LINE_HEIGHT)
    ordered = sorted(range(len(heights)), key=lambda index: heights[index])
    for above, below in pairwise(ordered):
        assert places[below] - places[above] >= LINE_HEIGHT - 1e-6


@given(st.floats(0, 1e9), st.floats(1e-3, 1e9))
def test_ticks_are_round_few_and_inside(low, length):
    step = nice_step(low, low + length, 5)
    ticks = ticks_between(low, low + length, step)
    assert len(ticks) <= 6
    assert all(low - step * 1e-6 <= tick <= low + length + step * 1e-6 for tick in ticks)


@pytest.mark.parametrize(
    ("value", "by", "said"),
    [
        (0, "tokens", "0"), (2500, "tokens", "2,500"), (250_000, "tokens", "250 k"), (20_000_000, "tokens", "20 M"),
        (2.5, "epochs", "2.5"), (30, "seconds", "30 s"), (600, "seconds", "10 min"), (7200, "seconds", "2 h"),
    ],
)  # fmt: skip
def test_places_on_an_axis_are_said_shortly(value, by, said):
    assert words(value, AXES[by]) == said
