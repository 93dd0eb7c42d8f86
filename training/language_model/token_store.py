"""The tokens of all training songs: written to disk song by song, and mapped into memory where they are read.

Two bytes a token, four only beyond 65,536 kinds. What the kernel needs memory for, it lets go of.
"""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

MOST_IN_TWO_BYTES = 2**16
COUNTED_AT_ONCE = 2**20


def token_type(vocabulary_size: int) -> type[np.integer]:
    """The smallest type that holds every token of a vocabulary."""
    return np.uint16 if vocabulary_size <= MOST_IN_TWO_BYTES else np.int32


def store_tokens(
    songs: Iterable[Sequence[int]], vocabulary_size: int, *, folder: Path | None = None
) -> tuple[Tensor, list[int]]:
    """(tokens of all songs one after another, how many each song has), in a file that nobody else sees.

    The file has no name, so that it is gone when this process ends, however that happens.

    Args:
        songs: token ids of one song after another; only one is in memory at a time.
        folder: where the file lies, without one where temporary files go.
    Returns: tokens of shape (n,), uint16 or int32, mapped from the file.
    Raises: OSError if the disk is full.
    """
    kind = token_type(vocabulary_size)
    lengths: list[int] = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for song in songs:
            file.write(np.asarray(song, kind).tobytes())
            lengths.append(len(song))
        file.flush()
        if not any(lengths):
            return torch.from_numpy(np.empty(0, kind)), lengths
        return torch.from_numpy(np.memmap(file, kind, mode="r+")), lengths


def count_tokens(tokens: Tensor, vocabulary_size: int) -> Tensor:
    """How often each token is there, shape (V,), int64."""
    counts = torch.zeros(vocabulary_size, dtype=torch.long)
    for piece in tokens.split(COUNTED_AT_ONCE):
        counts += torch.bincount(piece.long(), minlength=vocabulary_size)
    return counts
