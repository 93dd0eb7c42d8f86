"""From scores to tokens, for all rows of a batch at once: what may be drawn, how likely it is, what each seed draws.

The order is fixed and part of the definition: forbidden tokens, repetition penalty, phrases not to be repeated, the
``top_k`` likeliest (never more than 128), temperature, then inside these, each on the probabilities that the one before
it left: top-p, min-p, typical-p. Ties go to the lower token id. What a row draws depends on its own scores, recipe and
past alone, to the last bit: every sum over candidates runs from the first to the last of all 128 places.
"""

import hashlib
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy import ndarray

from generator.recipe import TOP_K_CAP, Recipe

NOBODY = np.iinfo(np.int64).min
LOW_BITS = np.int64(0xFFFFFFFF)


def uniform(seed: int, position: int) -> float:
    """The random number in [0, 1) that ``seed`` gives at ``position``.

    Counted, not drawn: it depends on nothing that was asked before, so a text is the same alone, among others and after
    a restart, on every platform. 53 bits of BLAKE2b.
    """
    digest = hashlib.blake2b(struct.pack("<QQ", seed, position), digest_size=8, person=b"lyric-draw").digest()
    return (int.from_bytes(digest, "little") >> 11) * 2.0**-53


# ── The likeliest ────────────────────────────────────────────────────────────────────────────────────────────────


def likeliest(scores: ndarray, count: int) -> tuple[ndarray, ndarray]:
    """(ids, scores), each (B, TOP_K_CAP): the ``count`` highest of each row of ``scores`` (B, V), best first.

    Ties go by id. Unused places have the score -inf. No row is sorted as a whole: what reaches a bound that ``count``
    scores of the row are known to reach is few, and only that is sorted, by one number that holds score and id.
    """
    B, V = scores.shape
    found = np.flatnonzero(scores >= _lower_bound(scores, count))
    rows, ids = np.divmod(found, V)
    values = scores.reshape(-1)[found]
    per_row = np.bincount(rows, minlength=B)
    keys = np.full((B, max(int(per_row.max()), TOP_K_CAP)), NOBODY)
    places = np.arange(len(found)) - np.repeat(np.cumsum(per_row) - per_row, per_row)
    keys[rows, places] = (_ordered(values).astype(np.int64) << 32) | (LOW_BITS - ids)
    keys.sort(axis=1)
    best = keys[:, ::-1][:, :TOP_K_CAP]
    is_there = best != NOBODY
    is_there[:, count:] = False
    ids = np.where(is_there, LOW_BITS - (best & LOW_BITS), 0)
    return ids, np.where(is_there, np.take_along_axis(scores, ids, axis=1), -np.inf)


def _lower_bound(scores: ndarray, count: int) -> ndarray:
    """A number (B, 1) that at least ``count`` scores of each row reach: the highest of many columns are compared."""
    B, V = scores.shape
    height = V // (2 * count)
    if height < 2:
        return np.full((B, 1), np.finfo(np.float32).min, np.float32)  # -inf is no candidate
    width = V // height
    highest = scores[:, : height * width].reshape(B, height, width).max(axis=1)
    bound = np.partition(highest, width - count, axis=1)[:, width - count, None]
    return np.maximum(bound, np.finfo(np.float32).min)


def _ordered(values: ndarray) -> ndarray:
    """float32 as int32 in the same order."""
    bits = (values + np.float32(0)).view(np.int32)  # -0 becomes 0
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))


# ── Filters: candidates (B, K), best first, with their probabilities; what each leaves is a mask ─────────────────


def top_p(probabilities: ndarray, share: ndarray) -> ndarray:
    """Those that are needed to reach ``share`` (B, 1) together. Holtzman et al. 2020, arXiv:1904.09751."""
    return np.cumsum(probabilities, axis=1) - probabilities < share


def min_p(probabilities: ndarray, share: ndarray) -> ndarray:
    """Those of at least ``share`` (B, 1) times the highest. Nguyen et al. 2024, arXiv:2407.01082."""
    return probabilities >= share * probabilities[:, :1]


def typical_p(probabilities: ndarray, share: ndarray) -> ndarray:
    """Those whose surprise is nearest to the expected one, until they reach ``share`` (B, 1). Meister et al. 2023."""
    surprise = -np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
    expected = np.cumsum(probabilities * surprise, axis=1)[:, -1:]
    distance = np.where(probabilities > 0, np.abs(surprise - expected), np.inf)
    order = np.argsort(distance, axis=1, kind="stable")
    ordered = np.take_along_axis(probabilities, order, axis=1)
    is_kept = np.cumsum(ordered, axis=1) - ordered < share
    kept = np.zeros_like(is_kept)
    np.put_along_axis(kept, order, is_kept, axis=1)
    return kept


