"""What must hold after every fault: the rows (`training.invariants`), the processes and their logs."""

import os

from tests.faults.harness import FaultPlatform, all_pids, command_line, is_alive, parent_of
from tests.processes import wait_until
from training.models import Attempt, MetricPoint, RunEvent, TrainingRun
from training.models.runs import TERMINAL

try:
    from training.invariants import breaches as breaches_in_rows
except ImportError:

    def breaches_in_rows() -> list[str]:
        found = []
        for run in TrainingRun.objects.all():
            found += [f"run {run.pk}: {breach}" for breach in (*_of_history(run), *_of_metrics(run))]
        return found


def _of_history(run: TrainingRun) -> list[str]:
    """I2: one end of a run at most, and attempts without gaps."""
    found = []
    states = RunEvent.objects.filter(run=run, kind=RunEvent.Kind.STATE).order_by("sequence")
    ends = [state for state in states.values_list("state", flat=True) if state in TERMINAL]
    if len(ends) > 1 + states.filter(state="queued", message__icontains="again").count():
        found.append(f"it ended as {', '.join(ends)}")
    numbers = list(Attempt.objects.filter(run=run).order_by("number").values_list("number", flat=True))
    if numbers != list(range(1, len(numbers) + 1)):
        found.append(f"its attempts are numbered {numbers}")
    return found


def _of_metrics(run: TrainingRun) -> list[str]:
    """I3: steps that rise with the sequence in which they were written."""
    steps = list(MetricPoint.objects.filter(run=run).order_by("sequence").values_list("step", flat=True))
    return [] if steps == sorted(set(steps)) else ["the steps of its measurements do not rise"]


def assert_all_is_well(platform: FaultPlatform, *, expected: tuple[str, ...] = ()) -> None:
    """Raise AssertionError with every breach in words. Logs may hold the ``expected`` errors and no other."""
    found = breaches_in_rows()
    found += _orphans(platform)
    found += _unexpected_errors(platform, expected)
    assert not found, "\n".join(["These invariants are broken:", *found])


def _orphans(platform: FaultPlatform) -> list[str]:
    """I8: no training whose worker is gone. One that has just lost it may take a moment."""

    def orphans() -> list[int]:
        mine = str(platform.folder)
        return [
            pid
            for pid in all_pids()
            if "train_attempt" in command_line(pid)
            and is_alive(pid)
            and parent_of(pid) in (1, os.getpid())
            and mine in _environment(pid)
        ]

    try:
        wait_until(lambda: not orphans(), seconds=5)
    except AssertionError:
        return [f"process {pid} trains on without its worker" for pid in orphans()]
    return []


def _environment(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _unexpected_errors(platform: FaultPlatform, expected: tuple[str, ...]) -> list[str]:
    """I7: no traceback but of what the test did."""
    found = []
    for path in sorted(platform.folder.glob("*.log")):
        log = platform.new_log(path.stem)
        for part in log.split("Traceback (most recent call last)")[1:]:
            words = part[:6000]
            if not any(word in words for word in expected):
                found.append(f"{path.name}: Traceback{words[:1500]}")
    return found
