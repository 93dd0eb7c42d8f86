"""The geometry of a chart that overlays curves: pixels downwards, per cent across, text that keeps its size.

A point of a curve is in an inner picture 1,000 wide that is stretched; whatever has text stands outside it.
"""

import itertools
import math
from dataclasses import dataclass

from training.comparison import Comparison, Entrant, Look, turn_of_the_race

WIDE = 1000
LEFT, RIGHT, RIGHT_FOR_LONG_NAMES = 70, 860, 800
LONG_NAME = 4
TOP, BOTTOM, HEIGHT = 14, 274, 300
LINE_HEIGHT = 17  # of the names at the ends
# The first looks, far above all others, may leave the picture at its top.
ROOM_ABOVE = 1.6
TIME_STEPS = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400)


@dataclass(frozen=True)
class Axis:
    """What runs across: ``column`` of a `Look`."""

    name: str
    title: str
    column: str


AXES = {
    axis.name: axis
    for axis in (
        Axis("tokens", "tokens read", "tokens"),
        Axis("epochs", "epochs", "epoch"),
        Axis("seconds", "time", "seconds"),
    )
}


@dataclass(frozen=True)
class Tick:
    """A labelled place: ``at`` is in pixels for heights, in per cent across."""

    at: float
    text: str


@dataclass(frozen=True)
class Curve:
    cell: str
    path: str
    is_thin: bool


@dataclass(frozen=True)
class Name:
    """Who a curve is, at its end; ``height`` of the dot, ``text_height`` of the words, apart from all others."""

    cell: str
    label: str
    value: str
    across: float
    height: float
    text_height: float


@dataclass(frozen=True)
class Chart:
    height: int
    ups: list[Tick]
    acrosses: list[Tick]
    curves: list[Curve]
    names: list[Name]
    baseline: Tick | None  # what counting words comes to, where that is in the picture
    baseline_across: float  # where its words end, left of the names


