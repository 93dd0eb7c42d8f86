"""What a process may do and how long it lives: it ends with the one that started it, and within limits."""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
STATUS = Path("/proc/self/statm")
CONTAINER_MEMORY = Path("/sys/fs/cgroup/memory.max")


def die_with_parent() -> None:
    """Have Linux kill this process when its parent dies, however that happens; elsewhere this does nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_file_size(size_bytes: int) -> None:
    """Let no file that this process writes grow beyond ``size_bytes``: writing on raises OSError (EFBIG)."""
    _limit(resource.RLIMIT_FSIZE, size_bytes)


def limit_memory(more_bytes: int) -> None:
    """Let this process map ``more_bytes`` beyond what it has mapped by now; asking for more raises MemoryError.

    Where the system does not tell what is mapped, this does nothing.
    """
    if STATUS.exists():
        mapped = int(STATUS.read_text().split()[0]) * resource.getpagesize()
        _limit(resource.RLIMIT_AS, mapped + more_bytes)


def lift_memory_limit() -> None:
    """Take `limit_memory` back as far as may be, for the few last words of a process that came up against it."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _limit(what: int, wanted: int) -> None:
    """Lower the soft limit alone: the hard one may have been set by who runs this machine."""
    soft, most = resource.getrlimit(what)
    for already in (soft, most):
        if already != resource.RLIM_INFINITY:
            wanted = min(wanted, already)
    resource.setrlimit(what, (wanted, most))


def machine_memory() -> int:
    """Bytes of memory that this machine, or the container that it looks like, has."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(machine, int(CONTAINER_MEMORY.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        return machine
