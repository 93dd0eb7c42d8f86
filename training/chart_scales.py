"""The axes of charts that are drawn without a script: vertical positions in px, horizontal ones in per cent."""

import math
from dataclasses import dataclass, replace

HEIGHT, TOP, BASE = 216, 22, 184  # px
MOST_STEPS = 4  # between the lines of a grid
MOST_MARKS = 5
LEAST, MOST = 1e-6, 1e3  # where logarithmic axes end


@dataclass(frozen=True)
class Tick:
    """A line of the grid, or a mark below it; ``at`` is in px from the top, or in per cent from the left."""

    at: str
    label: str
    anchor: str = "middle"


@dataclass(frozen=True)
class Scale:
    """A vertical axis from ``low`` at the bottom to ``high`` at the top, with a line of the grid at each ``step``."""

    low: float
    high: float
    step: float

    @classmethod
    def over(cls, values: list[float]) -> "Scale":
        """Just as high as the values need, in steps of 1, 2 or 5, with two to five lines."""
        lowest, highest = min(values), max(values)
        step = round_step(max(highest - lowest, 1e-3) / MOST_STEPS)
        low, high = _around(lowest, highest, step)
        if round((high - low) / step) > MOST_STEPS:  # the rounding at both ends made one more
            step = round_step(1.5 * step)
            low, high = _around(lowest, highest, step)
        return cls(low, high, step)

    def y(self, value: float) -> float:
        return BASE - (BASE - TOP) * (value - self.low) / (self.high - self.low)

    def grid(self) -> list[Tick]:
        digits = max(0, -math.floor(math.log10(self.step) + 1e-9))
        count = round((self.high - self.low) / self.step)
        values = [self.low + index * self.step for index in range(count + 1)]
        return [Tick(px(self.y(value)), f"{value:.{digits}f}".replace("-", "−")) for value in values]


@dataclass(frozen=True)
class LogScale:
    """A vertical axis of shares by powers of ten, 1 or more at the top; what lies beyond its ends is drawn there."""

    low: int
    high: int

    @classmethod
    def over(cls, values: list[float]) -> "LogScale":
        least, most = max(min(values), LEAST), min(max(values), MOST)
        return cls(min(-1, math.floor(math.log10(least))), max(0, math.ceil(math.log10(most) - 1e-9)))

    def y(self, value: float) -> float:
        power = math.log10(min(max(value, LEAST), MOST))
        return BASE - (BASE - TOP) * (power - self.low) / (self.high - self.low)

    def grid(self) -> list[Tick]:
        powers = range(self.high, self.low - 1, -math.ceil((self.high - self.low) / MOST_STEPS))
        return [Tick(px(self.y(10.0**power)), power_in_words(power)) for power in powers]


def _around(lowest: float, highest: float, step: float) -> tuple[float, float]:
    """The multiples of ``step`` below and above."""
    low = step * math.floor(lowest / step + 1e-9)
    return low, max(low + step, step * math.ceil(highest / step - 1e-9))


def power_in_words(power: int) -> str:
    """Ten to the ``power`` as a share: "100 %", "0.01 %"."""
    return f"{100 * 10.0**power:,.{max(0, -power - 2)}f} %"


def round_step(value: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is no less than ``value``."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value * (1 - 1e-9))


def thinned(ticks: list[Tick]) -> list[Tick]:
    """At most `MOST_MARKS` of the marks, evenly spread; the first begins and one at the very end ends at its place."""
    chosen = ticks[:: max(1, math.ceil(len(ticks) / MOST_MARKS))]
    anchors = {"0.00%": "start", "100.00%": "end"}
    return [replace(tick, anchor=anchors.get(tick.at, "middle")) for tick in chosen]


def per_cent(place: float) -> str:
    return f"{100 * place:.2f}%"


def px(value: float) -> str:
    return f"{value:.1f}"
