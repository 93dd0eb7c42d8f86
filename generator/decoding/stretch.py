"""Several steps in one compiled call, for rows that read, or whose recipes look at nothing that Python knows.

A step of a small network takes less time than what Python does around it. Nothing of what a row gives changes by this:
the same functions compute it. A stretch ends where a row's text may end, and as soon as somebody is in a hurry.
"""

import numpy as np
from numpy import ndarray

from generator.decoding.sampler import Rules
from training.language_model.compiled_step import CompiledNetwork, Held
from training.language_model.kernels.linked import address, functions
from training.language_model.tokenizers import Tokenizer


def write(
    network: CompiledNetwork,
    tokenizer: Tokenizer,
    tokens: ndarray,
    memory: Held,
    rules: Rules,
    numbers: ndarray,
    *,
    told: ndarray,
    marks_left: ndarray,
    hurry: ndarray,
) -> tuple[list[list[int]], list[list[float]]]:
    """(tokens, log-probabilities) of each step and row: as many steps as ``numbers`` (T, B) has, or fewer.

    Args:
        tokens: what each row reads first, (B,), int64; written over, as is ``memory``.
        told: what a row reads after each step instead of a token that it draws, (T, B), int64, or -1.
        marks_left: (B,), int64; before so many marks no text ends, unless by the end of its song. Written over.
        hurry: (1,), uint8: once it is set, from whatever thread, the present step is the last.
    """
    forbidden = np.array(sorted(tokenizer.never_generated_ids), np.int64)
    drawn, logs = np.empty(numbers.shape, np.int64), np.empty(numbers.shape, np.float32)
    marks = address(forbidden), len(forbidden), tokenizer.end_id, tokenizer.mark_count, address(marks_left)
    count = functions().stretch(
        *network.arguments(tokens, memory),
        len(numbers),
        address(told),
        *rules.addresses,
        address(numbers),
        *marks,
        address(hurry),
        address(drawn),
        address(logs),
    )
    return drawn[:count].tolist(), logs[:count].tolist()
