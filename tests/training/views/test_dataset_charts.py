"""Counts laid out in per cent."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from training.statistics import histogram, year_histogram
from training.views.dataset_charts import CURVE_BASE, CURVE_TOP, bars, columns, growth, left_out, year_columns


def test_the_longest_bar_is_the_largest_count():
    assert [(bar.name, bar.width) for bar in bars([["a", 4], ["b", 1]])] == [("a", "100.00%"), ("b", "25.00%")]
    assert bars([]) == []


def test_nothing_counted_has_no_columns():
    assert columns({}) is None
    assert columns(None) is None


def test_the_column_of_the_commonest_number_stands_out():
    drawn = columns(histogram(Counter({2: 1, 3: 5, 4: 5})))

    assert [bar.is_most for bar in drawn.bars] == [False, True, False]
    assert drawn.axis == ["2", "3", "4"]
    assert drawn.bars[0].height == "20.00%"


def test_the_columns_can_be_read_as_a_table():
    assert columns(histogram(Counter({2: 1, 3: 5, 4: 5}))).rows == [("2", 1), ("3", 5), ("4 or more", 5)]


def test_the_first_column_of_years_is_open_and_the_last_is_not():
    drawn = year_columns(year_histogram(Counter({1960 + year: 40 for year in range(60)} | {19: 1})))

    assert drawn.rows[0] == ("1960 to 1964 or earlier", 201)
    assert drawn.rows[-1] == ("2015 to 2019", 200)
    assert not any(mark.endswith("+") for mark in drawn.axis)


def test_a_vocabulary_that_grows_is_a_line_from_nothing_to_its_end():
    drawn = growth([[1, 40], [2, 70], [4, 100]])

    assert drawn.path.startswith(f"M0 {CURVE_BASE}")
    assert drawn.path.endswith(f"L1000 {CURVE_TOP}.0")
    assert [line.label for line in drawn.lines] == ["50", "100"]
    assert [mark.label for mark in drawn.marks] == ["0", "2", "4"]


def test_two_songs_draw_no_curve():
    assert growth([[1, 40], [2, 70]]) is None
    assert growth([]) is None


def test_reasons_are_said_in_words_the_commonest_first():
    report = {"rejected": {"empty": 1, "malformed": 3}, "duplicates": {"exact": 2}}

    assert [(bar.name, bar.count) for bar in left_out(report)] == [
        ("Not readable", 3),
        ("Exact copies", 2),
        ("No words", 1),
    ]
    assert left_out({}) == []


@given(st.dictionaries(st.integers(0, 5000), st.integers(1, 10**6), min_size=1, max_size=200))
def test_a_histogram_loses_no_count_and_draws_inside_its_frame(counted):
    sorted_in = histogram(Counter(counted))
    drawn = columns(sorted_in)

    assert sum(sorted_in["counts"]) == sum(counted.values())
    assert 1 <= len(drawn.bars) <= 20
    assert sum(bar.is_most for bar in drawn.bars) == 1
    for bar in drawn.bars:
        assert 0 <= float(bar.x[:-1]) < 100
        assert 0 <= float(bar.height[:-1]) <= 100
