"""How weights of eight bits lie in memory for the products of `kernels.products`."""

import numpy as np
from numpy import ndarray

from training.language_model.kernels.sizes import MIDDLE, QUAD, WIDTH


def packed(weights: ndarray) -> ndarray:
    """Weights (O, I), int8, as products read them: (O/64, I/4, 64, 4). O is a multiple of 64, I of 8."""
    outputs, inputs = weights.shape
    blocks = weights.reshape(outputs // WIDTH, WIDTH, inputs // QUAD, QUAD)
    return np.ascontiguousarray(blocks.transpose(0, 2, 1, 3))


def starts(weights: ndarray) -> ndarray:
    """What each sum begins with, int32 (O,), so that bytes of 128 count as zero."""
    return (-MIDDLE * weights.astype(np.int32).sum(axis=1)).astype(np.int32)
