"""Comparing steps per second: contestants in processes of their own take turns, and medians are compared."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Self

from training.allocator import preloaded

ALLOCATOR_VARIABLES = ("LD_PRELOAD", "MALLOC_CONF")


@dataclass
class Contestant:
    """A step with its values, of the ``module`` that makes it in a process of its own.

    ``has_jemalloc`` if it runs on jemalloc, as training processes do.
    """

    maker: str
    values: Mapping
    has_jemalloc: bool = False
    module: str = "tests.benchmarks.training.contestants"
    speeds: list[float] = field(default_factory=list)  # tokens a second

    def __enter__(self) -> Self:
        environment = {name: value for name, value in os.environ.items() if name not in ALLOCATOR_VARIABLES}
        environment["OMP_NUM_THREADS"] = str(self.values.get("threads", 1))
        environment |= preloaded(environment) if self.has_jemalloc else {}
        command = [sys.executable, "-m", self.module, self.maker, json.dumps(self.values)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, env=environment, **pipes)
        if self._process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{self.maker} did not start.")
        return self

    def __exit__(self, *problem) -> None:
        self._process.stdin.close()
        self._process.wait()

    def step(self, *, by_clock: bool) -> None:
        """Have it do one step, and note its tokens for each second of processor time, or of the clock's."""
        self._process.stdin.write("step\n")
        self._process.stdin.flush()
        tokens, processor_seconds, clock_seconds = map(float, self._process.stdout.readline().split())
        self.speeds.append(tokens / (clock_seconds if by_clock else processor_seconds))

    @property
    def speed(self) -> float:
        return statistics.median(self.speeds)


def answer_steps(step: Callable[[], int]) -> None:
    """Be a contestant's process: do one ``step`` for each line read, and say its tokens and what it took."""
    step()
    print("ready", flush=True)
    for _ in sys.stdin:
        by_clock, by_processor = time.perf_counter(), time.process_time()
        tokens = step()
        print(tokens, time.process_time() - by_processor, time.perf_counter() - by_clock, flush=True)


def compare(contestants: Mapping[str, Contestant], *, rounds: int, by_clock: bool = False) -> None:
    """Print each one's tokens a second, and its ratio to the first, after ``rounds`` in turn."""
    with ExitStack() as running:
        for one in contestants.values():
            running.enter_context(one)
        for _ in range(rounds):
            for one in contestants.values():
                one.step(by_clock=by_clock)
    first = next(iter(contestants.values()))
    for name, one in contestants.items():
        print(f"    {name:40} {one.speed / 1000:8.2f} thousand tokens/s   {one.speed / first.speed:6.2f} x", flush=True)
