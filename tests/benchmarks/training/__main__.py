"""Benchmarks of training. Each prints ratios of one run; the machine may be busy with other work.

make bench-training DATA=/data                      every benchmark in its short form, three minutes in all
make bench-training DATA=/data LONG="ptb lyrics"    these in their long form

The data folder has songs.jsonl.gz (a JSON object with "text" a line) and ptb/ptb.{train,valid}.txt. Processor time
is that of the measured process and all its threads, so that neighbours change a ratio little; medians, the
contestants in turn, each in a process of its own, on one thread unless said otherwise.
"""

import argparse
import importlib
import os
import subprocess
import sys
import time
from pathlib import Path

from training.allocator import preloaded

BENCHMARKS = {
    "throughput": "tokens/s against the word_language_model example",
    "cells": "GRU and RNN at hidden 512 against torch's own in float32",
    "threads": "two threads over one",
    "overhead": "the platform's records, checkpoints and samples beside the training itself",
    "memory": "corpus on disk, worker in memory",
    "ptb": "Penn Treebank: validation perplexity after so many seconds of processor time",
    "lyrics": "songs: nats per token after so many seconds, against Kneser-Ney",
}


def main() -> None:
    if added := preloaded(os.environ):  # here too trainings run on jemalloc, as a worker's do
        command = [sys.executable, "-m", __spec__.parent, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env={**os.environ, **added}).returncode)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=f"long form of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--short", action="store_true", help="the short form of those named")
    parser.add_argument("--data", type=Path, required=True, help="the folder with songs.jsonl.gz and ptb/")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"There is no benchmark called {', '.join(sorted(unknown))}.")
    for name in arguments.names or BENCHMARKS:
        print(f"{name}: {BENCHMARKS[name]}", flush=True)
        started = time.perf_counter()
        benchmark = importlib.import_module(f"tests.benchmarks.training.{name}")
        benchmark.run(arguments.data, is_long=bool(arguments.names) and not arguments.short)
        print(f"  ({time.perf_counter() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
