"""How weights are rounded to eight bits."""

import numpy as np
from numpy import ndarray

STEPS_OF_A_BYTE = 127


def rounded_rows(weight: ndarray) -> tuple[ndarray, ndarray]:
    """(O, I) as int8 and what each row's unit stands for, float32 (O,): the row's largest number becomes 127."""
    units = np.abs(weight).max(axis=1) / STEPS_OF_A_BYTE
    units[units == 0] = 1.0
    return np.rint(weight / units[:, None]).astype(np.int8), units.astype(np.float32)
