"""A web process that writes with one small model: what it takes of the memory, and what each part of it does.

python -m tests.benchmarks.generation.memory FOLDER     # what is resident after each step of a start, as JSON
"""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.generation import light_client, served
from tests.benchmarks.generation.figures import at_most, show

MEGABYTE = 1e6
STEPS = {  # what a web process imports, in this order
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "tokenizers": "tokenizers",
    "our decoding": "generator.decoding.engine",
    "Django": "django.core.handlers.asgi",
    "Celery": "celery",
    "redis": "redis",
}


def run(folder: Path) -> None:
    from tests.benchmarks.generation import models  # the measured processes shall not know torch

    model = served.publish_model(folder, models.model_file(folder, "small"), name="LSTM 128")
    (person,) = served.tokens_of_people(1)
    with served.web_server(folder) as (port, pid):
        show("web process, nobody has asked", f"{resident_bytes(pid) / MEGABYTE:.0f} MB")
        light_client.read_all(port, [served.stream_request(port, model, "the moon", token=person, max_tokens=50)])
        at_most("after a text by one small model", resident_bytes(pid) / MEGABYTE, 180, "MB")
        has_torch = "libtorch" in Path(f"/proc/{pid}/maps").read_text()
        show("torch is loaded", "yes" if has_torch else "no", "goal no", is_reached=not has_torch)
    command = [sys.executable, "-m", __name__, str(models.ready_model(folder, "small"))]
    before = 0
    for what, after in json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout):
        show(f"  of it {what}", f"{(after - before) / MEGABYTE:+.0f} MB")
        before = after


def resident_bytes(pid: int | str) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Start as the web part does, step by step."""
    resident = [("Python", resident_bytes("self"))]
    for what, module in STEPS.items():
        importlib.import_module(module)
        resident.append((what, resident_bytes("self")))
    import django

    django.setup()
    importlib.import_module("lyricsite.asgi")
    resident.append(("our apps and their models", resident_bytes("self")))
    importlib.import_module("lyricsite.urls")
    resident.append(("our pages and interfaces", resident_bytes("self")))
    from generator.decoding.batch import write
    from tests.benchmarks.generation import writing

    model = writing.open_model(Path(sys.argv[1]))
    resident.append(("a small model", resident_bytes("self")))
    for _ in write(model, "the moon", writing.recipes(1, tokens=50)[0]):
        pass
    resident.append(("its first text", resident_bytes("self")))
    print(json.dumps(resident))


if __name__ == "__main__":
    main()
