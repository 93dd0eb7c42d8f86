"""Models in memory."""

import hashlib

import pytest

from generator.decoding.cache import ModelCache
from generator.decoding.model_file import ModelDamaged
from tests.generator.tiny_models import model_bytes, tiny_model


def ask(cache, content, reads, **claims):
    claimed = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)} | claims
    return cache.get(**claimed, read=lambda: reads.append(1) or content)


def test_a_model_is_read_once():
    cache, reads, content = ModelCache(10**9), [], model_bytes()
    assert ask(cache, content, reads) is ask(cache, content, reads)
    assert len(reads) == 1


def test_the_longest_unused_model_goes_when_memory_is_short():
    contents = [model_bytes(seed=seed) for seed in range(3)]
    digests = [hashlib.sha256(content).hexdigest() for content in contents]
    cache, reads = ModelCache(int(tiny_model().size_bytes * 2.5)), []
    ask(cache, contents[0], reads)
    ask(cache, contents[1], reads)
    ask(cache, contents[0], reads)
    ask(cache, contents[2], reads)
    assert [digest in cache for digest in digests] == [True, False, True]


def test_a_model_over_the_limit_still_writes():
    cache, reads = ModelCache(1), []
    assert ask(cache, model_bytes(), reads).network


@pytest.mark.parametrize("claims", [{"sha256": "0" * 64}, {"size_bytes": 7}])
def test_a_damaged_file_is_refused_and_asked_for_again(claims):
    cache, reads, content = ModelCache(10**9), [], model_bytes()
    for _ in range(2):
        with pytest.raises(ModelDamaged):
            ask(cache, content, reads, **claims)
    assert ask(cache, content, reads)
