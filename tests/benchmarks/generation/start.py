"""The first use of a model of ten million weights in a process that was just started, by the clock.

python -m tests.benchmarks.generation.start MODEL     # what it took, as JSON
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.generation.figures import at_most, median, show

ROUNDS = 5


def run(folder: Path) -> None:
    from tests.benchmarks.generation import models  # the restarted process shall not know torch

    path = models.ten_million(folder)
    command = [sys.executable, "-m", __name__, str(path)]
    rounds = [json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(ROUNDS)]
    importing, loading, first = (median(one[name] for one in rounds) for name in ("importing", "loading", "first"))
    show("imports, which a web process has behind it", f"{importing:.2f} s")
    show("loading, first token", f"{loading:.2f}, {first:.3f} s")
    at_most("first use of a model", loading + first, 1.0, "s")


def main() -> None:
    started = time.perf_counter()
    from generator.decoding.batch import write
    from tests.benchmarks.generation import writing

    imported = time.perf_counter()
    model = writing.open_model(Path(sys.argv[1]))
    loaded = time.perf_counter()
    next(pieces for pieces in write(model, "the moon", writing.recipes(1, tokens=8)[0]) if pieces)
    first = time.perf_counter()
    took = {"importing": imported - started, "loading": loaded - imported, "first": first - loaded}
    print(json.dumps(took))


if __name__ == "__main__":
    main()
