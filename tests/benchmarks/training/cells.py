"""A recurrent layer of 512 units, forward and back, against torch's own in float32."""

from pathlib import Path

from tests.benchmarks.training.timing import Contestant, compare

HIDDEN_SIZE = 512


def run(data: Path, *, is_long: bool) -> None:
    for architecture in ("gru", "rnn", "lstm") if is_long else ("gru", "rnn"):
        for batch_size in (20, 32, 64) if is_long else (32,):
            same = {"architecture": architecture, "hidden_size": HIDDEN_SIZE, "batch_size": batch_size}
            print(f"  {architecture}, batch {batch_size}")
            compare(
                {
                    "torch, float32": Contestant("layer", same | {"precision": "float32"}),
                    "torch, bfloat16": Contestant("layer", same | {"precision": "bfloat16"}),
                    "as trained here": Contestant("layer", same | {"is_ours": True}, has_jemalloc=True),
                },
                rounds=25 if is_long else 9,
            )
