"""A network that sings known words at its own pace, for tests of what happens while it writes."""

import time
from types import SimpleNamespace

import numpy as np

from generator.decoding.model_file import WritingModel
from tests.songs import small_songs
from training.language_model.tokenizers import Tokenizer

READING = {
    "minimum_count": 1,
    "vocabulary_limit": 5000,
    "case": "lower",
    "lines_right_to_left": False,
    "with_title": False,
}


class SingingNetwork:
    """After each token comes one of those that follow it in its song, all as likely; the song never ends."""

    def __init__(self, song: list[int], size: int, *, pace_seconds: float):
        self.pace_seconds = pace_seconds
        self.scores = np.zeros((size, size), np.float32)
        for token, following in zip(song, [*song[1:], song[0]], strict=True):
            self.scores[token, following] = 40

    def first_memory(self, rows: int) -> list[np.ndarray]:
        return [np.zeros((rows, 1), np.float32)]

    def step(self, tokens: np.ndarray, memory: list[np.ndarray]):
        time.sleep(self.pace_seconds)
        return self.scores[tokens], memory


def singing_model(*, text: str = "", kind: str = "word", pace_seconds: float = 0.05) -> WritingModel:
    """A model that sings ``text``, the small songs unless said otherwise."""
    text = text or "\n\n".join(song["text"] for song in small_songs())
    tokenizer = Tokenizer.train([text], SimpleNamespace(tokenizer=kind, **READING))
    song = tokenizer.encode_prompt(f"{text}\n\n")
    network = SingingNetwork(song, tokenizer.vocabulary_size, pace_seconds=pace_seconds)
    return WritingModel(network, tokenizer, size_bytes=0)
