"""How well a training's time and memory are told before it starts: python -m tests.benchmarks.estimates

One short timing of one net says how slow this machine is; every other net's step is then told from its shape, and
measured. Times are CPU time of one thread, medians, the nets in turns, so that neighbours on the machine matter little.
Memory is the growth of a child process of its own for each net. The goal is 30 % either way.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import torch

from training.language_model import gauges, machine
from training.language_model.config import STANDING_MEMORY_BYTES, TrainingConfig, estimate_memory_bytes
from training.language_model.corpus import Corpus, SongText, build_corpus
from training.language_model.estimates import Speed, step_seconds
from training.language_model.evaluation import evaluate
from training.language_model.learner import Learner

GOAL = 0.3
CPU = torch.device("cpu")
# cell, hidden, embedding, layers, vocabulary, batch, sequence
CALIBRATED_BY = ("lstm", 256, 256, 1, 3000, 20, 48)
TIMED = [
    ("lstm", 128, 128, 1, 2000, 20, 48),
    ("lstm", 256, 64, 1, 100, 32, 96),
    ("lstm", 400, 400, 1, 10_000, 32, 35),
    ("gru", 128, 128, 2, 2000, 20, 48),
    ("gru", 320, 320, 1, 6000, 32, 48),
    ("rnn", 256, 256, 1, 3000, 20, 48),
]
WEIGHED = [
    ("lstm", 256, 256, 1, 3000, 20, 48),
    ("lstm", 400, 400, 1, 10_000, 32, 48),
    ("gru", 512, 64, 2, 100, 48, 128),
    ("rnn", 512, 64, 2, 100, 48, 128),
]
FORGET_PEAK, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
TURNS = 7
STEPS_WEIGHED = 4


def config_of(shape: tuple) -> TrainingConfig:
    names = ("architecture", "hidden_size", "embedding_size", "num_layers", "vocabulary_limit", "batch_size")
    values = dict(zip((*names, "sequence_length"), shape, strict=True))
    return TrainingConfig.from_dict(values | {"minimum_count": 1, "dropout": 0.3, "threads": 1, "device": "cpu"})


@cache
def songs_of(words: int) -> list[SongText]:
    """Songs that hold so many different words, 27,000 and more in all."""
    chance = random.Random(1)
    names = [f"w{number}x" for number in range(words)]
    chance.shuffle(names)
    lines = [" ".join(chance.choices(names, k=9)) for _ in range(3_000)]
    lines += [" ".join(names[start : start + 9]) for start in range(0, words, 9)]
    return [SongText(text="\n".join(lines[start : start + 25])) for start in range(0, len(lines), 25)]


def corpus_of(config: TrainingConfig) -> Corpus:
    return build_corpus(songs_of(config.vocabulary_limit), config)


def time_steps(precision: str) -> list[tuple[str, float, float]]:
    """(net, told, measured) seconds of a step for every net of `TIMED`."""
    learners = {}
    for shape in (CALIBRATED_BY, *TIMED):
        config = config_of(shape)
        learners[shape] = Learner(corpus_of(config), config, CPU)
    taken: dict[tuple, list[float]] = {shape: [] for shape in learners}
    with machine.settings(threads=1, precision=precision):
        for _ in range(TURNS):
            for shape, learner in learners.items():
                start = time.process_time()
                learner.learn(learning_rate=0.0, precision=precision)
                taken[shape].append(time.process_time() - start)
    measured = {shape: statistics.median(seconds[1:]) for shape, seconds in taken.items()}
    vocabularies = {shape: learner.corpus.tokenizer.vocabulary_size for shape, learner in learners.items()}
    known = config_of(CALIBRATED_BY).replace(precision=precision)
    tokens = known.batch_size * known.sequence_length
    speed = Speed.of_training(known, vocabularies[CALIBRATED_BY], tokens / measured[CALIBRATED_BY])
    print(f"{precision}: this machine takes {speed.slowness:.2f} of the time of the one that was fitted")
    return [
        (words_of(shape), step_seconds(config_of(shape), vocabularies[shape], speed), measured[shape])
        for shape in TIMED
    ]


def weigh(shape: tuple) -> None:
    """Print what a process grows by when it trains this net; in a child process, whose peak is its own."""
    config = config_of(shape)
    corpus = corpus_of(config)
    small = config.replace(hidden_size=16, embedding_size=16, num_layers=1, batch_size=2, sequence_length=8)
    Learner(corpus, small, CPU).learn(learning_rate=0.0, precision="float32")  # what torch loads at its first step
    before = gauges.memory_in_use(CPU)
    FORGET_PEAK.write_text("5")
    learner = Learner(corpus, config, CPU)
    for _ in range(STEPS_WEIGHED):
        learner.learn(learning_rate=0.001, precision="float32")
    next(evaluate(learner.network, corpus.validation))
    grown = peak_bytes() - before
    told = estimate_memory_bytes(config.replace(precision="float32"), corpus.tokenizer.vocabulary_size)
    print(json.dumps([told - STANDING_MEMORY_BYTES, grown]))


def peak_bytes() -> int:
    """The most memory this process held since its peak was forgotten."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def weigh_all() -> list[tuple[str, float, float]]:
    """(net, told, measured) megabytes of growth for every net of `WEIGHED`."""
    found = []
    for shape in WEIGHED:
        command = [sys.executable, "-m", "tests.benchmarks.estimates", "--weigh", json.dumps(shape)]
        told, grown = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        found.append((words_of(shape), told / 2**20, grown / 2**20))
    return found


def words_of(shape: tuple) -> str:
    cell, hidden, embedding, layers, vocabulary, batch, sequence = shape
    return f"{cell} {layers} x {hidden}, {embedding} in, {vocabulary:,} tokens, {batch} x {sequence}"


def report(title: str, rows: list[tuple[str, float, float]], unit: str, scale: float) -> None:
    errors = [told / measured - 1 for _, told, measured in rows]
    print(f"\n{title}\n{'net':<46}{'told':>9}{'measured':>10}{'off':>8}")
    for (net, told, measured), error in zip(rows, errors, strict=True):
        print(f"{net:<46}{scale * told:>9.1f}{scale * measured:>10.1f}{100 * error:>+7.0f} %")
    worst = max(map(abs, errors))
    print(f"{unit}; the worst is {100 * worst:.0f} % off, the goal is {100 * GOAL:.0f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision", choices=["float32", "medium", "bfloat16"], action="append")
    parser.add_argument("--weigh", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.weigh:
        weigh(tuple(json.loads(options.weigh)))
        return
    for precision in options.precision or ["float32"]:
        report("Time of a step", time_steps(precision), "milliseconds of CPU", 1000.0)
    report("Memory", weigh_all(), "megabytes a process grows by", 1.0)


if __name__ == "__main__":
    main()
