"""Limits that a process sets itself, each in a process of its own."""

import subprocess
import sys

from training.processes import machine_memory


def in_a_process(code: str) -> str:
    """What a fresh Python says that imports `training.processes` and runs ``code``."""
    code = f"from training import processes\n{code}"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_a_file_grows_to_its_limit_and_no_further(tmp_path):
    said = in_a_process(f"""
processes.limit_file_size(1000)
try:
    with open({str(tmp_path / "file")!r}, "wb", buffering=0) as file:
        file.write(b"x" * 900)
        file.write(b"x" * 900)
        file.write(b"x")
except OSError as problem:
    print(problem.errno)
""")
    assert said == "27"  # EFBIG
    assert (tmp_path / "file").stat().st_size == 1000


def test_memory_beyond_the_limit_is_refused_until_the_limit_is_lifted():
    said = in_a_process("""
processes.limit_memory(50_000_000)
kept = bytearray(10_000_000)
try:
    bytearray(100_000_000)
except MemoryError:
    print("refused")
processes.lift_memory_limit()
print(len(bytearray(100_000_000)))
""")
    assert said.split() == ["refused", "100000000"]


def test_a_limit_is_never_raised():
    said = in_a_process("""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 800))
processes.limit_file_size(10_000)
print(*resource.getrlimit(resource.RLIMIT_FSIZE))
""")
    assert said == "500 800"


def test_a_machine_has_some_memory():
    assert machine_memory() > 100_000_000
