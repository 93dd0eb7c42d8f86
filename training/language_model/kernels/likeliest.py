"""The likeliest of many scores, found without sorting them all, and the sum of all: compiled functions of one row."""

import math

import numpy as np
from numba import njit

from training.language_model.kernels.sizes import COLUMNS
from training.language_model.kernels.vectors import (
    COMPILED,
    bits_of,
    count_places,
    exp,
    first_place,
    highest_lane,
    larger,
    load,
    places_at_least,
    spread,
    store,
    sum_of_lanes,
)

STEP = 64  # scores that are looked at together: four vectors
HALVINGS, SURPLUS = 14, 8  # a bound is good enough where it leaves an eighth too many
RANKED_LIMIT = (
    192  # so many are ranked by comparing each with each, which no branch slows down; more are put in one by one
)
NOTHING, LOWEST = np.float32(-np.inf), np.finfo(np.float32).min  # -inf is no candidate
LOW_BITS, SIGN = np.int64(0xFFFFFFFF), np.int32(np.iinfo(np.int32).min)


# ── The sum of all ───────────────────────────────────────────────────────────────────────────────────────────────


@njit(**COMPILED)
def _highest(row):
    a = b = c = d = spread(NOTHING)
    whole = len(row) // STEP * STEP
    for i in range(0, whole, STEP):
        a, b = larger(load(row, i), a), larger(load(row, i + 16), b)
        c, d = larger(load(row, i + 32), c), larger(load(row, i + 48), d)
    highest = highest_lane(larger(larger(a, b), larger(c, d)))
    for i in range(whole, len(row)):
        highest = max(highest, row[i])
    return highest


@njit(**COMPILED)
def _sum_of_exponentials(row, highest):
    top = spread(highest)
    a = b = c = d = spread(np.float32(0))
    whole = len(row) // STEP * STEP
    for i in range(0, whole, STEP):
        a, b = a + exp(load(row, i) - top), b + exp(load(row, i + 16) - top)
        c, d = c + exp(load(row, i + 32) - top), d + exp(load(row, i + 48) - top)
    total = np.float64(sum_of_lanes((a + b) + (c + d)))
    for i in range(whole, len(row)):
        total += math.exp(row[i] - highest)
    return total


@njit(**COMPILED)
def log_total(row):
    """log of the sum of exp(score)."""
    highest = _highest(row)
    return np.float32(math.log(_sum_of_exponentials(row, highest)) + highest)


# ── The likeliest ────────────────────────────────────────────────────────────────────────────────────────────────


@njit(**COMPILED)
def _reaching(highest, bound):
    limit, count = spread(bound), 0
    for i in range(0, COLUMNS, 16):
        count += count_places(places_at_least(load(highest, i), limit))
    return count


@njit(**COMPILED)
def _highest_of_columns(row, height, highest):
    """(the lowest, the highest) of what is the highest of each column."""
    for column in range(0, COLUMNS, 32):
        a, b = load(row, column), load(row, column + 16)
        for i in range(column + COLUMNS, height * COLUMNS, COLUMNS):
            a, b = larger(load(row, i), a), larger(load(row, i + 16), b)
        store(a, highest, column)
        store(b, highest, column + 16)
    low, high = highest[0], highest[0]
    for one in highest:
        low, high = min(low, one), max(high, one)
    return low, high


@njit(**COMPILED)
def _lower_bound(row, count, highest):
    """A number that at least ``count`` scores reach, found by halving among the highest of each of many columns."""
    height = len(row) // COLUMNS
    if height < 2 or count > COLUMNS // 2:
        return LOWEST
    low, high = _highest_of_columns(row, height, highest)
    low = max(low, LOWEST)
    if _reaching(highest, low) < count:
        return LOWEST
    for _ in range(HALVINGS):
        middle = low + (high - low) / np.float32(2)
        reaching = _reaching(highest, middle)
        if reaching < count:
            high = middle
        else:
            low = middle
            if reaching <= count + count // SURPLUS:
                break
    return low


@njit(**COMPILED)
def _best_first(score, token):
    """One whole number of a score and its token: the lower, the better."""
    bits = bits_of(score + np.float32(0))  # -0 becomes 0
    return (np.int64(bits ^ ((~bits >> np.int32(31)) | SIGN)) << 32) | np.int64(token)


@njit(**COMPILED)
def _order(found, best):
    """The lowest numbers of ``found``, all different, into ``best``, the lowest first."""
    if len(found) > RANKED_LIMIT:
        _insert(found, best)
        return
    for number in found:
        rank = 0
        for other in found:
            rank += other < number
        if rank < len(best):
            best[rank] = number


@njit(**COMPILED)
def _insert(found, best):
    """As `_order`, for many: nearly all are higher than what is there."""
    there = 0
    for number in found:
        if there == len(best) and number > best[there - 1]:
            continue
        there = min(there + 1, len(best))
        place = there - 1
        while place > 0 and best[place - 1] > number:
            best[place] = best[place - 1]
            place -= 1
        best[place] = number


@njit(**COMPILED)
def best(row, count, found, best, highest):
    """Write the ``count`` best of a row into ``best``, as numbers that hold score and id; how many there are.

    No row is sorted as a whole: what reaches a bound that ``count`` scores are known to reach is few.
    """
    bound = _lower_bound(row, count, highest)
    limit, size = spread(bound), 0
    whole = len(row) // 16 * 16
    for i in range(0, whole, 16):
        places = places_at_least(load(row, i), limit)
        while places:
            found[size] = _best_first(row[i + first_place(places)], i + first_place(places))
            size += 1
            places &= places - np.uint32(1)  # without the lowest bit
    for i in range(whole, len(row)):
        if row[i] >= bound:
            found[size] = _best_first(row[i], i)
            size += 1
    _order(found[:size], best[:count])
    return min(size, count)


@njit(**COMPILED)
def token_of(one):
    """The token of one of the `best`."""
    return one & LOW_BITS
