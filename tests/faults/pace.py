"""How long things take: the times of a real installation, or a tenth of them, and what is measured."""

import json
import os
import time
from pathlib import Path

from django.db import connection

from tests.processes import wait_until

IS_FULL = os.environ.get("FAULTS_FULL", "") not in {"", "0", "false"}
# What a slow machine may need beside the deadline itself: a worker and a child start in seconds of processor time.
ALLOWANCE_SECONDS = 20
REAL_TIMES = {
    "LEASE_SECONDS": 30,
    "HEARTBEAT_SECONDS": 5,
    "RECONCILE_SECONDS": 10,
    "RING_AGAIN_SECONDS": 15,
    "STALL_SECONDS": 60,
    "CANCEL_GRACE_SECONDS": 15,
    "WORKER_BEAT_SECONDS": 1.5,
    "WORKER_STALE_SECONDS": 5,
    "RESUME_SECONDS": 60,
    "LOST_WAITS_SECONDS": "0,10,60",
}
# A tenth, but for what must outlast a moment in which a busy machine runs something else.
SCALED_TIMES = {
    "LEASE_SECONDS": 4,
    "HEARTBEAT_SECONDS": 0.5,
    "RECONCILE_SECONDS": 1,
    "RING_AGAIN_SECONDS": 1.5,
    "STALL_SECONDS": 15,
    "CANCEL_GRACE_SECONDS": 3,
    "WORKER_BEAT_SECONDS": 0.5,
    "WORKER_STALE_SECONDS": 3,
    "RESUME_SECONDS": 1,
    "LOST_WAITS_SECONDS": "0,1,6",
}
TIMES = REAL_TIMES if IS_FULL else SCALED_TIMES


def limit(seconds: float) -> float:
    """How long to wait for what the rules promise within ``seconds``: as they say, or a tenth of it on scaled times."""
    return seconds if IS_FULL else seconds / 10 + ALLOWANCE_SECONDS


def scaled(seconds: float) -> float:
    """How long a fault of ``seconds`` lasts in this run of the tests."""
    return seconds if IS_FULL else seconds / 10


def seconds_until(condition, *, seconds: float, what: str = "") -> float:
    """How long it took until ``condition`` held. Raises: AssertionError when it did not within ``seconds``."""
    begun = time.monotonic()
    wait_until(condition, seconds=seconds, what=what)
    return time.monotonic() - begun


def note(name: str, value: object) -> None:
    """Print a measured figure, and add it to the file named by FAULT_FIGURES where there is one."""
    line = json.dumps({"figure": name, "value": value, "full": IS_FULL, "database": connection.vendor})
    print(line)
    if path := os.environ.get("FAULT_FIGURES"):
        with Path(path).open("a") as file:
            file.write(line + "\n")
