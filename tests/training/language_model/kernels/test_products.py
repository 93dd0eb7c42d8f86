"""Products of bytes are exact, whatever the sizes and the numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.language_model.kernels.linked import has_products
from training.language_model.kernels.products import sums
from training.language_model.kernels.sizes import MIDDLE, WIDTH
from training.language_model.packing import packed, starts

pytestmark = pytest.mark.skipif(not has_products(), reason="this processor lacks the instruction")


@given(st.integers(1, 13), st.integers(1, 9), st.integers(0, 10_000))
def test_sums_are_those_of_whole_numbers(rows, sixteens, seed):
    numbers = np.random.default_rng(seed)
    inputs = numbers.integers(0, 256, (rows, 16 * sixteens)).astype(np.uint8)
    weights = numbers.integers(-127, 128, (2 * WIDTH, 16 * sixteens)).astype(np.int8)
    assert np.array_equal(product(inputs, weights), exact(inputs, weights))


@pytest.mark.parametrize(("byte", "weight"), [(0, -127), (0, 127), (255, -127), (255, 127), (MIDDLE, 127)])
def test_nothing_is_lost_with_the_largest_numbers(byte, weight):
    inputs = np.full((7, 2048), byte, np.uint8)
    weights = np.full((WIDTH, 2048), weight, np.int8)
    assert np.array_equal(product(inputs, weights), exact(inputs, weights))


def product(inputs, weights) -> np.ndarray:
    blocks, begin, counts = packed(weights), starts(weights), np.empty(len(inputs) * WIDTH, np.int32)
    found = []
    for number, block in enumerate(blocks):
        sums(inputs, *inputs.shape, block.ravel(), begin[number * WIDTH : (number + 1) * WIDTH], counts)
        found.append(counts.reshape(-1, WIDTH).copy())
    return np.concatenate(found, axis=1)


def exact(inputs, weights) -> np.ndarray:
    return (inputs.astype(np.int32) - MIDDLE) @ weights.astype(np.int32).T
