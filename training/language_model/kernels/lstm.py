"""One step of an LSTM in eight bits; `compiled_step` says how its weights lie."""

import numpy as np
from numba import njit

from training.language_model.kernels.products import sums
from training.language_model.kernels.sizes import GATES, LANES, MIDDLE, WIDTH
from training.language_model.kernels.vectors import (
    COMPILED,
    gated_tanh,
    larger,
    load,
    load_counts,
    multiply_add,
    nearest_whole,
    sigmoid,
    smaller,
    spread,
    store,
    store_bytes,
)


@njit(**COMPILED)
def _to_bytes(values, rows, count, factor, target, size, start):
    """Round ``values`` (B · count,) to bytes, ``start`` places into each row of ``target``, which is ``size`` long."""
    scale = spread(factor)
    least, most, middle = spread(np.float32(-MIDDLE)), spread(np.float32(MIDDLE - 1)), spread(np.float32(MIDDLE))
    for row in range(rows):
        for i in range(0, count, LANES):
            bounded = smaller(larger(load(values, row * count + i) * scale, least), most)
            store_bytes(nearest_whole(bounded) + middle, target, row * size + start + i)


@njit(**COMPILED)
def _cell(counts, units, given, hidden, memory):
    """Sixteen units of one row, from the sums of their gates: input, keep, candidate, output."""
    entry = multiply_add(load_counts(counts, 0), load(units, 0), load(given, 0))
    keep = multiply_add(load_counts(counts, 16), load(units, 16), load(given, 16))
    candidate = multiply_add(load_counts(counts, 32), load(units, 32), load(given, 32))
    output = multiply_add(load_counts(counts, 48), load(units, 48), load(given, 48))
    remembered = sigmoid(keep) * load(memory, 0) + gated_tanh(entry, candidate)
    store(remembered, memory, 0)
    store(gated_tanh(output, remembered), hidden, 0)


@njit(**COMPILED)
def _affine(inputs, rows, size, weights, begin, units, biases, results, outputs, counts):
    """``results`` (B · O,) of ``inputs`` (B · size,) in bytes."""
    for first in range(0, outputs, WIDTH):
        sums(inputs, rows, size, weights[first * size :], begin[first:], counts)
        there = min(WIDTH, outputs - first)
        whole = there // LANES * LANES
        for row in range(rows):
            own, target = counts[row * WIDTH :], row * outputs + first
            for i in range(0, whole, LANES):
                values = multiply_add(load_counts(own, i), load(units, first + i), load(biases, first + i))
                store(values, results, target + i)
            for i in range(whole, there):
                results[target + i] = np.float32(own[i]) * units[first + i] + biases[first + i]


@njit(**COMPILED)
def read(tokens, memory, parts, layers, hidden, room):
    """Read one token in each row: ``memory`` becomes what is remembered after it. The weights that are left.

    Args:
        memory: (2L · B · H,): of each layer what it gave, then its cell.
        parts: table, weights, starts, units, biases and steps, as in the file of a `CompiledNetwork`.
        room: inputs, uint8 (B · 2H,); sums, int32 (B · 64,); what the projection gives (B · projected,).
    """
    table, weights, begin, units, biases, factors = parts
    rows, (inputs, counts, _) = len(tokens), room
    part = rows * hidden
    for layer in range(layers):
        own, cell = memory[2 * layer * part :], memory[(2 * layer + 1) * part :]
        size = hidden if layer == 0 else 2 * hidden
        if layer:
            _to_bytes(memory[(2 * layer - 2) * part :], rows, hidden, factors[layer], inputs, size, 0)
        _to_bytes(own, rows, hidden, factors[layer], inputs, size, size - hidden)
        for unit in range(0, hidden, LANES):
            sums(inputs, rows, size, weights, begin, counts)
            for row in range(rows):
                given = table[tokens[row], GATES * unit :] if layer == 0 else biases
                here = row * hidden + unit
                _cell(counts[row * WIDTH :], units, given, own[here:], cell[here:])
            weights, begin, units, biases = weights[WIDTH * size :], begin[WIDTH:], units[WIDTH:], biases[WIDTH:]
    return weights, begin, units, biases, factors[layers:]


@njit(**COMPILED)
def score(memory, scores, rows, outputs, parts, layers, hidden, projected, room):
    """Write the ``scores`` (B · V,) of all ``outputs`` after what was read; ``parts`` are those that `read` left."""
    weights, begin, units, biases, factors = parts
    inputs, counts, features = room
    last, width = memory[(2 * layers - 2) * rows * hidden :], hidden
    if projected:
        _to_bytes(last, rows, hidden, factors[0], inputs, hidden, 0)
        _affine(inputs, rows, hidden, weights, begin, units, biases, features, projected, counts)
        weights, begin, factors = weights[projected * hidden :], begin[projected:], factors[1:]
        units, biases, last, width = units[projected:], biases[projected:], features, projected
    _to_bytes(last, rows, width, factors[0], inputs, width, 0)
    _affine(inputs, rows, width, weights, begin, units, biases, scores, outputs, counts)
