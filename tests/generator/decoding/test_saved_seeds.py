"""What a saved seed gives does not change when the sampler gets faster."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from generator.decoding.batch import write
from generator.decoding.model_file import WritingModel
from generator.decoding.sampler import Rules, draw, uniform
from generator.recipe import Recipe
from tests.generator.decoding.stub_network import ZipfNetwork
from tests.generator.tiny_models import tiny_tokenizer

PLAIN = Recipe(seed=41, temperature=1.0, max_tokens=40)
RECIPES = {
    "plain": PLAIN,
    "greedy": replace(PLAIN, temperature=0.0, seed=3),
    "nucleus": replace(PLAIN, top_k=50, top_p=0.95, temperature=0.9, n=2),
    "min-p": replace(PLAIN, min_p=0.05, seed=2**62),
    "typical": replace(PLAIN, typical_p=0.7, temperature=1.5),
    "all": replace(PLAIN, top_k=60, top_p=0.9, min_p=0.01, typical_p=0.8, repetition_penalty=1.3, no_repeat_ngram=3),
    "flat": replace(PLAIN, temperature=5.0, no_repeat_ngram=2, seed=0),
    "from the end": replace(PLAIN, top_k=20, repetition_penalty=2.0, lines=6, stop=("the", "zz")),
}


def digest(values) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:12]


def written(kind, name) -> list:
    """(token, text) of all pieces, by candidate."""
    tokenizer = tiny_tokenizer(kind, lines_right_to_left=name == "from the end")
    model = WritingModel(ZipfNetwork(tokenizer.vocabulary_size), tokenizer, size_bytes=0)
    pieces = [piece for step in write(model, "I went down to the river\n", RECIPES[name]) for piece in step]
    return [(piece.index, piece.token, piece.text, piece.finish_reason) for piece in pieces]


def drawn(name) -> list[int]:
    """Tokens of a vocabulary of 5,000, one for each of 200 scores, all rows at once."""
    network, recipe = ZipfNetwork(5000), RECIPES[name]
    scores, _ = network.step(np.arange(200), [np.arange(200)[:, None]])
    numbers = np.array([uniform(recipe.seed, position) for position in range(200)])
    tokens, _ = draw(scores, Rules([recipe] * 200), numbers)
    return tokens.tolist()


WRITTEN = {
    ("char", "plain"): "cd7b17a9a976",
    ("char", "greedy"): "dbe988526741",
    ("char", "nucleus"): "39528a61dc85",
    ("char", "min-p"): "85b915ad15cf",
    ("char", "typical"): "5e4d389a2b77",
    ("char", "all"): "79f3699a871c",
    ("char", "flat"): "8b3228740d62",
    ("char", "from the end"): "291ca4801bbe",
    ("word", "plain"): "413a621ba679",
    ("word", "greedy"): "c4d1bcc5b020",
    ("word", "nucleus"): "a9ba5e633774",
    ("word", "min-p"): "8b3505950d44",
    ("word", "typical"): "89ce8012383f",
    ("word", "all"): "5904a3c87b7c",
    ("word", "flat"): "747dddb12b42",
    ("word", "from the end"): "85442858510e",
    ("bpe", "plain"): "f44e204fe660",
    ("bpe", "greedy"): "edbc8a50056c",
    ("bpe", "nucleus"): "a98496fc877b",
    ("bpe", "min-p"): "b7df41c5d92d",
    ("bpe", "typical"): "1ccdffeed456",
    ("bpe", "all"): "d6b4ee9a5fb0",
    ("bpe", "flat"): "9fe427d6036f",
    ("bpe", "from the end"): "622c7a8d782a",
}
DRAWN = {
    "plain": "c073ab05454a",
    "greedy": "fdf7938003a1",
    "nucleus": "5fe6f2dcd347",
    "min-p": "4b8a80f67eba",
    "typical": "e1ce9a4ed8ac",
    "all": "0fc14663800f",
    "flat": "f82029b36d45",
    "from the end": "9f07292d6b0e",
}


@pytest.mark.parametrize(("kind", "name"), WRITTEN)
def test_a_saved_seed_writes_what_it_wrote(kind, name):
    assert digest(written(kind, name)) == WRITTEN[kind, name]


@pytest.mark.parametrize("name", DRAWN)
def test_a_saved_seed_draws_what_it_drew_among_many_tokens(name):
    assert digest(drawn(name)) == DRAWN[name]
