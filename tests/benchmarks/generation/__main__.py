"""Benchmarks of writing. Each prints ratios of one run; the machine may be busy with other work.

make bench-generation                          every benchmark, four minutes in all
make bench-generation FIGURES="streams http"   these alone

An LSTM of two layers, 512 wide, over 4,096 pieces of words; temperature .9, top-k 50, top-p .95. Processor time is that
of the measured process and all its threads, so that neighbours change a ratio little; medians, the contestants in turn.
"""

import argparse
import importlib
import os
import tempfile
import time
from pathlib import Path

BENCHMARKS = {
    "streams": "tokens/s of one stream, sixteen and sixty-four over the tutorial loop",
    "limits": "a step over what the processor could do in eight bits",
    "prefix": "a prompt that was read before over reading it",
    "start": "the first use of a model of ten million weights after a restart",
    "memory": "a web process with one small model",
    "seeds": "the same seed, the same text: alone, among others, after a restart",
    "http": "32 streams over HTTP against a naive server",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of: {', '.join(BENCHMARKS)}")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"There is no benchmark called {', '.join(sorted(unknown))}.")
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before any library reads them
    with tempfile.TemporaryDirectory(prefix="generation-") as folder:
        for name in arguments.names or BENCHMARKS:
            print(f"{name}: {BENCHMARKS[name]}", flush=True)
            started = time.perf_counter()
            importlib.import_module(f"tests.benchmarks.generation.{name}").run(Path(folder))
            print(f"  ({time.perf_counter() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
