"""Sixteen numbers at once: what a compiled function makes of them, against NumPy in double precision."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numba import njit

from training.language_model.kernels import vectors
from training.language_model.kernels.sizes import LANES
from training.language_model.kernels.vectors import load, store

SIXTEEN = arrays(np.float32, LANES, elements=st.floats(-200, 200, width=32))


def of_one(function):
    @njit
    def run(numbers, results):
        store(function(load(numbers, 0)), results, 0)

    return run


def of_two(function):
    @njit
    def run(one, other, results):
        store(function(load(one, 0), load(other, 0)), results, 0)

    return run


exp, nearest_whole, sigmoid = map(of_one, (vectors.exp, vectors.nearest_whole, vectors.sigmoid))
larger, smaller, gated_tanh = map(of_two, (vectors.larger, vectors.smaller, vectors.gated_tanh))


@njit
def places_at_least(one, other):
    return vectors.places_at_least(load(one, 0), load(other, 0))


def result(function, *numbers) -> np.ndarray:
    results = np.empty(LANES, np.float32)
    function(*numbers, results)
    return results


def exact_sigmoid(numbers):
    return 1 / (1 + np.exp(-numbers.astype(np.float64)))


@given(SIXTEEN)
def test_the_exponential_is_right_to_single_precision(numbers):
    expected = np.exp(np.clip(numbers.astype(np.float64), -87, 88))
    assert result(exp, numbers) == pytest.approx(expected, rel=6e-7)


@given(SIXTEEN)
def test_a_sigmoid_is_right_however_large_the_number(numbers):
    assert result(sigmoid, numbers) == pytest.approx(exact_sigmoid(numbers), abs=3e-7)


@given(SIXTEEN, SIXTEEN)
def test_a_gate_lets_its_share_of_a_tanh_through(gates, numbers):
    expected = exact_sigmoid(gates) * np.tanh(numbers.astype(np.float64))
    assert result(gated_tanh, gates, numbers) == pytest.approx(expected, abs=4e-7)


@given(arrays(np.float32, LANES, elements=st.floats(-1000, 1000, width=32)))
def test_halves_are_rounded_to_the_even_number(numbers):
    assert np.array_equal(result(nearest_whole, numbers), np.rint(numbers))
    assert np.array_equal(result(nearest_whole, np.trunc(numbers) + np.float32(0.5)), np.rint(np.trunc(numbers) + 0.5))


@given(SIXTEEN, SIXTEEN)
def test_each_place_is_compared_with_its_own(one, other):
    assert np.array_equal(result(larger, one, other), np.maximum(one, other))
    assert np.array_equal(result(smaller, one, other), np.minimum(one, other))
    assert places_at_least(one, other) == sum(1 << place for place in range(LANES) if one[place] >= other[place])


@given(SIXTEEN, st.integers(0, LANES - 1))
def test_a_place_does_not_depend_on_those_beside_it(numbers, place):
    alone = np.zeros(LANES, np.float32)
    alone[LANES - 1 - place] = numbers[place]
    for function in (exp, sigmoid):
        assert result(function, alone)[LANES - 1 - place] == result(function, numbers)[place]
