"""Two threads over one, by the clock: only a quiet machine of at least two cores tells."""

from pathlib import Path

from tests.benchmarks.training.timing import Contestant, compare
from training.language_model.machine import count_threads


def run(data: Path, *, is_long: bool) -> None:
    if count_threads(0) < 2:
        print("  this process may run on one core only")
        return
    net = {
        "embedding_size": 400,
        "hidden_size": 400,
        "num_layers": 1,
        "tie_embeddings": True,
        "batch_size": 64,
        "vocabulary_size": 10_000,
        "precision": "bfloat16",
    }
    for loss in ("full", "sampled"):
        print(f"  {loss} softmax over 10,000 words, one layer of 400, batch 64")
        compare(
            {
                "one thread": Contestant("trainer", net | {"loss": loss, "threads": 1}, has_jemalloc=True),
                "two threads": Contestant("trainer", net | {"loss": loss, "threads": 2}, has_jemalloc=True),
            },
            rounds=25 if is_long else 7,
            by_clock=True,
        )
