"""What a training is measured by while it runs: the memory it holds, and the share of what the machine can do."""

import math
import os
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch

from training.language_model import machine
from training.language_model.config import TrainingConfig
from training.language_model.estimates import flops_per_token

# Rows, inner and columns of the product that is timed: large enough that a device is at its best. A graphics processor
# makes the smaller one in less time than it takes to ask for it.
PEAK_SHAPES = {"cpu": (1024, 512, 2048), "cuda": (4096, 4096, 4096)}
PEAK_SECONDS = 0.2
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
STATM = Path("/proc/self/statm")


@cache
def gemm_peak(device: torch.device, precision: str, threads: int) -> float:
    """The FLOP/s that products of matrices reach here at best; measured once, in about `PEAK_SECONDS`."""
    ways = [precision]
    # torch multiplies float32 with MKL, but runs an LSTM in oneDNN's float32, twice as fast on some processors. With
    # AMX that way rounds to bfloat16, which is another precision.
    if precision == "float32" and device.type == "cpu" and not torch.cpu._is_amx_tile_supported():
        ways.append("medium")
    return max(_peak(device, way, threads, PEAK_SECONDS / len(ways)) for way in ways)


def _peak(device: torch.device, precision: str, threads: int, seconds: float) -> float:
    rows, inner, columns = PEAK_SHAPES[device.type]
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    generator = torch.Generator(device).manual_seed(0)
    left = torch.rand((rows, inner), generator=generator, device=device).to(kind)
    right = torch.rand((inner, columns), generator=generator, device=device).to(kind)
    best = math.inf
    with machine.settings(threads=threads, precision=precision):
        left @ right  # the first one waits for libraries to be loaded
        begun = time.perf_counter()
        while time.perf_counter() - begun < seconds or best == math.inf:
            start = time.perf_counter()
            left @ right
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            best = min(best, time.perf_counter() - start)
    return 2.0 * rows * inner * columns / best


def memory_in_use(device: torch.device, *, others: Sequence[int] = ()) -> int:
    """The bytes that this process holds: of the graphics memory where it computes there, else of the machine's.

    The processes ``others`` (their ids) are counted in on the processor; each has a graphics processor of its own.
    """
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    return sum(_resident_bytes(path) for path in (STATM, *(Path(f"/proc/{pid}/statm") for pid in others)))


def _resident_bytes(statm: Path) -> int:
    try:
        return int(statm.read_text().split()[1]) * PAGE_BYTES
    except OSError:  # it has just ended
        return 0


def utilisation(config: TrainingConfig, vocabulary_size: int, tokens_per_second: float, peak: float) -> float | None:
    """The share of the machine's best speed that goes into the model: its FLOP/s over ``peak``, from `gemm_peak`.

    None where ``peak`` is 0, which is to say not measured.
    """
    if not peak:
        return None
    return tokens_per_second * flops_per_token(config, vocabulary_size) / peak
