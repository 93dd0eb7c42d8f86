"""What samplers keep of the likeliest tokens: compiled functions that set the probability of all others to 0.

Each takes the probabilities of one row, the highest first, and leaves them with the sum 1.
"""

import math

import numpy as np
from numba import njit

from training.language_model.kernels.vectors import COMPILED

SMALLEST = np.finfo(np.float64).tiny


@njit(**COMPILED)
def share_out(weights):
    total = 0.0
    for weight in weights:
        total += weight
    for place in range(len(weights)):
        weights[place] /= total


@njit(**COMPILED)
def keep_top_p(probabilities, share):
    """Keep those that are needed to reach ``share`` together. Holtzman et al. 2020, arXiv:1904.09751."""
    total = 0.0
    for place in range(len(probabilities)):
        before, total = total, total + probabilities[place]
        if before >= share:
            probabilities[place] = 0.0
    share_out(probabilities)


@njit(**COMPILED)
def keep_min_p(probabilities, share):
    """Keep those of at least ``share`` times the highest. Nguyen et al. 2024, arXiv:2407.01082."""
    least = share * probabilities[0]
    for place in range(len(probabilities)):
        if probabilities[place] < least:
            probabilities[place] = 0.0
    share_out(probabilities)


@njit(**COMPILED)
def keep_typical_p(probabilities, share, distances, order):
    """Keep those whose surprise is nearest to the expected one, until they reach ``share``. Meister et al. 2023.

    Args: distances, order: room for a float64 and an int64 of each.
    """
    expected = 0.0
    for one in probabilities:
        expected += one * -math.log(max(one, SMALLEST))
    for place in range(len(probabilities)):
        one = probabilities[place]
        distance = abs(-math.log(max(one, SMALLEST)) - expected) if one > 0 else np.inf
        before = place
        while before > 0 and distances[before - 1] > distance:  # of equals the first stays first
            distances[before], order[before] = distances[before - 1], order[before - 1]
            before -= 1
        distances[before], order[before] = distance, place
    total = 0.0
    for place in order[: len(probabilities)]:
        before_it, total = total, total + probabilities[place]
        if before_it >= share:
            probabilities[place] = 0.0
    share_out(probabilities)


@njit(**COMPILED)
def pick(probabilities, number):
    """The place that a number of [0, 1) falls on, among probabilities laid end to end."""
    total = 0.0
    for one in probabilities:
        total += one
    reached, height = 0, 0.0
    for one in probabilities:
        height += one
        # The largest number, 1 - 2^-53, times a sum near 1 is rounded to less than the sum: no place beyond is reached.
        reached += height <= number * total
    return reached
