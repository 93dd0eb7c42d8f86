"""From scores to tokens, for all rows of a batch at once: what may be drawn, how likely it is, what each seed draws.

The order is fixed and part of the definition: forbidden tokens, repetition penalty, phrases not to be repeated, the
``top_k`` likeliest (never more than 128), temperature, then inside these, each on the probabilities that the one before
it left: top-p, min-p, typical-p. Ties go to the lower token id. What a row draws depends on its own scores, recipe and
past alone, to the last bit: rows are gone through one by one, and every sum runs from the first candidate to the last.

Forbidden are, besides what no reader can use: tokens that complete a banned word (`banned`), and the end of the song
before it has ``min_lines``. Where all this leaves a row no token, its song ends: the end alone may be drawn.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from generator.recipe import Recipe
from training.language_model.kernels.linked import address, functions
from training.language_model.kernels.sizes import draw_room


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
        self.addresses = address(self.counts), address(self.temperatures), address(self.shares)


def log_totals(scores: ndarray) -> ndarray:
    """log of the sum of exp(score) over each row of ``scores`` (B, V), float32 in C order: (B,)."""
    totals = np.empty(len(scores), np.float32)
    functions().log_totals(address(scores), *scores.shape, address(totals))
    return totals


def likeliest(scores: ndarray, count: int) -> tuple[ndarray, ndarray]:
    """(ids, scores), each (B, count): the ``count`` highest of each row of ``scores`` (B, V), best first.

    Ties go by id. Unused places have the score -inf. Count ≤ 128.
    """
    ids, values = np.empty((len(scores), count), np.int64), np.empty((len(scores), count), np.float32)
    room = _room_for(scores)
    functions().likeliest(address(scores), *scores.shape, count, address(ids), address(values), address(room))
    return ids, values


def chances(scores: ndarray, rules: Rules) -> tuple[ndarray, ndarray]:
    """What may be drawn from ``scores`` (B, V), forbidden ones -inf: ids (B, K), best first, and their probabilities.

    K is what the row that keeps most keeps; what may not be drawn has the probability 0.
    """
    most = int(rules.counts.max())
    ids, probabilities = np.zeros((len(scores), most), np.int64), np.zeros((len(scores), most))
    room = _room_for(scores)
    found = most, address(ids), address(probabilities), address(room)
    functions().chances(address(scores), *scores.shape, *rules.addresses, *found)
    return ids, probabilities


def draw(scores: ndarray, rules: Rules, numbers: ndarray) -> tuple[ndarray, ndarray]:
    """(token, its score) of each row, each (B,): what a number of [0, 1) (B,) falls on, `chances` laid end to end.

    Token 0 where a row has no finite score.
    """
    tokens, values, room = np.empty(len(scores), np.int64), np.empty(len(scores), np.float32), _room_for(scores)
    results = address(numbers), address(tokens), address(values), address(room)
    functions().draw(address(scores), *scores.shape, *rules.addresses, *results)
    return tokens, values


def _room_for(scores: ndarray) -> ndarray:
    return np.empty(draw_room(scores.shape[1]), np.uint8)
