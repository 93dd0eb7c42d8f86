"""Tokens a second against the yardstick: the same net, exact softmax and drawn words."""

import math
from pathlib import Path

from tests.benchmarks.training.baseline import Baseline
from tests.benchmarks.training.texts import zipf_stream
from tests.benchmarks.training.timing import Contestant, compare

SIZES = (10_000, 33_278)  # Penn Treebank's and WikiText-2's vocabulary


def run(data: Path, *, is_long: bool) -> None:
    check_yardstick()
    for size in SIZES:
        stock = {"vocabulary_size": size}
        ours = stock | {"precision": "bfloat16"}
        drawn = ours | {"loss": "sampled"}
        contestants = {
            "word_language_model": Contestant("word_language_model", stock),
            "the same net and batch, exact": Contestant("trainer", ours, has_jemalloc=True),
            "the same net and batch, 1,024 drawn": Contestant("trainer", drawn, has_jemalloc=True),
        }
        if is_long:
            contestants |= {
                "word_language_model on jemalloc": Contestant("word_language_model", stock, has_jemalloc=True),
                "exact, without jemalloc": Contestant("trainer", ours),
                "1,024 drawn, without jemalloc": Contestant("trainer", drawn),
                "exact, batch 64": Contestant("trainer", ours | {"batch_size": 64}, has_jemalloc=True),
                "1,024 drawn, batch 64": Contestant("trainer", drawn | {"batch_size": 64}, has_jemalloc=True),
            }
        print(f"  {size:,} words")
        compare(contestants, rounds=21 if is_long else 7)


def check_yardstick() -> None:
    """See that the yardstick begins by knowing nothing, which costs ln V, and learns at its rate of 20 at once."""
    vocabulary_size = 2000
    baseline = Baseline(zipf_stream(vocabulary_size, 30_000), vocabulary_size)
    losses = [baseline.step()[0] for _ in range(30)]
    print(f"  the yardstick's loss: {losses[0]:.2f} (ln V = {math.log(vocabulary_size):.2f}), then {losses[-1]:.2f}")
    if abs(losses[0] - math.log(vocabulary_size)) > 0.1 or losses[-1] > losses[0] - 0.5:
        raise AssertionError("The yardstick does not behave as published.")
