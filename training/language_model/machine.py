"""Where and how exactly a training computes: device, threads, matrix precision."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

# More threads or less precision must take at most this share of the time: a smaller gain is noise.
WORTH_IT = 0.9


def choose_device(wanted: str) -> tuple[torch.device, str]:
    """(device, the reason in a sentence) for "auto", "cpu" or "cuda"."""
    has_cuda = torch.cuda.is_available()
    if wanted == "cpu":
        return torch.device("cpu"), "The processor was asked for."
    if has_cuda:
        return torch.device("cuda"), f"A graphics processor is there: {torch.cuda.get_device_name()}."
    if wanted == "cuda":
        return torch.device("cpu"), "CUDA was asked for, but this machine has none."
    return torch.device("cpu"), "There is no graphics processor here."


def count_threads(wanted: int, *, processes: int = 1) -> int:
    """How many threads to use in each of ``processes``: ``wanted``, or for 0 its share of the cores, at most 8.

    More than eight only wait for each other at the sizes that a song collection needs.
    """
    return wanted or max(1, min(len(os.sched_getaffinity(0)) // processes, 8))


def precisions_to_try(device: torch.device) -> list[str]:
    """The matrix precisions that could be faster than plain float32 on this device, the fastest first."""
    if device.type == "cuda":
        # Both came with one generation (Ampere); torch would emulate bfloat16 on an older one. "medium" is TF32 there.
        return ["bfloat16", "medium"] if torch.cuda.get_device_capability(device) >= (8, 0) else []
    has_bfloat16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    # "medium" sends float32 products to oneDNN; with AMX it would round them to bfloat16, which is then said openly.
    return ["bfloat16", "medium"] if has_bfloat16 else ["medium"]


@contextmanager
def settings(*, threads: int, precision: str) -> Iterator[None]:
    """Set torch's thread count and matrix precision, and put the old ones back."""
    old_threads, old_precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    old_tf32 = torch.backends.cudnn.allow_tf32
    use(threads=threads, precision=precision)
    try:
        yield
    finally:
        torch.set_num_threads(old_threads)
        torch.set_float32_matmul_precision(old_precision)
        torch.backends.cudnn.allow_tf32 = old_tf32


def use(*, threads: int, precision: str) -> None:
    """Set torch's thread count and matrix precision for good."""
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    is_rounded = precision == "medium"
    torch.set_float32_matmul_precision("medium" if is_rounded else "highest")
    # The cells of cuDNN have a switch of their own, and round what is float32 to TF32 until they are told not to.
    torch.backends.cudnn.allow_tf32 = is_rounded


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """The context for a forward pass in ``precision``; weights stay in float32."""
    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()
