"""Models in memory."""

import pytest

from generator.decoding.cache import ModelCache
from generator.decoding.model_file import ModelDamaged
from tests.generator.tiny_models import model_bytes, ready_to_write, tiny_model
from training.language_model.serving_files import MANIFEST_FILE


def ask(cache, seed, reads, files=None):
    files = files or ready_to_write(model_bytes(seed=seed))
    return cache.get(f"model {seed}", lambda name: reads.append(name) or files[name])


def test_a_model_is_read_once():
    cache, reads = ModelCache(10**9), []
    assert ask(cache, 0, reads) is ask(cache, 0, reads)
    assert len(reads) == len(set(reads))


def test_the_longest_unused_model_goes_when_memory_is_short():
    cache, reads = ModelCache(int(tiny_model().size_bytes * 2.5)), []
    for seed in (0, 1, 0, 2):
        ask(cache, seed, reads)
    assert [f"model {seed}" in cache for seed in range(3)] == [True, False, True]


def test_a_model_over_the_limit_still_writes():
    assert ask(ModelCache(1), 0, []).network


def test_a_damaged_model_is_refused_and_asked_for_again():
    cache, reads, files = ModelCache(10**9), [], ready_to_write(model_bytes())
    for _ in range(2):
        with pytest.raises(ModelDamaged):
            ask(cache, 0, reads, files | {MANIFEST_FILE: b"{}"})
    assert ask(cache, 0, reads)
