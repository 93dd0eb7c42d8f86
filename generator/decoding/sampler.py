"""From scores to one token: what may be drawn, how likely it is, and which one a seed draws.

The order is fixed and part of the definition: forbidden tokens, repetition penalty, phrases not to be repeated, the
``top_k`` likeliest (never more than 128), temperature, then inside these, each on the probabilities that the one before
it left: top-p, min-p, typical-p. Ties go to the lower token id.
"""

import hashlib
import struct
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from generator.recipe import Recipe


def uniform(seed: int, position: int) -> float:
    """The random number in [0, 1) that ``seed`` gives at ``position``.

    Counted, not drawn: it depends on nothing that was asked before, so a text is the same alone, among others and after
    a restart, on every platform. 53 bits of BLAKE2b.
    """
    digest = hashlib.blake2b(struct.pack("<QQ", seed, position), digest_size=8, person=b"lyric-draw").digest()
    return (int.from_bytes(digest, "little") >> 11) * 2.0**-53


def likeliest(scores: np.ndarray, count: int) -> np.ndarray:
    """The ids of the ``count`` highest finite scores, best first, ties by id. ``scores`` (V,)."""
    if count < len(scores):
        bound = np.partition(scores, len(scores) - count)[len(scores) - count]
        ids = np.flatnonzero(scores >= bound)
    else:
        ids = np.arange(len(scores))
    ids = ids[np.isfinite(scores[ids])]
    return ids[np.argsort(-scores[ids], kind="stable")][:count]


def penalised(scores: np.ndarray, seen: np.ndarray, penalty: float) -> np.ndarray:
    """Scores with those of ``seen`` ids lowered: divided by ``penalty`` when positive, multiplied when negative.

    Source: Keskar et al. 2019, arXiv:1909.05858.
    """
    lowered = scores.copy()
    values = scores[seen]
    lowered[seen] = np.where(values > 0, values / penalty, values * penalty)
    return lowered


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities of finite ``scores``, in float64."""
    weights = np.exp(scores.astype(np.float64) - scores.max())
    return weights / weights.sum()


def top_p(probabilities: np.ndarray, share: float) -> np.ndarray:
    """How many of the probabilities (best first) reach ``share`` together, as a mask. Holtzman et al. 2020."""
    before = np.cumsum(probabilities) - probabilities
    return before < share


def min_p(probabilities: np.ndarray, share: float) -> np.ndarray:
    """The probabilities of at least ``share`` times the highest, as a mask. Nguyen et al. 2024, arXiv:2407.01082."""
    return probabilities >= share * probabilities.max()


def typical_p(probabilities: np.ndarray, share: float) -> np.ndarray:
    """The probabilities whose surprise is nearest to the expected one, until they reach ``share``, as a mask.

    Source: Meister et al. 2023, arXiv:2202.00666.
    """
    surprise = -np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
    order = np.argsort(np.abs(surprise - (probabilities * surprise).sum()), kind="stable")
    before = np.cumsum(probabilities[order]) - probabilities[order]
    kept = np.zeros(len(probabilities), bool)
    kept[order[before < share]] = True
    return kept


def distribution(scores: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """What may be drawn from ``scores`` (V,), forbidden ones -inf: (ids best first, their probabilities).

    Greedy (temperature 0) leaves one. At least one finite score must be there.
    """
    ids = likeliest(scores, 1 if recipe.temperature == 0 else recipe.candidates_kept)
    if len(ids) == 1:
        return ids, np.ones(1)
    probabilities = softmax(scores[ids] / np.float32(recipe.temperature))
    filters = ((top_p, recipe.top_p, 1), (min_p, recipe.min_p, 0), (typical_p, recipe.typical_p, 1))
    for keep, share, off in filters:
        if share != off:
            kept = keep(probabilities, share)
            ids, probabilities = ids[kept], probabilities[kept] / probabilities[kept].sum()
    return ids, probabilities


class Sampler:
    """Draws the tokens of one candidate, and remembers them as far as the recipe looks back.

    Args:
        recipe: with a seed of this candidate's own (`Recipe.for_candidate`).
        forbidden: ids that are never drawn.
        marks: ids of breaks and ends, which neither penalty nor phrases touch: a song may not run out of line ends.
    """

    def __init__(self, recipe: Recipe, *, forbidden: Iterable[int], marks: Iterable[int]):
        self._recipe = recipe
        self._forbidden = np.array(sorted(forbidden), dtype=np.intp)
        self._marks = frozenset(marks)
        self._seen: set[int] = set()
        self._history: list[int] = []
        self._followers: dict[tuple[int, ...], set[int]] = defaultdict(set)
        self._position = 0

    def read(self, tokens: Iterable[int]) -> None:
        """Take note of tokens that stand before the next draw."""
        size = self._recipe.no_repeat_ngram
        for token in tokens:
            if token not in self._marks:
                self._seen.add(token)
                if size and len(self._history) >= size - 1:
                    self._followers[self._latest(size - 1)].add(token)
            self._history.append(token)

    def draw(self, scores: np.ndarray) -> tuple[int, float]:
        """The next token for ``scores`` (V,), and the network's own log probability of it, before any filter."""
        allowed = self._allowed(scores)
        ids, probabilities = distribution(allowed, self._recipe)
        if len(ids) == 1:
            token = int(ids[0])
        else:
            heights = np.cumsum(probabilities)
            drawn = uniform(self._recipe.seed, self._position) * heights[-1]
            token = int(ids[min(np.searchsorted(heights, drawn, side="right"), len(ids) - 1)])
        self._position += 1
        self.read([token])
        return token, log_probability(scores, token)

    def _allowed(self, scores: np.ndarray) -> np.ndarray:
        recipe = self._recipe
        if recipe.repetition_penalty != 1 and self._seen:
            allowed = penalised(scores, np.fromiter(self._seen, np.intp), recipe.repetition_penalty)
        else:
            allowed = scores.copy()
        allowed[self._forbidden] = -np.inf
        if recipe.no_repeat_ngram and len(self._history) >= recipe.no_repeat_ngram - 1:
            allowed[list(self._followers.get(self._latest(recipe.no_repeat_ngram - 1), ()))] = -np.inf
        return allowed

    def _latest(self, count: int) -> tuple[int, ...]:
        return tuple(self._history[len(self._history) - count :])


def log_probability(scores: np.ndarray, token: int) -> float:
    """The natural logarithm of the probability that ``scores`` (V,) give ``token``."""
    highest = scores.max()
    return float(scores[token] - highest - np.log(np.exp(scores - highest).sum()))
