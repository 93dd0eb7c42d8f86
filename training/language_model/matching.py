"""Cells of equal weight: hidden sizes with which the networks of a race have as many parameters as each other.

A gated cell has several matrices where a plain one has a single one, so the same hidden size would give the LSTM four
times the weights of the RNN, and the race would show who has more of them. Here the embedding is shared and each cell
gets the hidden size that brings it to the same count.
"""

import dataclasses
from collections.abc import Sequence

from training.language_model.config import FIELDS, TrainingConfig, count_parameters
from training.language_model.errors import LyricsError

REFERENCE = "lstm"
TOLERANCE = 0.02
# How far the size may move from what was asked, so that all cells meet: small networks grow in coarse steps.
MOST_MOVED = 0.1


class Unmatchable(LyricsError):
    """Raised when no hidden sizes near the one asked for bring the cells to the same number of weights."""


def match_hidden_sizes(
    config: TrainingConfig, architectures: Sequence[str], *, vocabulary_size: int | None = None
) -> dict[str, int]:
    """The hidden size of each cell with which all counts agree within `TOLERANCE` of the smallest.

    Args:
        config: everything the cells share; its ``hidden_size`` is that of an LSTM, whether or not one takes part.
        vocabulary_size: as in `count_parameters`. With tied embeddings the weights that depend on the vocabulary are
            the same for every cell, so what agrees for one vocabulary agrees all the more for any larger one.
    Raises: Unmatchable, with the nearest size that would do where there is one.
    """
    asked = config.hidden_size
    for reference in sizes_around(asked):
        sizes = sizes_as_heavy_as(config, reference, architectures, vocabulary_size)
        if spread(config, sizes, vocabulary_size) > TOLERANCE:
            continue
        if abs(reference - asked) > MOST_MOVED * asked:
            raise Unmatchable(f"With {asked} units the cells can't be made equally heavy; with {reference} they can.")
        return sizes
    raise Unmatchable("These cells can't be made equally heavy with any size; leave one out or change the embedding.")


def spread(config: TrainingConfig, sizes: dict[str, int], vocabulary_size: int | None = None) -> float:
    """How much heavier the heaviest cell is than the lightest: 0.02 is two per cent."""
    counts = [weight(config, *pair, vocabulary_size) for pair in sizes.items()]
    return max(counts) / min(counts) - 1


def weight(config: TrainingConfig, architecture: str, hidden_size: int, vocabulary_size: int | None) -> int:
    """The parameters of a cell of this size, whether or not its config would keep the bounds."""
    sized = dataclasses.replace(config, architecture=architecture, hidden_size=hidden_size)
    return count_parameters(sized, vocabulary_size)


def sizes_around(asked: int) -> list[int]:
    """Hidden sizes that there may be, the nearest to ``asked`` first: near it all, further away every twentieth."""
    bounds = FIELDS["hidden_size"].metadata
    near = int(MOST_MOVED * asked)
    sizes = [
        size
        for size in range(bounds["minimum"], bounds["maximum"] + 1)
        if abs(size - asked) <= near or size % max(1, size // 20) == 0
    ]
    return sorted(sizes, key=lambda size: abs(size - asked))


def sizes_as_heavy_as(
    config: TrainingConfig, reference: int, architectures: Sequence[str], vocabulary_size: int | None
) -> dict[str, int]:
    """The hidden size of each cell whose weights come nearest to those of the reference cell."""
    target = weight(config, REFERENCE, reference, vocabulary_size)
    return {name: nearest_size(config, name, target, vocabulary_size) for name in architectures}


def nearest_size(config: TrainingConfig, architecture: str, target: int, vocabulary_size: int | None) -> int:
    """The hidden size, within its bounds, with a number of weights nearest to ``target``."""
    bounds = FIELDS["hidden_size"].metadata
    low, high = bounds["minimum"], bounds["maximum"]
    if weight(config, architecture, high, vocabulary_size) <= target:
        return high
    while low < high:  # the smallest size that is not lighter than the target
        middle = (low + high) // 2
        if weight(config, architecture, middle, vocabulary_size) < target:
            low = middle + 1
        else:
            high = middle
    # Weights grow with the size but for one dip: states as long as an embedding need no projection to its table.
    candidates = {low, max(low - 1, bounds["minimum"]), config.embedding_size}
    return min(candidates, key=lambda size: (abs(weight(config, architecture, size, vocabulary_size) - target), size))
