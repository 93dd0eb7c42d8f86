"""The machine and the programs that a text may depend on."""

import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path


@cache
def this_machine() -> dict[str, str]:
    """What a text may depend on beside model, prompt and recipe."""
    return {"processor": _processor()} | {program: version(program) for program in ("onnxruntime", "numpy", "numba")}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
