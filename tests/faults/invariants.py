"""What must hold after every fault: the rows (`training.invariants`), the processes and their logs."""

import os

from tests.faults import pids
from tests.faults.harness import FaultPlatform
from tests.processes import wait_until
from training.invariants import breaches


def assert_all_is_well(platform: FaultPlatform, *, expected: tuple[str, ...] = ()) -> None:
    """Raise AssertionError with every breach in words. Logs may hold the ``expected`` errors and no other."""
    found = breaches()
    found += _orphans(platform)
    found += _unexpected_errors(platform, expected)
    assert not found, "\n".join(["These invariants are broken:", *found])


def _orphans(platform: FaultPlatform) -> list[str]:
    """I8: no training whose worker is gone. One that has just lost it may take a moment."""

    def orphans() -> list[int]:
        mine = str(platform.folder)
        return [
            pid
            for pid in pids.all_pids()
            if "train_attempt" in pids.command_line(pid)
            and pids.is_alive(pid)
            and pids.parent_of(pid) in (1, os.getpid())
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
