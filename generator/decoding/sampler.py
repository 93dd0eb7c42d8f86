"""From scores to tokens, for all rows of a batch at once: what may be drawn, how likely it is, what each seed draws.

The order is fixed and part of the definition: forbidden tokens, repetition penalty, phrases not to be repeated, the
``top_k`` likeliest (never more than 128), temperature, then inside these, each on the probabilities that the one before
it left: top-p, min-p, typical-p. Ties go to the lower token id. What a row draws depends on its own scores, recipe and
past alone, to the last bit: every sum over candidates runs from the first to the last, and places without a candidate
stand behind them and add nothing.

Forbidden are, besides what no reader can use: tokens that complete a banned word (`banned`), and the end of the song
before it has ``min_lines``. Where all this leaves a row no token, its song ends: the end alone may be drawn.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy import ndarray

from generator.recipe import Recipe

NOBODY = np.iinfo(np.int64).max
LOW_BITS = np.int64(0xFFFFFFFF)
SIGN = np.iinfo(np.int32).min
LOWEST = np.finfo(np.float32).min  # -inf is no candidate
ROWS_AT_ONCE = 16  # their exponentials stay in the processor's cache; more would be fetched from new pages at each step
COLUMNS_COMPARED = 256  # of a large vocabulary; more cost more to compare, fewer leave more to sort


class Numbers:
    """The random numbers in [0, 1) of a seed, one for each position.

    Counted, not drawn: they depend on nothing that was asked before, so a text is the same alone, among others and
    after a restart, on every platform. 53 bits of BLAKE2b.
    """

    def __init__(self, seed: int) -> None:
        self._seeded = hashlib.blake2b(seed.to_bytes(8, "little"), digest_size=8, person=b"lyric-draw")

    def at(self, position: int) -> float:
        hashed = self._seeded.copy()  # half the price of a new one
        hashed.update(position.to_bytes(8, "little"))
        return (int.from_bytes(hashed.digest(), "little") >> 11) * 2.0**-53


def uniform(seed: int, position: int) -> float:
    """The random number that ``seed`` gives at ``position``; see `Numbers`."""
    return Numbers(seed).at(position)


# ── The likeliest ────────────────────────────────────────────────────────────────────────────────────────────────


def likeliest(scores: ndarray, count: int) -> tuple[ndarray, ndarray]:
    """(ids, scores), each (B, count): the ``count`` highest of each row of ``scores`` (B, V), best first.

    Ties go by id. Unused places have the score -inf. No row is sorted as a whole: what reaches a bound that ``count``
    scores of the row are known to reach is few, and only that is sorted, by one number that holds score and id.
    """
    B, V = scores.shape
    flat = scores.reshape(-1)
    found = np.greater_equal(scores, _lower_bound(scores, count)).reshape(-1).nonzero()[0]
    values = flat.take(found)
    if B == 1 and len(found) >= count:  # half the calls
        best = np.negative(values).argsort(kind="stable")[:count]
        return found.take(best)[None], values.take(best)[None]
    ends = found.searchsorted(np.arange(V, B * V + 1, V))
    per_row = ends.copy()
    per_row[1:] -= ends[:-1]
    rows = np.arange(B).repeat(per_row)
    keys = _best_first(values) << 32
    keys |= found - rows * V
    table = np.full((B, max(int(per_row.max()), count)), NOBODY)
    # The keys of each row go where that row of the table begins.
    shifts = np.arange(B) * table.shape[1] - (ends - per_row)
    table.reshape(-1)[np.arange(len(found)) + shifts.take(rows)] = keys
    table.sort(axis=1)
    best = table[:, :count]
    ids = best & LOW_BITS
    if per_row.min() >= count:
        return ids, flat.take(ids + np.arange(0, B * V, V)[:, None])
    is_there = best != NOBODY
    ids[~is_there] = 0
    return ids, np.where(is_there, np.take_along_axis(scores, ids, axis=1), np.float32(-np.inf))


def _lower_bound(scores: ndarray, count: int) -> ndarray:
    """A number (B, 1) that at least ``count`` scores of each row reach: the highest of many columns are compared."""
    B, V = scores.shape
    height = V // max(2 * count, COLUMNS_COMPARED if V > 4 * COLUMNS_COMPARED else 0)
    if height < 2:
        return np.full((B, 1), LOWEST, np.float32)
    width = V // height
    highest = np.maximum.reduce(scores[:, : height * width].reshape(B, height, width), axis=1)
    highest.partition(width - count, axis=1)
    return np.maximum(highest[:, width - count, None], LOWEST)


def _best_first(values: ndarray) -> ndarray:
    """float32 as int64 of 32 bits in the opposite order."""
    bits = (values + np.float32(0)).view(np.int32)  # -0 becomes 0
    return (bits ^ ((~bits >> 31) | SIGN)).astype(np.int64)


# ── Filters: candidates (B, K), best first, with their probabilities; what each leaves is a mask ─────────────────


def top_p(probabilities: ndarray, share: ndarray) -> ndarray:
    """Those that are needed to reach ``share`` (B, 1) together. Holtzman et al. 2020, arXiv:1904.09751."""
    return np.add.accumulate(probabilities, axis=1) - probabilities < share


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

        counts = [1 if recipe.temperature == 0 else recipe.candidates_kept for recipe in recipes]
        self.most = max(counts)
        self.is_beyond = np.arange(self.most) >= column(counts, int) if min(counts) < self.most else None
        self.temperatures = column((recipe.temperature or 1.0 for recipe in recipes), np.float32)
        shares = {
            top_p: (column(recipe.top_p for recipe in recipes), 1),
            min_p: (column(recipe.min_p for recipe in recipes), 0),
            typical_p: (column(recipe.typical_p for recipe in recipes), 1),
        }
        # (filter, share, rows that want it; None for all): a row without a filter is left as it is.
        self.filters = [
            (keep, share, None if (share != off).all() else share != off)
            for keep, (share, off) in shares.items()
            if (share != off).any()
        ]


def chances(scores: ndarray, rules: Rules) -> tuple[ndarray, ndarray]:
    """What may be drawn from ``scores`` (B, V), forbidden ones -inf: ids (B, K), best first, and their probabilities.

    Each row has at least one finite score. K is what the row that keeps most keeps; what may not be drawn has the
    probability 0.
    """
    if rules.most == 1:
        ids = scores.argmax(axis=1)[:, None]
        return ids, np.ones(ids.shape)
    ids, values = likeliest(scores, rules.most)
    if rules.is_beyond is not None:
        values[rules.is_beyond] = -np.inf
    values /= rules.temperatures
    probabilities = _shared_out(np.exp(np.subtract(values, values[:, :1], dtype=np.float64)))
    for keep, share, is_wanted in rules.filters:
        filtered = _shared_out(probabilities * keep(probabilities, share))
        probabilities = filtered if is_wanted is None else np.where(is_wanted, filtered, probabilities)
    return ids, probabilities


def _shared_out(weights: ndarray) -> ndarray:
    return weights / np.add.accumulate(weights, axis=1)[:, -1:]


def pick(probabilities: ndarray, numbers: ndarray) -> ndarray:
    """The place (B,) that each number of [0, 1) (B,) falls on, among probabilities (B, K) laid end to end."""
    heights = np.add.accumulate(probabilities, axis=1)
    # The largest number, 1 - 2^-53, times a sum near 1 is rounded to less than the sum, so no place beyond is reached.
    return np.add.reduce(heights <= numbers[:, None] * heights[:, -1:], axis=1)


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


def log_totals(scores: ndarray) -> ndarray:
    """log of the sum of exp(score) over each row of ``scores`` (B, V): (B,)."""
    with np.errstate(over="ignore"):
        starts = range(0, len(scores), ROWS_AT_ONCE)
        sums = [np.add.reduce(np.exp(scores[start : start + ROWS_AT_ONCE]), axis=1) for start in starts]
    totals = sums[0] if len(sums) == 1 else np.concatenate(sums)
    is_safe = [1e-30 < total < 1e38 for total in totals.tolist()]
    if all(is_safe):
        return np.log(totals)
    # A row whose scores lie far from zero is summed from its highest; the rows beside it keep their sums.
    highest = scores.max(axis=1)
    from_highest = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
    return np.where(is_safe, np.log(np.where(is_safe, totals, np.float32(1))), from_highest)
