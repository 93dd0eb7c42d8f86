"""The sampler that writes, against the definitions in torch."""

from dataclasses import fields, replace
from functools import cache
from itertools import product
from math import log, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.decoding.batch import Batch, Text
from generator.decoding.model_file import WritingModel, read_model
from generator.decoding.sampler import Numbers, Rules, chances, draw
from generator.decoding.writer import Candidate, Opening
from generator.recipe import TOP_K_CAP, Recipe
from tests.generator.tiny_models import ready_to_write, serving, tiny_tokenizer
from training.language_model import sampling
from training.language_model.checkpoint import save_model
from training.language_model.config import TrainingConfig
from training.language_model.kernels.sizes import MOST_DRAWN_FROM
from training.language_model.networks import LyricNetwork, NetworkShape
from training.language_model.sampling import SamplingValues, forbidden_tokens, next_token_probabilities
from training.language_model.shapes import CELL_KINDS

PLAIN = Recipe(seed=5, temperature=1.0)
KINDS = ("char", "word", "bpe")
SAMPLERS = {
    "temperature": {"temperature": 0.7},
    "top-k": {"top_k": 20},
    "top-p": {"top_p": 0.8},
    "min-p": {"min_p": 0.1},
    "typical-p": {"typical_p": 0.6},
    "penalty": {"repetition_penalty": 1.8},
    "phrases": {"no_repeat_ngram": 2},
    "banned": {"banned": ("the", "my home", "river", "I", "o")},
    "lines": {"min_lines": 3},
}
SAMPLERS["all"] = {name: value for one in SAMPLERS.values() for name, value in one.items()}
OPENING = "oh my letter, oh my home\nthe river is no place to roam\noh my"


def values_of(recipe: Recipe) -> SamplingValues:
    return SamplingValues(**{field.name: getattr(recipe, field.name) for field in fields(SamplingValues)})


@cache
def tokenizer_of(kind, backwards=False):
    return tiny_tokenizer(kind, lines_right_to_left=backwards)


def weighed(tokenizer, scores, recipe, read, written=()) -> np.ndarray:
    """(V,) the scores as the engine's sampler sees them after it wrote ``written``."""
    candidate = Candidate(0, Opening(tokenizer, recipe, [*read]))
    for token in written:
        candidate.take(token, 0.0)
    scores = scores.copy()
    if candidate.weighs:
        candidate.weigh(scores)
    scores[list(tokenizer.never_generated_ids)] = -np.inf
    return scores


def engine_probabilities(tokenizer, scores, recipe, read, written=()) -> np.ndarray:
    """(V,) what the engine's sampler gives each token after it wrote ``written``."""
    scores = weighed(tokenizer, scores, recipe, read, written)
    (ids,), (probabilities,) = chances(scores[None], Rules([recipe]))
    all_of_them = np.zeros(len(scores))
    np.add.at(all_of_them, ids, probabilities)
    return all_of_them


def oracle_probabilities(tokenizer, scores, recipe, read, written=()) -> np.ndarray:
    values = values_of(recipe)
    forbidden = forbidden_tokens(tokenizer, [*read], [*written], values)
    seen = [token for token in [*read, *written] if token >= tokenizer.mark_count]
    return next_token_probabilities(torch.from_numpy(scores), values, forbidden=[*forbidden], seen=seen).numpy()


