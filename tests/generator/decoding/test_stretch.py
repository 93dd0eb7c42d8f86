"""Several steps in one compiled call give what the same steps give one by one, and end where a text does."""

from dataclasses import replace

import numpy as np
import pytest

from generator.decoding.batch import Batch, Text
from generator.recipe import Recipe
from tests.generator.tiny_models import tiny_model
from training.language_model.kernels.linked import has_products

pytestmark = pytest.mark.skipif(not has_products(), reason="this processor lacks the instruction")

PLAIN = Recipe(seed=7, temperature=1.2, max_tokens=60)
RECIPES = [
    PLAIN,
    replace(PLAIN, seed=8, top_k=5, top_p=0.9),
    replace(PLAIN, seed=9, min_p=0.05, typical_p=0.8, n=3),
    replace(PLAIN, seed=10, temperature=0.0, max_tokens=33),
    replace(PLAIN, seed=11, lines=2),
]
PROMPTS = ("the river", "oh my", "I went down\n", "a", "home")


@pytest.fixture(scope="module", params=["char", "word"])
def model(request):
    return tiny_model("lstm", request.param, layers=2, served="int8")


def written(model, recipes, most) -> tuple[dict, int]:
    """By text and candidate all its pieces, and how many calls it took."""
    batch, calls = Batch(model), 0
    texts = [Text(model, prompt, recipe) for prompt, recipe in zip(PROMPTS, recipes, strict=False)]
    for text in texts:
        batch.join(text)
    pieces: dict[tuple, list] = {}
    while batch.rows:
        calls += 1
        for text, piece in batch.step(most):
            pieces.setdefault((texts.index(text), piece.index), []).append(piece)
    return pieces, calls


@pytest.mark.parametrize("most", [2, 8, 100])
def test_a_text_is_the_same_to_the_last_bit(model, most):
    step_by_step, steps = written(model, RECIPES, 1)
    in_stretches, calls = written(model, RECIPES, most)
    assert in_stretches == step_by_step
    assert calls < steps


def test_no_step_is_made_after_the_end_of_a_text(model):
    for recipe in RECIPES:
        batch, text = Batch(model), Text(model, PROMPTS[0], recipe)
        batch.join(text)
        while batch.rows:
            pieces = batch.step(100)
            assert all(piece.finish_reason is None for _, piece in pieces[: -len(batch.rows) - recipe.n])
        assert batch.steps <= len(text.tokens) + recipe.max_tokens


@pytest.mark.parametrize(
    "wish",
    [{"repetition_penalty": 1.3}, {"no_repeat_ngram": 2}, {"banned": ("river",)}, {"stop": ("e",)}, {"min_lines": 2}],
)
def test_a_recipe_that_looks_at_its_text_goes_step_by_step(model, wish):
    batch = Batch(model)
    batch.join(Text(model, PROMPTS[0], replace(PLAIN, **wish)))
    while batch.rows:
        before = batch.steps
        batch.step(8)
        assert batch.steps == before + 1


def test_who_is_in_a_hurry_waits_for_one_step(model):
    batch = Batch(model)
    batch.join(Text(model, PROMPTS[0], replace(PLAIN, max_tokens=500)))
    while not batch.step():
        pass
    batch.hurry[0] = True
    before = batch.steps
    assert len(batch.step(8)) == 1
    assert batch.steps == before + 1
    batch.hurry[0] = False
    assert len(batch.step(8)) > 1


def test_a_prefix_that_is_remembered_is_left_as_it_is(model):
    first, _ = written(model, RECIPES[:1], 8)
    kept = {tokens: [part.copy() for part in memory] for tokens, memory in model.prefixes._known.items()}
    assert written(model, RECIPES[:1], 8)[0] == first
    for tokens, memory in kept.items():
        assert all(map(np.array_equal, memory, model.prefixes._known[tokens]))
