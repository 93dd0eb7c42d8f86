"""Several steps in one compiled call, for rows whose recipes look at nothing that Python knows.

A step of a small network takes less time than what Python does around it. Nothing of what a row gives changes by this:
the same functions compute it. A stretch ends where a row's text may end, and as soon as somebody is in a hurry.
"""

import numpy as np
from numba import njit
from numpy import ndarray

from generator.decoding.likeliest import log_total
from generator.decoding.sampler import Rules, draw_row, room_to_draw
from training.language_model.compiled_step import WEIGHT_TYPES, CompiledNetwork, Held, step
from training.language_model.tokenizers import Tokenizer
from training.language_model.vectors import COMPILED

DRAW_TYPES = "int64[::1], float32[::1], float64[:, ::1], float64[:, ::1]"
MARK_TYPES = "int64[::1], int64, int64, int64[::1]"


@njit(
    f"int64(int64[::1], float32[:, :, ::1], float32[:, ::1], {WEIGHT_TYPES}, {DRAW_TYPES}, {MARK_TYPES},"
    " uint8[::1], int64[:, ::1], float32[:, ::1])",
    **COMPILED,
)
def _write(
    tokens, memory, scores,
    table, weights, begin, units, biases, steps, projected,
    counts, temperatures, shares, numbers,
    forbidden, end, mark_count, marks_left,
    hurry, drawn, logs,
):  # fmt: skip
    found, chosen, highest, probabilities = room_to_draw(scores)
    lanes = np.empty(16, np.float32)
    for number in range(len(numbers)):
        step(tokens, memory, scores, table, weights, begin, units, biases, steps, projected)
        is_over = False
        for i in range(len(scores)):
            row, rule = scores[i], shares[i]
            total = log_total(row, lanes)
            for token in forbidden:
                row[token] = -np.inf
            chance = numbers[number, i]
            token = draw_row(row, counts[i], temperatures[i], rule, chance, found, chosen, highest, probabilities)
            drawn[number, i], logs[number, i], tokens[i] = token, row[token] - total, token
            if token < mark_count:
                marks_left[i] -= 1
                is_over |= token == end or marks_left[i] <= 0
        if is_over or hurry[0]:
            return number + 1
    return len(numbers)


def write(
    network: CompiledNetwork,
    tokenizer: Tokenizer,
    tokens: ndarray,
    memory: Held,
    rules: Rules,
    numbers: ndarray,
    *,
    marks_left: ndarray,
    hurry: ndarray,
) -> tuple[list[list[int]], list[list[float]]]:
    """(tokens, log-probabilities) of each step and row: as many steps as ``numbers`` (T, B) has, or fewer.

    Args:
        tokens: what each row reads first, (B,); written over, as is ``memory``.
        marks_left: (B,), int64; before so many marks no text ends, unless by the end of its song. Written over.
        hurry: (1,), uint8: once it is set, from whatever thread, the present step is the last.
    """
    forbidden = np.array(sorted(tokenizer.never_generated_ids), np.int64)
    drawn, logs = np.empty(numbers.shape, np.int64), np.empty(numbers.shape, np.float32)
    draws = rules.counts, rules.temperatures, rules.shares, numbers
    marks = forbidden, tokenizer.end_id, tokenizer.mark_count, marks_left
    count = _write(tokens, memory.array, memory.scores, *network.weights, *draws, *marks, hurry, drawn, logs)
    return drawn[:count].tolist(), logs[:count].tolist()