def test_the_oracle_has_every_sampler_and_the_same_cap():
    assert sampling.CAP == TOP_K_CAP == MOST_DRAWN_FROM  # the compiled functions have room for no more
    assert {field.name for field in fields(SamplingValues)} == set(SAMPLERS["all"])


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_thousand_draws_spread_as_the_oracle_says(kind, name):
    tokenizer, draws = tokenizer_of(kind), 20_000
    recipe = replace(PLAIN, **SAMPLERS[name])
    scores = np.random.default_rng(8).normal(0, 2, tokenizer.vocabulary_size).astype(np.float32)
    read = [tokenizer.begin_id, *tokenizer.encode_prompt(OPENING)]
    expected = oracle_probabilities(tokenizer, scores, recipe, read)
    seeded = Numbers(recipe.seed)
    numbers = np.array([seeded.at(position) for position in range(draws)])
    repeated = np.repeat(weighed(tokenizer, scores, recipe, read)[None], draws, axis=0)
    counts = np.bincount(draw(repeated, Rules([recipe] * draws), numbers)[0], minlength=len(scores))
    assert not counts[expected == 0].any()
    # The mean distance is at most half the sum of the counts' standard deviations; as one draw moves it by 1 / draws at
    # most, it is sqrt(log(1 / p) / (2 draws)) above the mean with a chance below p (McDiarmid): one in a million.
    noise = sum(sqrt(p * (1 - p) / draws) for p in expected) / 2
    assert np.abs(counts / draws - expected).sum() / 2 < noise + sqrt(log(1e6) / (2 * draws))


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_engines_probabilities_are_the_oracles(kind, backwards, data):
    tokenizer = tokenizer_of(kind, backwards)
    numbers = np.random.default_rng(data.draw(st.integers(0, 2**32), "scores"))
    spread = data.draw(st.sampled_from([0.1, 1, 5]))
    scores = numbers.normal(0, spread, tokenizer.vocabulary_size).astype(np.float32)
    if data.draw(st.booleans(), "ties"):
        scores = np.round(scores * 2) / 2
    recipe = data.draw(RECIPES, "recipe")
    read = [tokenizer.begin_id, *tokenizer.encode_prompt(data.draw(st.sampled_from(["", OPENING, "The riv", "oh\n"])))]
    written: list[int] = []
    for token in tokenizer.encode(data.draw(st.sampled_from(["", "the", "oh my", "light\noh", "a\nthe\nmy hom"]))):
        if token in forbidden_tokens(tokenizer, read, written, SamplingValues(banned=recipe.banned)):
            break
        written.append(token)
    given = engine_probabilities(tokenizer, scores, recipe, read, written)
    # A share may be reached to within rounding; then either side of it is right.
    moved = product(*([share, share * (1 - 1e-9), share * (1 + 1e-9)] for share in shares_of(recipe)))
    for shares in moved:
        top, least, typical = (min(share, 1.0) for share in shares)
        near = replace(recipe, top_p=top, min_p=least, typical_p=typical)
        if np.allclose(given, oracle_probabilities(tokenizer, scores, near, read, written), rtol=1e-6, atol=1e-12):
            return
    pytest.fail("no such probabilities by the oracle")


def shares_of(recipe):
    return recipe.top_p, recipe.min_p, recipe.typical_p


RECIPES = st.builds(
    Recipe,
    seed=st.just(5),
    temperature=st.just(0.0) | st.floats(0.05, 5),
    top_k=st.integers(0, 128),
    top_p=st.just(1.0) | st.floats(0.01, 1),
    min_p=st.just(0.0) | st.floats(0, 1),
    typical_p=st.just(1.0) | st.floats(0.01, 1),
    repetition_penalty=st.just(1.0) | st.floats(1, 5),
    no_repeat_ngram=st.integers(0, 4),
    banned=st.lists(st.sampled_from(["the", "my home", "light", ",", "a", "oh my"]), max_size=3, unique=True).map(
        tuple
    ),
    min_lines=st.integers(0, 4),
)

GREEDY = {
    "plain": {},
    "weighed": {
        "repetition_penalty": 1.3,
        "no_repeat_ngram": 3,
        "banned": ("the", "my", "down to", "o"),
        "min_lines": 3,
    },
}


@pytest.mark.parametrize("name", GREEDY)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("architecture", [*CELL_KINDS])
def test_greedy_writing_takes_the_oracles_token_wherever_the_two_best_differ(tmp_path, architecture, kind, name):
    network, model = trained_and_served(tmp_path, architecture, tokenizer_of(kind))
    recipe = replace(PLAIN, temperature=0.0, max_tokens=25, **GREEDY[name])
    tokenizer, values = model.tokenizer, values_of(recipe)
    batch, text = Batch(model), Text(model, "I went down to the river\n", recipe)
    batch.join(text)
    written: list[int] = []
    while batch.rows:
        for _, piece in batch.step():
            scores = logits_after(network, [*text.tokens, *written])
            seen = [token for token in [*text.tokens, *written] if token >= tokenizer.mark_count]
            scores = sampling.penalised(scores, seen, values.repetition_penalty)
            scores[[*forbidden_tokens(tokenizer, text.tokens, written, values)]] = -torch.inf
            best = scores.topk(2)
            if best.values[0] - best.values[1] > 1e-4:
                assert piece.token == best.indices[0]
            assert scores[piece.token] > best.values[0] - 2e-4
            written.append(piece.token)
    assert written


def logits_after(network, tokens) -> torch.Tensor:
    with torch.no_grad():
        return network(torch.tensor(tokens)[:, None])[0][-1, 0]


def trained_and_served(tmp_path, architecture, tokenizer) -> tuple[LyricNetwork, WritingModel]:
    sizes = {"embedding_size": 12, "hidden_size": 16, "num_layers": 2, "residual": True}
    config, seeded = TrainingConfig(architecture=architecture, tokenizer=tokenizer.kind, **sizes), torch.Generator()
    network = LyricNetwork(NetworkShape.of(config, tokenizer.vocabulary_size), generator=seeded.manual_seed(3)).eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(torch.randn(weights.shape, generator=seeded) * 0.5)
    saved = save_model(tmp_path / "model.safetensors", network, config=config, tokenizer=tokenizer, data={}, metrics={})
    files = ready_to_write(saved.path.read_bytes())
    return network, read_model((files | serving(files, "float32")).__getitem__)
