"""What a text depends on beside model, prompt and recipe: the processor and the programs that did the arithmetic."""

import functools
import platform
from importlib import metadata
from pathlib import Path

from generator.decoding.model_file import WritingModel

PROCESSOR_FACTS = Path("/proc/cpuinfo")
PROGRAMS = ("onnxruntime", "numpy")


def surroundings(model: WritingModel) -> dict[str, str]:
    """Processor, program versions and the precision in which ``model`` counts here, as far as each is known."""
    precision = getattr(model.network, "precision", "")
    return {"processor": processor(), **versions()} | ({"precision": precision} if precision else {})


@functools.cache
def processor() -> str:
    """The processor's own name where the system tells it, else its kind: "AMD EPYC 7763", "arm64"."""
    try:
        facts = PROCESSOR_FACTS.read_text(errors="replace")
    except OSError:
        facts = ""
    names = (line.partition(":")[2].strip() for line in facts.splitlines() if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


@functools.cache
def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in PROGRAMS}
