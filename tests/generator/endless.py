"""A network that never ends a song and can be held up, for tests of who waits, leaves or reads slowly."""

import threading

import numpy as np

from generator.decoding.model_file import WritingModel
from tests.generator.tiny_models import tiny_tokenizer

PATIENCE = 20  # seconds that it is held up at most


class GatedNetwork:
    """It writes one character for ever, and steps only while its gate is open."""

    def __init__(self, size: int):
        self.size, self.is_open = size, threading.Event()
        self.is_open.set()

    def first_memory(self, rows: int) -> list[np.ndarray]:
        return [np.zeros((rows, 1), np.float32)]

    def step(self, tokens: np.ndarray, memory: list[np.ndarray]):
        self.is_open.wait(PATIENCE)
        scores = np.zeros((len(tokens), self.size), np.float32)
        scores[:, -1] = 9
        return scores, memory


def endless_model() -> WritingModel:
    tokenizer = tiny_tokenizer("char")
    return WritingModel(GatedNetwork(tokenizer.vocabulary_size), tokenizer, size_bytes=0)
