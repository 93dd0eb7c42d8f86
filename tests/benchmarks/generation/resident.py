"""What is resident after each step of a web process's start, in its order, as JSON: [[step, bytes], …].

python -m tests.benchmarks.generation.resident FOLDER     # of a model that is ready to write
"""

import importlib
import json
import os
import sys
from pathlib import Path

LIBRARIES = ("numpy", "llvmlite.binding", "tokenizers", "redis", "celery", "django.core.handlers.asgi")


def resident_bytes(pid: int | str) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    steps: list[tuple[str, int]] = []

    def note(step: str) -> None:
        steps.append((step, resident_bytes("self")))

    note("Python")
    for library in LIBRARIES:
        importlib.import_module(library)
        note(library.partition(".")[0])
    os.environ["DJANGO_SETTINGS_MODULE"] = "lyricsite.settings"
    importlib.import_module("lyricsite.asgi")
    note("our apps and their models")
    importlib.import_module("lyricsite.urls")
    note("our pages and interfaces")
    batch = importlib.import_module("generator.decoding.batch")
    writing = importlib.import_module("tests.benchmarks.generation.writing")
    note("our decoding")
    model = writing.open_model(Path(sys.argv[1]))
    note("a small model")
    for _ in batch.write(model, "the moon", writing.recipes(1, tokens=50)[0]):
        pass
    note("its first text")
    print(json.dumps(steps))


if __name__ == "__main__":
    main()
