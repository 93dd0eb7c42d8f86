"""Two texts side by side."""

from hypothesis import given
from hypothesis import strategies as st

from training.line_differences import CHANGED, GAP, LEFT_ONLY, RIGHT_ONLY, SAME, first_difference, side_by_side

KEPT = "The kettle sings at four\nthe window has gone blue\nI fold the map once more\nand leave it there for you"


def kinds(left: str, right: str) -> list[str]:
    return [row.kind for row in side_by_side(left, right)]


def differing(parts) -> list[str]:
    return [part.text for part in parts if part.differs]


def test_a_changed_word_is_marked_on_both_sides_and_no_other():
    [_, row, *_] = side_by_side(KEPT, KEPT.replace("blue", "grey"))

    assert row.kind == CHANGED
    assert (differing(row.left), differing(row.right)) == (["blue"], ["grey"])


def test_a_line_that_only_one_text_has_stands_alone():
    longer = KEPT + "\nand leave it there for good"

    assert kinds(KEPT, longer)[-1] == RIGHT_ONLY
    assert kinds(longer, KEPT)[-1] == LEFT_ONLY


def test_lines_with_nothing_in_common_differ_as_a_whole():
    [row] = side_by_side("The kettle sings at four", "Nobody knows my number")

    assert differing(row.left) == ["The kettle sings at four"]


def test_long_stretches_of_the_same_are_folded_and_counted():
    many = "\n".join(f"line {number}" for number in range(20))
    rows = side_by_side(many, many + "\nthe last one")

    assert [row.kind for row in rows] == [GAP, SAME, SAME, RIGHT_ONLY]
    assert rows[0].count == 18


def test_a_line_or_two_of_the_same_are_shown_rather_than_counted():
    few = "\n".join(f"line {number}" for number in range(4))

    assert kinds(few, few + "\nthe last one") == [SAME, SAME, SAME, SAME, RIGHT_ONLY]


def test_texts_that_are_the_same_are_one_gap():
    assert kinds(KEPT, KEPT) == [GAP]
    assert first_difference(KEPT, KEPT) is None


def test_the_first_difference_is_given_as_two_lines():
    assert first_difference("a cup\nof tea", "a cup\nof cocoa") == ("of tea", "of cocoa")


@given(st.text(alphabet="ab \n"), st.text(alphabet="ab \n"))
def test_no_line_of_either_side_is_lost(left, right):
    rows = side_by_side(left, right)
    shown = sum(row.count for row in rows if row.kind != RIGHT_ONLY)
    other = sum(row.count for row in rows if row.kind != LEFT_ONLY)

    assert (shown, other) == (len(left.splitlines()), len(right.splitlines()))
