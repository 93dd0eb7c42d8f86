"""Two texts side by side: which lines are the same, which differ and in which words. Pure Python."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

SAME, CHANGED, LEFT_ONLY, RIGHT_ONLY, GAP = "same", "changed", "left", "right", "gap"
# Comparing takes up to the product of both lengths, so longer texts are compared by their beginnings.
LONGEST_LINES, LONGEST_WORDS = 400, 120
LINES_AROUND = 2  # of what is the same, beside what differs
SHORTEST_GAP = 3  # to say that two lines are the same takes as much room as showing them
_WORD = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line, and whether the other side lacks it."""

    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A line of both texts: ``kind`` is same, changed, left or right (one side only), or gap (``count`` same lines)."""

    kind: str
    left: tuple[Part, ...] = ()
    right: tuple[Part, ...] = ()
    count: int = 1


def side_by_side(left: str, right: str) -> list[Row]:
    """Lay the lines of two texts beside each other; long stretches of same lines are folded into a gap.

    Of each text the first 400 lines are compared.
    """
    rows = list(_rows(left.splitlines()[:LONGEST_LINES], right.splitlines()[:LONGEST_LINES]))
    return list(_folded(rows))


def first_difference(left: str, right: str) -> tuple[str, str] | None:
    """Return the first line that differs, as it stands left and right; None where all lines are the same."""
    differing = (row for row in side_by_side(left, right) if row.kind not in (SAME, GAP))
    row = next(differing, None)
    return (_text(row.left), _text(row.right)) if row else None


def _rows(left: Sequence[str], right: Sequence[str]) -> Iterator[Row]:
    for action, left_from, left_to, right_from, right_to in SequenceMatcher(None, left, right).get_opcodes():
        if action == "equal":
            for line in left[left_from:left_to]:
                parts = (Part(line, False),)
                yield Row(SAME, parts, parts)
            continue
        for one, other in zip_longest(left[left_from:left_to], right[right_from:right_to]):
            yield _row(one, other)


def _row(left: str | None, right: str | None) -> Row:
    if right is None:
        return Row(LEFT_ONLY, (Part(left, True),), ())
    if left is None:
        return Row(RIGHT_ONLY, (), (Part(right, True),))
    return Row(CHANGED, *_parts(left, right))


def _parts(left: str, right: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """The pieces of two lines word by word; lines that have little in common differ as a whole."""
    ours, theirs = _WORD.findall(left), _WORD.findall(right)
    if max(len(ours), len(theirs)) > LONGEST_WORDS:
        return (Part(left, True),), (Part(right, True),)
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    if matcher.ratio() < 0.4:
        return (Part(left, True),), (Part(right, True),)
    changes = matcher.get_opcodes()
    return (
        tuple(Part("".join(ours[a:b]), action != "equal") for action, a, b, _, _ in changes if b > a),
        tuple(Part("".join(theirs[a:b]), action != "equal") for action, _, _, a, b in changes if b > a),
    )


def _folded(rows: list[Row]) -> Iterator[Row]:
    """The rows with each long run of same lines folded, a few left standing beside what differs."""
    near = {
        place
        for index, row in enumerate(rows)
        if row.kind != SAME
        for place in range(index - LINES_AROUND, index + LINES_AROUND + 1)
    }
    hidden: list[Row] = []
    for index, row in enumerate(rows):
        if index not in near:
            hidden.append(row)
            continue
        yield from _gap(hidden)
        hidden = []
        yield row
    yield from _gap(hidden)


def _gap(rows: list[Row]) -> list[Row]:
    return [Row(GAP, count=len(rows))] if len(rows) >= SHORTEST_GAP else rows


def _text(parts: tuple[Part, ...]) -> str:
    return "".join(part.text for part in parts)
