"""Bytes a token on disk, and the most memory a worker takes for thirteen million words at 30,000 kinds."""

import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from tests.benchmarks.training.texts import songs_of
from training.language_model.config import TrainingConfig
from training.language_model.corpus import SongText, build_corpus
from training.language_model.learner import Learner

LONG_WORDS, SHORT_WORDS = 13_000_000, 200_000
CONFIG = {
    "minimum_count": 1,
    "vocabulary_limit": 30_000,
    "embedding_size": 512,
    "hidden_size": 512,
    "batch_size": 64,
    "sequence_length": 48,
    "steps": 4,
    "full_softmax_share": 0.5,
}


def run(data: Path, *, is_long: bool) -> None:
    words = LONG_WORDS if is_long else SHORT_WORDS
    # In a process of its own, whose peak is that of the training alone.
    subprocess.run([sys.executable, "-m", __name__, str(data), str(words)], check=True)


def measure(data: Path, words: int) -> None:
    config = TrainingConfig.from_dict(CONFIG)
    corpus = build_corpus(many_songs(data, words), config)
    print(
        f"  {words:,} words: {len(corpus.tokens):,} tokens of {corpus.tokenizer.vocabulary_size:,} kinds, "
        f"{corpus.tokens.element_size()} bytes each on disk; peak {peak_megabytes():,.0f} MB when they are read",
        flush=True,
    )
    torch.set_num_threads(1)
    learner = Learner(corpus, config, torch.device("cpu"))
    for _ in range(config.steps):
        learner.learn(learning_rate=0.001, precision="float32")
    print(f"  peak {peak_megabytes():,.0f} MB after {config.steps} steps of an LSTM of 512, batch 64 x 48", flush=True)


def many_songs(data: Path, words: int) -> Iterator[SongText]:
    """As many words as wanted, in songs of lines from all songs, so that no two share a verse."""
    chance = random.Random(1)
    lines = [line for song in songs_of(data) for line in song.text.split("\n") if line and not line.startswith("[")]
    while words > 0:
        song = "\n\n".join("\n".join(chance.choices(lines, k=8)) for _ in range(4))
        words -= len(song.split())
        yield SongText(text=song)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    measure(Path(sys.argv[1]), int(sys.argv[2]))
