"""How figures are compared and printed: medians, and what was to be reached."""

import statistics
from collections.abc import Iterable

ENTRY = 46  # characters of what a line says first


def show(what: str, value: str, note: str = "", *, is_reached: bool | None = None) -> None:
    """Print one line: what was measured, and whether a goal is reached."""
    verdict = "" if is_reached is None else "  reached" if is_reached else "  NOT REACHED"
    print(f"    {what:{ENTRY}} {value:>18}{note and f'   ({note})'}{verdict}", flush=True)


def at_least(what: str, value: float, goal: float, unit: str = "×") -> None:
    show(what, f"{value:,.1f} {unit}", f"goal ≥ {goal:g} {unit}", is_reached=value >= goal)


def at_most(what: str, value: float, goal: float, unit: str) -> None:
    show(what, f"{value:,.1f} {unit}", f"goal ≤ {goal:g} {unit}", is_reached=value <= goal)


def percentile(values: Iterable[float], share: float) -> float:
    """The value that ``share`` of all are not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


median = statistics.median