def draw(comparison: Comparison, axis: Axis) -> Chart | None:
    """Return the curves of every run by ``axis``, one name for each entrant; None where nothing was judged yet."""
    looks = [look for one in comparison.contenders for look in one.looks]
    if not looks:
        return None
    end = max(getattr(look, axis.column) for look in looks) or 1
    low, high = heights_shown(comparison)
    step = nice_step(low, high, 5)
    low = step * math.floor(low / step + 1e-9)  # the picture stands on a line that has its number
    has_long_names = any(len(entrant.label) > LONG_NAME for entrant in comparison.entrants)
    right = RIGHT_FOR_LONG_NAMES if has_long_names else RIGHT

    def across(look: Look) -> float:
        return LEFT + (right - LEFT) * getattr(look, axis.column) / end

    def down(nats: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (nats - low) / (high - low)

    ups = ticks_between(low, high, step)
    decimals = 1 if step >= 0.1 and step * 10 % 1 < 1e-9 else 2
    entrants = [entrant for entrant in comparison.entrants if entrant.looks]
    return Chart(
        height=HEIGHT,
        ups=[Tick(round(down(value), 1), f"{value:.{decimals}f}") for value in ups],
        acrosses=[
            Tick(round((LEFT + (right - LEFT) * value / end) / WIDE * 100, 2), words(value, axis))
            for value in across_ticks(end, axis)
        ],
        curves=[
            Curve(
                entrant.architecture,
                "M" + " L".join(f"{across(look):.0f} {down(look.nats_per_character):.1f}" for look in one.looks),
                is_thin=len(entrant.contenders) > 1,
            )
            for entrant in entrants
            for one in entrant.contenders
            if one.looks
        ],
        names=_names(entrants, across, down),
        baseline=_mark(comparison.baseline, low, high, down),
        baseline_across=right / WIDE * 100 - 2,
    )


def caption(comparison: Comparison, axis: Axis) -> str:
    """Return what the curves show, in one sentence with numbers."""
    turn = turn_of_the_race(comparison, axis.column)
    if turn is None:
        return "One curve alone shows how a network learns, and not yet which learns better."
    winner, rival, passed = turn
    ends = f"{winner.score.mean:.2f} against {rival.score.mean:.2f} nats per character"
    if passed is None:
        return f"{winner.label} is ahead at every look; it comes to {ends} of {rival.label}."
    return f"{rival.label} is ahead until {where(passed, axis)}, then {winner.label} passes it and comes to {ends}."


def where(value: float, axis: Axis) -> str:
    """Return a place on the axis with its unit: 5 M tokens, epoch 3.5, 6 min."""
    if axis.name == "seconds":
        return f"{value:.0f} s" if value < 90 else f"{value / 60:.1f} min"
    return f"epoch {value:.1f}" if axis.name == "epochs" else f"{words(float(f'{value:.2g}'), axis)} tokens"


def _mark(baseline: float | None, low: float, high: float, down) -> Tick | None:
    if baseline is None or not low <= baseline <= high:
        return None
    return Tick(round(down(baseline), 1), f"counting words {baseline:.2f}")


def heights_shown(comparison: Comparison) -> tuple[float, float]:
    """(lowest, highest) loss in the picture: what can be compared, rather than the fall of the first steps."""
    curves = [[look.nats_per_character for look in one.looks] for one in comparison.contenders if one.looks]
    low = min(min(curve) for curve in curves)
    highest = max(max(curve) for curve in curves)
    last = max(curve[-1] for curve in curves)
    third = max(curve[min(2, len(curve) - 1)] for curve in curves)
    high = min(highest, max(third, low + ROOM_ABOVE * (last - low)))
    room = max(high - low, 0.05)
    return max(0.0, low - 0.12 * room), high + 0.05 * room


def _names(entrants: list[Entrant], across, down) -> list[Name]:
    ends = [entrant.looks[-1] for entrant in entrants]
    heights = [min(max(down(end.nats_per_character), TOP), BOTTOM) for end in ends]
    places = spread_apart(heights, LINE_HEIGHT)
    return [
        Name(
            entrant.architecture,
            entrant.label,
            f"{end.nats_per_character:.2f}",
            round(across(end) / WIDE * 100, 2),
            round(height, 1),
            round(place + 4, 1),
        )
        for entrant, end, height, place in zip(entrants, ends, heights, places, strict=True)
    ]


def spread_apart(heights: list[float], gap: float) -> list[float]:
    """Return heights as near to these as can be, in their order, none nearer than ``gap`` to another."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    placed = list(heights)
    for above, below in itertools.pairwise(order):
        placed[below] = max(placed[below], placed[above] + gap)
    overhang = max((placed[order[-1]] - heights[order[-1]]) / 2, 0) if order else 0
    return [place - overhang for place in placed]


def nice_step(low: float, high: float, most: int) -> float:
    """Return a round distance that parts ``low`` and ``high`` into at most about ``most`` pieces."""
    rough = max(high - low, 1e-9) / most
    power = 10 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)


def ticks_between(low: float, high: float, step: float) -> list[float]:
    """Return the multiples of ``step`` from ``low`` to ``high``."""
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def across_ticks(end: float, axis: Axis) -> list[float]:
    if axis.name != "seconds":
        return ticks_between(0, end, nice_step(0, end, 4))
    step = next((step for step in TIME_STEPS if end / step <= 5), TIME_STEPS[-1] * math.ceil(end / TIME_STEPS[-1] / 5))
    return ticks_between(0, end, step)


def words(value: float, axis: Axis) -> str:
    """Return a place on the axis as people say it: 500 k, 20 M, 2.5, 90 s, 6 min."""
    if value == 0:
        return "0"
    if axis.name == "seconds":
        if value < 60:
            return f"{value:g} s"
        return f"{value / 60:.3g} min" if value < 7200 else f"{value / 3600:.3g} h"
    if value >= 1_000_000:
        return f"{value / 1_000_000:.3g} M"
    return f"{value / 1000:.3g} k" if value >= 10_000 else f"{value:,.4g}"
