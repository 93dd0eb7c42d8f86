"""Training processes run on jemalloc where the system has it."""

import os
import subprocess
import sys

import pytest

from training import allocator

SAY = "from training import allocator; print(allocator.in_use())"


def without_preload():
    return {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "MALLOC_CONF")}


def allocator_of(environment) -> str:
    return subprocess.run(
        [sys.executable, "-c", SAY], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_process_runs_on_jemalloc_if_it_is_told_to_and_says_so():
    environment = without_preload()
    added = allocator.preloaded(environment)
    if not added:
        pytest.skip("this system has no jemalloc")
    assert allocator_of(environment) == "system"
    assert allocator_of(environment | added) == "jemalloc"


def test_where_there_is_no_jemalloc_nothing_changes(monkeypatch):
    monkeypatch.setattr(allocator.ctypes.util, "find_library", lambda name: None)
    assert allocator.preloaded({"LD_PRELOAD": "libother.so"}) == {}


def test_what_an_operator_preloads_and_sets_is_kept(monkeypatch):
    monkeypatch.setattr(allocator.ctypes.util, "find_library", lambda name: "libjemalloc.so.2")
    added = allocator.preloaded({"LD_PRELOAD": "libother.so", "MALLOC_CONF": "thp:never"})
    assert added == {"LD_PRELOAD": "libjemalloc.so.2:libother.so", "MALLOC_CONF": "thp:never"}
    assert allocator.preloaded({"LD_PRELOAD": "libjemalloc.so.2"}) == {}
