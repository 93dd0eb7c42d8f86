"""Named places where a test may have this process fail: `FAULT=name:kill9`, `name:raise` or `name:sleep:seconds`.

They do nothing unless settings.FAULTS_ENABLED, which no server sets.
"""

import os
import signal
import time

from django.conf import settings


class FaultInjected(Exception):
    """Raised where a test asked for it."""


def fault_point(name: str) -> None:
    """Do here what the environment's FAULT asks for at this ``name``; nothing, ever, on a server."""
    if not getattr(settings, "FAULTS_ENABLED", False):
        return
    wanted, _, what = os.environ.get("FAULT", "").partition(":")
    if wanted != name:
        return
    kind, _, number = what.partition(":")
    if kind == "kill9":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "raise":
        raise FaultInjected(name)
    elif kind == "sleep":
        time.sleep(float(number))
