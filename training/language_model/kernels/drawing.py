"""A token for a row of scores."""

import math

import numpy as np
from numba import njit

from training.language_model.kernels.filters import keep_min_p, keep_top_p, keep_typical_p, pick, share_out
from training.language_model.kernels.likeliest import best, token_of
from training.language_model.kernels.vectors import COMPILED


@njit(**COMPILED)
def weigh(row, chosen, temperature, shares, probabilities, room):
    """The probabilities of the ``chosen`` of a row, best first: 0 for what the filters leave out.

    Args: shares: (3,): top-p, min-p, typical-p.
    """
    count = len(chosen)
    highest = np.float64(row[token_of(chosen[0])] / temperature)
    for place in range(count):
        probabilities[place] = math.exp(np.float64(row[token_of(chosen[place])] / temperature) - highest)
    weights = probabilities[:count]
    share_out(weights)
    if shares[0] < 1:
        keep_top_p(weights, shares[0])
    if shares[1] > 0:
        keep_min_p(weights, shares[1])
    if shares[2] < 1:
        keep_typical_p(weights, shares[2], room[4], room[5])


@njit(**COMPILED)
def draw(row, count, temperature, shares, number, room):
    """The token that a number of [0, 1) falls on; 0 where none may be drawn.

    Args: room: found (V,), chosen (128,), both int64; highest, float32 (columns,); probabilities and distances,
        float64 (128,); order, int64 (128,).
    """
    found, chosen, highest, probabilities = room[0], room[1], room[2], room[3]
    there = best(row, count, found, chosen, highest)
    if there == 0:
        return 0
    weigh(row, chosen[:there], temperature, shares, probabilities, room)
    return token_of(chosen[pick(probabilities[:there], number)])
