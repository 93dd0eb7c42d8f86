"""The compiled functions, linked into this process from the object file of this machine, which is made if missing.

    functions().draw(address(scores), …)

Every argument and every result is a whole number; arrays are given by their addresses, and nobody looks at their sizes.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

from llvmlite import binding
from numpy import ndarray

from training.language_model.kernels.sizes import ARGUMENTS, ARGUMENTS_OF_PRODUCTS

HERE = Path(__file__).parent
COMPILER = "training.language_model.kernels.compile"


@cache
def has_products() -> bool:
    """Whether this processor multiplies bytes by one instruction, so that `step` and `stretch` are there."""
    features = binding.get_host_cpu_features()
    return bool(features.get("avx512vnni") and features.get("avx512bw"))


def this_processor() -> tuple[str, str]:
    """LLVM's name for it, and its features."""
    return binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()


def arguments() -> dict[str, int]:
    """How many arguments each function takes that there is on this machine."""
    return ARGUMENTS | (ARGUMENTS_OF_PRODUCTS if has_products() else {})


def address(array: ndarray) -> int:
    return array.__array_interface__["data"][0]


@cache
def functions() -> SimpleNamespace:
    """All exported functions by name. Raises: RuntimeError if they can't be compiled."""
    file = object_file()
    if not file.exists():
        _compile(file)
    return link(file.read_bytes(), arguments())


def link(machine_code: bytes, names: Mapping[str, int]) -> SimpleNamespace:
    """The functions of these ``names`` (with how many arguments) in an object file."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_default_triple().create_target_machine(jit=True)
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), target)
    engine.add_object_file(binding.ObjectFileRef.from_data(machine_code))
    engine.finalize_object()
    found = {name: _callable(engine.get_function_address(name), count) for name, count in names.items()}
    return SimpleNamespace(_engine=engine, **found)  # whose memory the functions lie in


def _callable(place: int, count: int) -> Callable[..., int]:
    return ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * count)(place)


@cache
def object_file() -> Path:
    """Where the object file is, or is to be: a name that no other source, program or processor has."""
    sources = b"".join(file.read_bytes() for file in sorted(HERE.glob("*.py")))
    programs = version("numba"), version("llvmlite")
    name = hashlib.sha256(repr((sources, this_processor(), programs)).encode()).hexdigest()[:16]
    places = HERE / "__pycache__", Path.home() / ".cache" / "lyrics-generation"
    there = next((place for place in places if (place / f"{name}.o").exists()), None)
    return (there or next(filter(_can_be_written, places), None) or Path(tempfile.mkdtemp())) / f"{name}.o"


def _can_be_written(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        return os.access(folder, os.W_OK)
    return False


def _compile(file: Path) -> None:
    """Some ten seconds, once; of several processes that ask, one does it."""
    with _alone(file.with_suffix(".lock")):
        done = subprocess.run([sys.executable, "-m", COMPILER, str(file)], capture_output=True, text=True, check=False)
    if not file.exists():
        raise RuntimeError(f"The functions that write could not be compiled: {done.stderr[-2000:]}")


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
