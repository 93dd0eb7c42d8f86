"""A web process that writes with one small model: what it takes of the memory, and what each part of it does."""

import json
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.generation import light_client, models, served
from tests.benchmarks.generation.figures import at_most, show
from tests.benchmarks.generation.resident import resident_bytes

MEGABYTE = 1e6


def run(folder: Path) -> None:
    model = served.publish_model(folder, models.model_file(folder, "small"), name="LSTM 128")
    (person,) = served.tokens_of_people(1)
    with served.web_server(folder) as (port, pid):
        show("web process, nobody has asked", f"{resident_bytes(pid) / MEGABYTE:.0f} MB")
        light_client.read_all(port, [served.stream_request(port, model, "the moon", token=person, max_tokens=50)])
        at_most("after a text by one small model", resident_bytes(pid) / MEGABYTE, 220, "MB")
        has_torch = "libtorch" in Path(f"/proc/{pid}/maps").read_text()
        show("torch is loaded", "yes" if has_torch else "no", "goal no", is_reached=not has_torch)
    print("    by the steps of such a start:", flush=True)
    for step, size in steps_of_a_start(models.ready_model(folder, "small")):
        show(f"  {step}", f"{size / MEGABYTE:+.0f} MB")


def steps_of_a_start(model: Path) -> list[tuple[str, int]]:
    """(step, bytes that it added) in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.generation.resident", str(model)]
    steps, before = [], 0
    for step, after in json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout):
        steps.append((step, after - before))
        before = after
    return steps
