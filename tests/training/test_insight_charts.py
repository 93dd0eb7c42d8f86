"""The charts of insights: every number on the paper, names apart, several runs in one."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.finished_runs import make_finished_run
from tests.training.insight_data import RULER, make_insights
from training.chart_scales import BASE, TOP, LogScale, Scale
from training.insight_charts import NAME_HEIGHT, Line, insights_of, with_names_apart


@pytest.fixture
def run(ready_dataset):
    run = make_finished_run(ready_dataset)
    make_insights(run)
    return run


def numbers(path: str) -> list[tuple[float, float]]:
    points = path.replace("M", "L").split("L")[1:]
    return [tuple(map(float, point.split())) for point in points]


def test_a_run_has_three_charts_each_with_its_sentence_and_a_pale_control(run):
    charts = insights_of([run])
    assert [chart.title for chart in charts] == ["Memory ruler", "Chorus recall", "Gradient reach"]
    for chart in charts:
        assert chart.sentence == run.insights.get(kind=chart.kind).sentence
        assert [line.name for line in chart.lines if not line.is_pale] == ["LSTM"]
        assert "untrained" in [line.name for line in chart.lines if line.is_pale]
        assert all(len(row) == len(chart.head) for row in chart.rows)
        assert all(0 <= x <= 1000 and TOP <= y <= BASE for line in chart.lines for x, y in numbers(line.path))


def test_the_knee_is_marked_where_it_is(run):
    ruler = insights_of([run])[0]
    assert ruler.knees == ["50.00%"]  # 8 is the fourth of six lengths, and the whole song comes behind them
    [line] = [line for line in ruler.lines if not line.is_pale]
    assert [(dot.x, dot.is_full) for dot in line.dots] == [("50.00%", True)]


def test_a_ruler_that_is_nearly_flat_looks_so(ready_dataset):
    run = make_finished_run(ready_dataset)
    losses = [4.03, 4.02, 4.01, 4.0, 4.0, 4.0]
    untrained = {"losses": [4.05] * 6, "whole": 4.05, "is_flat": True}
    make_insights(
        run, memory_ruler={"losses": losses, "whole": 4.0, "is_flat": True, "knee": None, "untrained": untrained}
    )
    heights = [y for line in insights_of([run])[0].lines for _, y in numbers(line.path)]
    assert max(heights) - min(heights) < (BASE - TOP) / 4


def test_recall_has_its_errors_and_its_zero(run):
    recall = insights_of([run])[1]
    [line] = [line for line in recall.lines if not line.is_pale]
    assert len(line.dots) == 3
    assert all(float(dot.low) > float(dot.y) > float(dot.high) for dot in line.dots)  # px from the top
    assert TOP <= float(recall.zero) <= BASE
    assert recall.rows[0] == ["32 to 63", "12", "0.60 ± 0.08", "0.00 ± 0.00"]


def test_the_gradient_of_one_run_is_drawn_with_some_earlier_epochs(run):
    reach = insights_of([run])[2]
    assert [line.name for line in reach.lines] == ["LSTM", "epoch 1", "epoch 3", "epoch 5", "untrained"]
    assert reach.grid[0].label == "100 %"


def test_several_runs_share_a_chart_and_one_control(run, ready_dataset):
    other = make_finished_run(ready_dataset, architecture="gru")
    make_insights(other, memory_ruler={"knee": 16})
    ruler, recall, reach = insights_of([run, other])
    for chart in (ruler, recall, reach):
        assert [(line.name, line.cell) for line in chart.lines if not line.is_pale] == [
            ("LSTM", "lstm"),
            ("GRU", "gru"),
        ]
        assert len([line for line in chart.lines if line.is_pale]) == 1
    assert "GRU needs the last 16 words" in ruler.sentence


def test_two_runs_of_one_cell_are_told_apart(run, ready_dataset):
    twin = make_finished_run(ready_dataset)
    make_insights(twin)
    names = {line.name for line in insights_of([run, twin])[0].lines}
    assert names == {"LSTM 1", "LSTM 2", "untrained"}
    assert insights_of([run, twin], {run.pk: "first", twin.pk: "second"})[0].lines[0].name == "first"


def test_letters_and_words_never_share_an_axis(run, ready_dataset):
    letters = make_finished_run(ready_dataset, architecture="gru")
    make_insights(letters, **{kind: {"unit": "char"} for kind in ("memory_ruler", "chorus_recall", "gradient_reach")})
    charts = insights_of([run, letters])
    assert len(charts) == 6
    assert {chart.axis for chart in charts if chart.kind == "memory_ruler"} == {
        "nats per word, by words in sight",
        "nats per letter, by letters in sight",
    }


def test_what_could_not_be_measured_is_told_without_a_chart(ready_dataset):
    run = make_finished_run(ready_dataset)
    make_insights(run, chorus_recall={"is_enough": False, "stanzas": 2, "needed": 8})
    recall = insights_of([run])[1]
    assert recall.lines == []
    assert "Too few to say" in recall.sentence


def test_of_several_runs_those_that_could_not_be_measured_are_named(run, ready_dataset):
    short = make_finished_run(ready_dataset, architecture="rnn")
    make_insights(short, chorus_recall={"is_enough": False, "stanzas": 2, "needed": 8})
    assert insights_of([run, short])[1].sentence.endswith("Too little could be measured of RNN.")


def test_a_run_that_still_learns_has_no_chart(ready_dataset):
    run = make_finished_run(ready_dataset)
    run.insights.create(kind="gradient_reach", data={"looks": []})
    assert insights_of([run]) == []
    assert insights_of([]) == []


def test_a_ruler_of_other_lengths_fits_beside(run, ready_dataset):
    shorter = make_finished_run(ready_dataset, architecture="gru")
    lengths = {"lengths": [1, 2, 4], "losses": [5.0, 4.6, 4.3], "knee": 4}
    make_insights(shorter, memory_ruler=lengths | {"untrained": RULER["untrained"] | {"losses": [6.0, 6.0, 6.0]}})
    ruler = insights_of([shorter, run])[0]
    assert ruler.head == ["Last words", "GRU", "LSTM", "untrained"]
    assert ruler.rows[-2] == ["32", "–", "4.26", "–"]


@pytest.mark.parametrize("norms", [[0.0, 0.0], [1e-30, 1e30], [1.0]])
def test_a_gradient_that_is_nothing_or_explodes_does_not_break_the_page(ready_dataset, norms):
    run = make_finished_run(ready_dataset)
    make_insights(
        run, gradient_reach={"norms": norms, "reach": None, "looks": [], "untrained": {"norms": norms, "reach": None}}
    )
    reach = insights_of([run])[2]
    assert reach.sentence
    assert all(TOP <= y <= BASE for line in reach.lines for _, y in numbers(line.path))


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=8))
def test_a_scale_holds_its_values_between_round_lines(values):
    scale = Scale.over(values)
    assert all(TOP - 0.1 <= scale.y(value) <= BASE + 0.1 for value in values)
    assert 2 <= len(scale.grid()) <= 5
    assert len({tick.label for tick in scale.grid()}) == len(scale.grid())


@given(st.lists(st.floats(1e-12, 1e4), min_size=1, max_size=8))
def test_a_logarithmic_scale_draws_what_lies_beyond_at_its_ends(values):
    scale = LogScale.over(values)
    assert all(TOP - 0.1 <= scale.y(value) <= BASE + 0.1 for value in values)
    assert 2 <= len(scale.grid()) <= 6


@given(st.lists(st.floats(TOP, BASE), min_size=1, max_size=9))
def test_names_never_lie_on_each_other(ends):
    lines = [Line(name=str(index), cell="lstm", path="", end=end) for index, end in enumerate(ends)]
    named = with_names_apart(lines)
    assert [line.name for line in named] == [line.name for line in lines]
    places = sorted(line.name_at for line in named)
    assert all(below - above >= NAME_HEIGHT - 0.2 for above, below in pairwise(places))
    assert places[-1] <= BASE + NAME_HEIGHT
