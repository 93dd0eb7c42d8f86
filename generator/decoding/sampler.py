"""From scores to tokens, for all rows of a batch at once: what may be drawn, how likely it is, what each seed draws.

The order is fixed and part of the definition: forbidden tokens, repetition penalty, phrases not to be repeated, the
``top_k`` likeliest (never more than 128), temperature, then inside these, each on the probabilities that the one before
it left: top-p, min-p, typical-p. Ties go to the lower token id. What a row draws depends on its own scores, recipe and
past alone, to the last bit: rows are gone through one by one, and every sum runs from the first candidate to the last.

Forbidden are, besides what no reader can use: tokens that complete a banned word (`banned`), and the end of the song
before it has ``min_lines``. Where all this leaves a row no token, its song ends: the end alone may be drawn.
"""

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy import ndarray

from generator.decoding.filters import keep_min_p, keep_top_p, keep_typical_p, pick, share_out
from generator.decoding.likeliest import NOTHING, best, log_total, room, token_of
from generator.recipe import TOP_K_CAP, Recipe
from training.language_model.vectors import COMPILED


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


class Rules:
    """The recipes of the rows that draw together, as arrays (B,); ``shares`` are (B, 3): top-p, min-p, typical-p."""

    def __init__(self, recipes: Sequence[Recipe]) -> None:
        self.counts = np.array([1 if one.temperature == 0 else one.candidates_kept for one in recipes], np.int64)
        self.temperatures = np.array([one.temperature or 1.0 for one in recipes], np.float32)
        self.shares = np.array([(one.top_p, one.min_p, one.typical_p) for one in recipes], np.float64)


# ── Compiled: each goes through the rows one by one ──────────────────────────────────────────────────────────────


@njit("void(float32[:, ::1], float32[::1])", **COMPILED)
def _log_totals(scores, totals):
    lanes = np.empty(16, np.float32)
    for number in range(len(scores)):
        totals[number] = log_total(scores[number], lanes)


@njit("void(float32[:, ::1], int64[:, ::1], float32[:, ::1])", **COMPILED)
def _likeliest(scores, ids, values):
    found, chosen, highest = room(scores)
    for number in range(len(scores)):
        row, count = scores[number], ids.shape[1]
        there = best(row, count, found, chosen, highest)
        for place in range(count):
            ids[number, place] = token_of(chosen[place]) if place < there else 0
            values[number, place] = row[ids[number, place]] if place < there else NOTHING


@njit(**COMPILED)
def _weigh(row, chosen, temperature, shares, probabilities):
    """The probabilities of the ``chosen``, 0 for what the filters leave out."""
    count = len(chosen)
    if count == 0:
        return
    highest = np.float64(row[token_of(chosen[0])] / temperature)
    for place in range(count):
        probabilities[place] = math.exp(np.float64(row[token_of(chosen[place])] / temperature) - highest)
    weights = probabilities[:count]
    share_out(weights)
    most, least, typical = shares
    if most < 1:
        keep_top_p(weights, most)
    if least > 0:
        keep_min_p(weights, least)
    if typical < 1:
        keep_typical_p(weights, typical)


@njit("void(float32[:, ::1], int64[::1], float32[::1], float64[:, ::1], int64[:, ::1], float64[:, ::1])", **COMPILED)
def _chances(scores, counts, temperatures, shares, ids, probabilities):
    found, chosen, highest = room(scores)
    for number in range(len(scores)):
        row = scores[number]
        there = best(row, counts[number], found, chosen, highest)
        _weigh(row, chosen[:there], temperatures[number], shares[number], probabilities[number])
        for place in range(there):
            ids[number, place] = token_of(chosen[place])


@njit(**COMPILED)
def draw_row(row, count, temperature, shares, number, found, chosen, highest, probabilities):
    """The token that a number of [0, 1) falls on; the last four are `room_to_draw`."""
    there = best(row, count, found, chosen, highest)
    if there == 0:
        return 0
    _weigh(row, chosen[:there], temperature, shares, probabilities)
    return token_of(chosen[pick(probabilities[:there], number)])


@njit(**COMPILED)
def room_to_draw(scores):
    found, chosen, highest = room(scores)
    return found, chosen, highest, np.empty(TOP_K_CAP)


@njit(
    "void(float32[:, ::1], int64[::1], float32[::1], float64[:, ::1], float64[::1], int64[::1], float32[::1])",
    **COMPILED,
)
def _draw(scores, counts, temperatures, shares, numbers, tokens, values):
    found, chosen, highest, probabilities = room_to_draw(scores)
    for i in range(len(scores)):
        row, rule = scores[i], shares[i]
        token = draw_row(row, counts[i], temperatures[i], rule, numbers[i], found, chosen, highest, probabilities)
        tokens[i], values[i] = token, row[token]


# ── What a batch asks ────────────────────────────────────────────────────────────────────────────────────────────


def log_totals(scores: ndarray) -> ndarray:
    """log of the sum of exp(score) over each row of ``scores`` (B, V): (B,)."""
    totals = np.empty(len(scores), np.float32)
    _log_totals(scores, totals)
    return totals


def likeliest(scores: ndarray, count: int) -> tuple[ndarray, ndarray]:
    """(ids, scores), each (B, count): the ``count`` highest of each row of ``scores`` (B, V), best first.

    Ties go by id. Unused places have the score -inf. Count ≤ 128.
    """
    ids, values = np.empty((len(scores), count), np.int64), np.empty((len(scores), count), np.float32)
    _likeliest(scores, ids, values)
    return ids, values


def chances(scores: ndarray, rules: Rules) -> tuple[ndarray, ndarray]:
    """What may be drawn from ``scores`` (B, V), forbidden ones -inf: ids (B, K), best first, and their probabilities.

    Each row has at least one finite score. K is what the row that keeps most keeps; what may not be drawn has the
    probability 0.
    """
    size = len(scores), int(rules.counts.max())
    ids, probabilities = np.zeros(size, np.int64), np.zeros(size)
    _chances(scores, rules.counts, rules.temperatures, rules.shares, ids, probabilities)
    return ids, probabilities


def draw(scores: ndarray, rules: Rules, numbers: ndarray) -> tuple[ndarray, ndarray]:
    """(token, its score) of each row, each (B,): what a number of [0, 1) (B,) falls on, `chances` laid end to end."""
    tokens, values = np.empty(len(scores), np.int64), np.empty(len(scores), np.float32)
    _draw(scores, rules.counts, rules.temperatures, rules.shares, numbers, tokens, values)
    return tokens, values
