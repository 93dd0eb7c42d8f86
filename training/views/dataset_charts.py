"""A dataset's counts as bars and columns: positions in per cent, so that a page needs no style attribute."""

from dataclasses import dataclass, replace
from itertools import cycle

CURVE_HEIGHT, CURVE_TOP, CURVE_BASE = 190, 26, 162  # px
MOST_LINES = 4  # of a curve's grid
GAP = 0.12  # the part of a column's place that stays empty
REASON_WORDS = {
    "empty": "No words",
    "malformed": "Not readable",
    "oversized": "Too long",
    "binary": "Not text",
    "junk": "System files",
    "unsafe_path": "Unsafe names",
    "language": "Other language",
}


@dataclass(frozen=True)
class Column:
    x: str
    y: str
    width: str
    height: str
    is_most: bool


@dataclass(frozen=True)
class Columns:
    """A histogram: its columns, the numbers below them, the commonest number, and all of it as rows of a table."""

    bars: list[Column]
    axis: list[str]
    most: int
    rows: list[tuple[str, int]]


@dataclass(frozen=True)
class Tick:
    """A line of the grid, or a mark below it; ``at`` is in px from the top, or in per cent from the left."""

    at: str
    label: str


@dataclass(frozen=True)
class Curve:
    """A line from no songs to all of them; ``path`` lies in a box of 1,000 by ``height``."""

    path: str
    height: int
    base: float
    lines: list[Tick]
    marks: list[Tick]
    end_y: str
    label_y: str
    rows: list[tuple[int, int]]


@dataclass(frozen=True)
class Bar:
    name: str
    count: int
    width: str


def columns(histogram: dict | None) -> Columns | None:
    """Lay out a `training.statistics.histogram`; None where nothing was counted."""
    if not histogram:
        return None
    counts, first, step = histogram["counts"], histogram["first"], histogram["step"]
    place, highest = 100 / len(counts), max(counts)
    commonest = min(max((histogram["most"] - first) // step, 0), len(counts) - 1)
    bars = [
        Column(
            x=_percent(index * place + place * GAP / 2),
            y=_percent(100 - 100 * count / highest),
            width=_percent(place * (1 - GAP)),
            height=_percent(100 * count / highest),
            is_most=index == commonest,
        )
        for index, count in enumerate(counts)
    ]
    ranges = _ranges(first, step, len(counts))
    if len(counts) > 1:
        ranges[-1] = f"{first + step * (len(counts) - 1)} or more"
    rows = list(zip(ranges, counts, strict=True))
    return Columns(bars, _axis(first, step, len(counts)), histogram["most"], rows)


def year_columns(histogram: dict | None) -> Columns | None:
    """Lay out a `training.statistics.year_histogram`: its last column ends with the last year, the first is open."""
    drawn = columns(histogram)
    if drawn is None:
        return None
    axis = [mark.removesuffix("+") for mark in drawn.axis]
    ranges = _ranges(histogram["first"], histogram["step"], len(drawn.rows))
    ranges[0] += " or earlier"
    rows = list(zip(ranges, histogram["counts"], strict=True))
    return replace(drawn, axis=axis, rows=rows)


def bars(counted: list) -> list[Bar]:
    """Lay out pairs of a name and a count, the largest count as the full width."""
    largest = max((count for _, count in counted), default=1)
    return [Bar(str(name), count, _percent(100 * count / largest)) for name, count in counted]


def growth(points: list) -> Curve | None:
    """Lay out the points [songs, different words] of a vocabulary that grows; None where they make no line."""
    if not points or len(points) < 3:
        return None
    songs, words = points[-1]
    step = _round_step(words / MOST_LINES)
    highest = max(words, step)

    def y_of(number: float) -> float:
        return round(CURVE_BASE - (CURVE_BASE - CURVE_TOP) * number / highest, 1)

    path = " ".join(f"L{1000 * at / songs:.0f} {y_of(number)}" for at, number in points)
    return Curve(
        path=f"M0 {y_of(0)} {path}",
        height=CURVE_HEIGHT,
        base=CURVE_BASE,
        lines=[Tick(f"{y_of(number)}", f"{number:,}") for number in range(step, highest + 1, step)],
        marks=[Tick(_percent(100 * share), f"{round(songs * share):,}") for share in (0, 0.5, 1)],
        end_y=f"{y_of(words)}",
        label_y=f"{y_of(words) - 10}",
        rows=[(at, number) for at, number in points],
    )


def _round_step(value: float) -> int:
    """The smallest of 1, 2, 5, 10, 20 … that is no less than ``value``."""
    factors, step = cycle((2, 2.5, 2)), 1
    while step < value:
        step *= next(factors)
    return int(step)


def left_out(report: dict) -> list[Bar]:
    """Say why records of an import are not in use, the commonest reason first."""
    counted = [[REASON_WORDS.get(reason, reason), count] for reason, count in report.get("rejected", {}).items()]
    copies = report.get("duplicates", {}).get("exact", 0)
    counted += [["Exact copies", copies]] if copies else []
    return bars(sorted(counted, key=lambda pair: -pair[1]))


def _axis(first: int, step: int, count: int) -> list[str]:
    """Up to five numbers, spread over the columns; the last column also holds all that is larger."""
    last = first + step * (count - 1)
    if count < 5:
        return [str(first + step * index) for index in range(count)]
    marks = [first + step * round(index * (count - 1) / 4) for index in range(4)]
    return [*map(str, marks), f"{last}+"]


def _ranges(first: int, step: int, count: int) -> list[str]:
    """Which numbers each column holds, in words."""
    starts = [first + step * index for index in range(count)]
    return [str(start) if step == 1 else f"{start} to {start + step - 1}" for start in starts]


def _percent(value: float) -> str:
    return f"{value:.2f}%"
