"""Named places where a test may break the program on purpose. In production they do nothing.

A fault is planted in one of two ways, both only where ``settings.FAULTS_ENABLED``:

    FAULT="checkpoint.after_rename:kill9"     in the environment: at every passage; several are parted by commas
    $FAULT_FOLDER/checkpoint.after_rename     a file with the action: once, and the file is gone before it strikes

An action is ``kill9``, ``exit``, ``raise`` or ``sleep:SECONDS``; ``@3`` behind it waits for the third passage of this
process.
"""

import logging
import os
import signal
import time
from collections import Counter
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)
_passages: Counter[str] = Counter()


class InjectedFault(Exception):
    """Raised by a fault point that was told to raise."""


def fault_point(name: str) -> None:
    """Break here if a test asked for it.  Raises: InjectedFault when that is what was asked for."""
    if settings.FAULTS_ENABLED and (action := _planted(name)):
        _strike(name, action)


def _planted(name: str) -> str | None:
    """The action whose turn it is at this passage."""
    _passages[name] += 1
    for planted in filter(None, os.environ.get("FAULT", "").split(",")):
        place, _, action = planted.partition(":")
        if place == name and _is_due(name, action):
            return action
    folder = os.environ.get("FAULT_FOLDER")
    return _taken(Path(folder) / name, name) if folder else None


def _taken(file: Path, name: str) -> str | None:
    """The action in ``file``, for the one process that takes the file away."""
    try:
        action = file.read_text().strip()
        if not _is_due(name, action):
            return None
        file.unlink()
    except FileNotFoundError:
        return None
    return action


def _is_due(name: str, action: str) -> bool:
    _, _, passage = action.partition("@")
    return _passages[name] == int(passage) if passage else True


def _strike(name: str, action: str) -> None:
    what, _, argument = action.partition("@")[0].partition(":")
    logger.warning("fault point %s: %s", name, action)
    match what:
        case "kill9":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(1)
        case "raise":
            raise InjectedFault(f"A fault was planted at {name}.")
        case "sleep":
            time.sleep(float(argument))
        case _:
            raise ValueError(f"Not an action of a fault point: {action!r}")
