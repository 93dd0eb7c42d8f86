"""What a training is measured by while it runs: the memory it holds, and the share of what the machine can do."""

import os
import time
from functools import cache
from pathlib import Path

import torch

from training.language_model.config import TrainingConfig
from training.language_model.estimates import flops_per_token

# Rows, inner and columns of the product that is timed: large enough that every processor is at its best.
PEAK_SHAPE = (1024, 512, 2048)
PEAK_SECONDS = 0.2
TYPES = {"bfloat16": torch.bfloat16}
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
STATM = Path("/proc/self/statm")


@cache
def gemm_peak(device: torch.device, precision: str, threads: int) -> float:
    """The FLOP/s that products of matrices reach here, the best of what fits into `PEAK_SECONDS`; measured once.

    To be called within `machine.settings` of the same ``precision`` and ``threads``.
    """
    rows, inner, columns = PEAK_SHAPE
    generator = torch.Generator().manual_seed(0)
    left, right = (
        torch.rand(shape, generator=generator).to(device, TYPES.get(precision, torch.float32))
        for shape in ((rows, inner), (inner, columns))
    )
    best, begun = float("inf"), time.perf_counter()
    while time.perf_counter() - begun < PEAK_SECONDS or best == float("inf"):
        start = time.perf_counter()
        left @ right
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - start)
    return 2.0 * rows * inner * columns / best


def memory_in_use(device: torch.device) -> int:
    """The bytes that this process holds: of the graphics memory where it computes there, else of the machine's."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    return int(STATM.read_text().split()[1]) * PAGE_BYTES


def utilisation(config: TrainingConfig, vocabulary_size: int, tokens_per_second: float, peak: float) -> float | None:
    """The share of the machine's best speed that goes into the model: its FLOP/s over ``peak``, from `gemm_peak`.

    None where ``peak`` is 0, which is to say not measured.
    """
    if not peak:
        return None
    return tokens_per_second * flops_per_token(config, vocabulary_size) / peak