class Rules:
    """The recipes of the rows that draw together, as columns (B, 1)."""

    def __init__(self, recipes: Sequence[Recipe]) -> None:
        def column(values, kind=np.float64):
            return np.array([*values], kind).reshape(-1, 1)

        is_greedy = [recipe.temperature == 0 for recipe in recipes]
        self.counts = column(
            (1 if greedy else recipe.candidates_kept for recipe, greedy in zip(recipes, is_greedy, strict=True)), int
        )
        self.most = int(self.counts.max())
        temperatures = (recipe.temperature or 1.0 for recipe in recipes)
        self.temperatures = column(temperatures, np.float32)
        shares = {
            top_p: (column(recipe.top_p for recipe in recipes), 1),
            min_p: (column(recipe.min_p for recipe in recipes), 0),
            typical_p: (column(recipe.typical_p for recipe in recipes), 1),
        }
        # A row without a filter is left as it is: its share lets everything through.
        self.filters = [(keep, share, share != off) for keep, (share, off) in shares.items() if (share != off).any()]


def chances(scores: ndarray, rules: Rules) -> tuple[ndarray, ndarray]:
    """What may be drawn from ``scores`` (B, V), forbidden ones -inf: ids (B, K), best first, and their probabilities.

    Each row has at least one finite score. What may not be drawn has the probability 0.
    """
    ids, values = likeliest(scores, rules.most)
    values = np.where(np.arange(TOP_K_CAP) < rules.counts, values, -np.inf) / rules.temperatures
    probabilities = _shared_out(np.exp(values.astype(np.float64) - values[:, :1]))
    for keep, share, is_wanted in rules.filters:
        is_kept = keep(probabilities, share) | ~is_wanted
        probabilities = np.where(is_wanted, _shared_out(probabilities * is_kept), probabilities)
    return ids, probabilities


def _shared_out(weights: ndarray) -> ndarray:
    return weights / np.cumsum(weights, axis=1)[:, -1:]


def pick(probabilities: ndarray, numbers: ndarray) -> ndarray:
    """The place (B,) that each number of [0, 1) (B,) falls on, among probabilities (B, K) laid end to end."""
    heights = np.cumsum(probabilities, axis=1)
    places = (heights <= numbers[:, None] * heights[:, -1:]).sum(axis=1)
    last = probabilities.shape[1] - 1 - (probabilities[:, ::-1] > 0).argmax(axis=1)
    return np.minimum(places, last)


# ── The past of a row ────────────────────────────────────────────────────────────────────────────────────────────


class Past:
    """What one candidate has read and written, as far as its recipe looks back.

    Args:
        marks: ids of breaks and ends, which neither penalty nor phrases touch: a song may not run out of line ends.
    """

    def __init__(self, recipe: Recipe, *, marks: Iterable[int]):
        self.penalty, self.phrase = recipe.repetition_penalty, recipe.no_repeat_ngram
        self._marks = frozenset(marks)
        self._seen: set[int] = set()
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
                self._seen.add(token)
                if self.phrase and len(self._history) >= self.phrase - 1:
                    self._followers[self._latest()].add(token)
            self._history.append(token)

    def weigh(self, scores: ndarray) -> None:
        """Lower and forbid, in ``scores`` (V,) themselves, what the recipe says of tokens already there.

        Source: Keskar et al. 2019, arXiv:1909.05858: positive scores are divided by the penalty, negative multiplied.
        """
        if self.penalty != 1 and self._seen:
            seen = np.fromiter(self._seen, np.intp)
            values = scores[seen]
            scores[seen] = np.where(values > 0, values / self.penalty, values * self.penalty)
        if self.phrase and len(self._history) >= self.phrase - 1:
            scores[list(self._followers.get(self._latest(), ()))] = -np.inf

    def _latest(self) -> tuple[int, ...]:
        return tuple(self._history[len(self._history) - self.phrase + 1 :])


def log_totals(scores: ndarray) -> ndarray:
    """log of the sum of exp(score) over each row of ``scores`` (B, V): (B,)."""
    highest = scores.max(axis=1)
    return highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
