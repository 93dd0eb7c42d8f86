"""A network without weights whose scores are spread as a trained one's: few likely tokens, a long tail."""

import numpy as np


class ZipfNetwork:
    """Scores fall with a token's rank; who holds which rank depends on what a row has read, by whole numbers alone.

    So the scores are the same on every platform. ``prepared`` many are computed ahead, for timing what comes after.
    """

    def __init__(self, size: int, *, prepared: int = 0):
        ranks = np.arange(size)
        self.size = size
        self._scores = (np.float32(12) / (np.float32(1) + ranks.astype(np.float32) / np.float32(8))) - np.float32(6)
        self._prepared = [self._scored(number * 7919) for number in range(prepared)]

    def first_memory(self, rows: int) -> list[np.ndarray]:
        return [np.zeros((rows, 1), np.int64)]

    def step(self, tokens: np.ndarray, memory: list[np.ndarray]):
        read = (memory[0] * 31 + tokens[:, None] * 7 + 11) % 1_000_003
        if self._prepared:
            count = len(self._prepared)
            return np.array([self._prepared[one] for one in read[:, 0] % count]), [read]
        return np.array([self._scored(int(one)) for one in read[:, 0]]), [read]

    def _scored(self, key: int) -> np.ndarray:
        """Each token's rank is a permutation of the ids: times a number that shares no factor with their count."""
        step = 1009 + 2 * (key % 64)
        while np.gcd(step, self.size) != 1:
            step += 1
        return self._scores[(np.arange(self.size) * step + key) % self.size]
