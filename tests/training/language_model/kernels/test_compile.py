"""What is compiled gives the same on every processor, and is compiled once."""

import platform
import subprocess
import sys

import numpy as np
import pytest

from generator.decoding import sampler
from generator.decoding.sampler import Rules, chances, draw, likeliest, log_totals
from generator.recipe import Recipe
from training.language_model.kernels import linked
from training.language_model.kernels.compile import compile_all
from training.language_model.kernels.sizes import ARGUMENTS

RECIPE = {"seed": 1, "temperature": 0.9, "top_k": 50, "top_p": 0.95}


def everything() -> list[np.ndarray]:
    numbers = np.random.default_rng(0)
    scores = numbers.normal(0, 3, (40, 3001)).astype(np.float32)
    rules = Rules([Recipe(**RECIPE, typical_p=0.9 if row % 2 else 1.0) for row in range(len(scores))])
    drawn = draw(scores, rules, numbers.random(len(scores)))
    return [log_totals(scores), *drawn, *chances(scores, rules), *likeliest(scores, 7)]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="compiled for another kind of processor")
@pytest.mark.parametrize("processor", ["x86-64", "haswell"])
def test_a_processor_with_narrower_vectors_draws_the_same_to_the_last_bit(monkeypatch, processor):
    here = everything()
    others = linked.link(compile_all(ARGUMENTS, processor, ""), ARGUMENTS)
    monkeypatch.setattr(sampler, "functions", lambda: others)
    for one, other in zip(everything(), here, strict=True):
        assert np.array_equal(one, other)


def test_what_was_compiled_is_not_compiled_again():
    linked.functions()
    file = linked.object_file()
    before = file.stat().st_mtime_ns
    subprocess.run([sys.executable, "-m", linked.COMPILER], check=True)
    assert file.stat().st_mtime_ns == before


def test_what_cannot_be_compiled_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(linked, "COMPILER", "there.is.none")
    with pytest.raises(RuntimeError, match=r"could not be compiled: .*there"):
        linked._compile(tmp_path / "file.o")
