"""What a row has read and written, as far as it decides what comes next: repeated words and phrases."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy import ndarray

from generator.recipe import Recipe


class Past:
    """What one candidate has read and written, as far as its recipe looks back.

    Args:
        marks: ids of breaks and ends, which neither penalty nor phrases touch: a song may not run out of line ends.
    """

    def __init__(self, recipe: Recipe, *, marks: Iterable[int]):
        self.penalty, self.phrase = recipe.repetition_penalty, recipe.no_repeat_ngram
        self._marks = frozenset(marks)
        self._seen: set[int] = set()
        self._seen_ids = np.empty(64, np.intp)  # the same, and room for more
        self._history: list[int] = []
        self._followers: dict[tuple[int, ...], set[int]] = defaultdict(set)

    @property
    def matters(self) -> bool:
        return self.penalty != 1 or self.phrase > 0

    def read(self, tokens: Iterable[int]) -> None:
        """Take note of tokens that stand before the next draw."""
        if not self.matters:
            return
        for token in tokens:
            if token not in self._marks:
                self._note(token)
                if self.phrase and len(self._history) >= self.phrase - 1:
                    self._followers[self._latest()].add(token)
            self._history.append(token)

    def weigh(self, scores: ndarray) -> None:
        """Lower and forbid, in ``scores`` (V,) themselves, what the recipe says of tokens already there.

        Source: Keskar et al. 2019, arXiv:1909.05858: positive scores are divided by the penalty, negative multiplied.
        """
        if self.penalty != 1 and self._seen:
            seen = self._seen_ids[: len(self._seen)]
            values = scores[seen]
            scores[seen] = np.where(values > 0, values / self.penalty, values * self.penalty)
        if self.phrase and len(self._history) >= self.phrase - 1:
            scores[list(self._followers.get(self._latest(), ()))] = -np.inf

    def _note(self, token: int) -> None:
        if self.penalty == 1 or token in self._seen:
            return
        if len(self._seen) == len(self._seen_ids):
            self._seen_ids = np.concatenate([self._seen_ids, self._seen_ids])
        self._seen_ids[len(self._seen)] = token
        self._seen.add(token)

    def _latest(self) -> tuple[int, ...]:
        return tuple(self._history[len(self._history) - self.phrase + 1 :])
