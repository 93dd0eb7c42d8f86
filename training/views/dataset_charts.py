"""A dataset's counts as bars and columns: positions in per cent, so that a page needs no style attribute."""

from dataclasses import dataclass

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
    """A histogram: its columns, the numbers below them, and the commonest number in words."""

    bars: list[Column]
    axis: list[str]
    most: int


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
    commonest = min((histogram["most"] - first) // step, len(counts) - 1)
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
    return Columns(bars, _axis(first, step, len(counts)), histogram["most"])


def bars(counted: list) -> list[Bar]:
    """Lay out pairs of a name and a count, the largest count as the full width."""
    largest = max((count for _, count in counted), default=1)
    return [Bar(str(name), count, _percent(100 * count / largest)) for name, count in counted]


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


def _percent(value: float) -> str:
    return f"{value:.2f}%"
