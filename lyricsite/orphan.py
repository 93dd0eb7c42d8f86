"""End this process when its supervisor is gone, where the system does not do that by itself."""

import os
import signal
import threading
import time

POLL_SECONDS = 2


def end_with_supervisor() -> None:
    """Watch the process named by SUPERVISOR_PID, if any, from a daemon thread."""
    supervisor = os.environ.get("SUPERVISOR_PID")
    if supervisor and int(supervisor) == os.getppid():
        threading.Thread(target=_watch, args=[int(supervisor)], name="orphan-watch", daemon=True).start()


def _watch(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
