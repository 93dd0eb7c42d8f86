"""Processes by their exact ids: who started whom, who lives, what each holds."""

import os
import signal
from pathlib import Path

from training.models import TrainingRun


def command_line(pid: int) -> list[str]:
    """The words of a process's command; empty when it is gone or a zombie."""
    try:
        return [word.decode(errors="replace") for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
    except OSError:
        return []


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def all_pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def family(pid: int) -> list[int]:
    """``pid`` and everything that it started, parents first."""
    parents = {one: parent_of(one) for one in all_pids()}
    found = [pid]
    for member in found:  # grows while it is gone through
        found += [one for one, parent in parents.items() if parent == member]
    return found


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def send(number: signal.Signals, *pids: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue  # it ended by itself


def children_of(run: TrainingRun) -> list[int]:
    """The processes of this machine that train ``run``."""
    return [pid for pid in all_pids() if {"train_attempt", run.pk} <= set(command_line(pid)) and is_alive(pid)]


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
