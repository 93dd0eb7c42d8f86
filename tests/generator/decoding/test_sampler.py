"""What may be drawn and how often, against each sampler's definition."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from generator.decoding import sampler
from generator.decoding.past import Past
from generator.decoding.sampler import Rules, chances, likeliest, log_totals, uniform
from generator.recipe import TOP_K_CAP, Recipe

PLAIN = Recipe(seed=1, temperature=1.0)
SCORES = np.random.default_rng(5).normal(0, 2, 300).astype(np.float32)


def exact(scores, recipe: Recipe) -> dict[int, float]:
    """The definition, written out slowly."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[: recipe.top_k or TOP_K_CAP]
    weights = [np.exp((float(scores[i]) - float(scores[order[0]])) / recipe.temperature) for i in order]
    kept = dict(zip(order, np.array(weights) / sum(weights), strict=True))
    total, nucleus = 0.0, {}
    for token, probability in kept.items():
        if total < recipe.top_p:
            nucleus[token] = probability
        total += probability
    kept = renormalised(nucleus)
    kept = renormalised({t: p for t, p in kept.items() if p >= recipe.min_p * max(kept.values())})
    if recipe.typical_p < 1:
        entropy = -sum(p * np.log(p) for p in kept.values())
        total, typical = 0.0, {}
        for token, probability in sorted(kept.items(), key=lambda item: abs(-np.log(item[1]) - entropy)):
            if total < recipe.typical_p:
                typical[token] = probability
            total += probability
        kept = renormalised(typical)
    return kept


def distribution(scores, recipe: Recipe):
    """(ids, probabilities) of what may be drawn, of one row alone."""
    (ids,), (probabilities,) = chances(scores[None], Rules([recipe]))
    return ids[probabilities > 0], probabilities[probabilities > 0]


def draw(scores, recipe: Recipe, *, position=0, past: Past | None = None, forbidden=()) -> int:
    allowed = scores.copy()
    if past is not None:
        past.weigh(allowed)
    allowed[list(forbidden)] = -np.inf
    numbers = np.array([uniform(recipe.seed, position)])
    (token,), _ = sampler.draw(allowed[None], Rules([recipe]), numbers)
    if past is not None:
        past.read([int(token)])
    return int(token)


def renormalised(kept):
    return {token: p / sum(kept.values()) for token, p in kept.items()}


RECIPES = [
    PLAIN,
    replace(PLAIN, temperature=0.5, top_k=20),
    replace(PLAIN, temperature=1.7, top_p=0.8),
    replace(PLAIN, min_p=0.1),
    replace(PLAIN, typical_p=0.5),
    replace(PLAIN, top_k=40, top_p=0.9, min_p=0.02, typical_p=0.9, temperature=1.2),
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_probabilities_are_those_of_the_definition(recipe):
    ids, probabilities = distribution(SCORES, recipe)
    expected = exact(SCORES, recipe)
    assert set(ids.tolist()) == set(expected)
    for token, probability in zip(ids.tolist(), probabilities, strict=True):
        assert probability == pytest.approx(expected[token], rel=1e-5)


@pytest.mark.parametrize("recipe", RECIPES)
def test_twenty_thousand_draws_spread_as_the_definition_says(recipe):
    expected, draws = exact(SCORES, recipe), 20_000
    counts = dict.fromkeys(expected, 0)
    numbers = np.array([uniform(recipe.seed, position) for position in range(draws)])
    drawn, _ = sampler.draw(np.repeat(SCORES[None], draws, axis=0), Rules([recipe] * draws), numbers)
    for token in drawn.tolist():
        counts[token] += 1  # a draw outside the definition is a KeyError
    distance = sum(abs(counts[token] / draws - p) for token, p in expected.items()) / 2
    noise = sum((p * (1 - p) / draws) ** 0.5 for p in expected.values()) / 2
    assert distance < 1.6 * noise


def test_no_more_than_the_cap_is_ever_in_the_draw():
    assert len(distribution(np.zeros(500, np.float32), PLAIN)[0]) == TOP_K_CAP


def test_greedy_takes_the_highest_score_and_the_lower_id_of_equals():
    scores = np.array([0.0, 2.0, 2.0, 1.0], np.float32)
    assert draw(scores, replace(PLAIN, temperature=0.0)) == 1


def test_forbidden_tokens_are_never_drawn():
    scores = np.array([9.0, 0.0, 0.0], np.float32)
    assert {draw(scores, PLAIN, position=position, forbidden=[0]) for position in range(200)} == {1, 2}


GREEDY = replace(PLAIN, temperature=0.0)
PENALTY = replace(GREEDY, repetition_penalty=2.0)


def test_the_penalty_lowers_words_already_there_but_no_marks():
    scores = np.array([1.0, 1.1, 1.2], np.float32)
    past = Past(PENALTY, marks=[2])
    past.read([1, 2])
    assert draw(scores, PENALTY, past=past) == 2
    past = Past(PENALTY, marks=[2])
    past.read([1, 2])
    assert draw(scores, PENALTY, past=past, forbidden=[2]) == 0


def test_the_penalty_lowers_negative_scores_too():
    past = Past(PENALTY, marks=())
    past.read([0])
    assert draw(np.array([-1.0, -1.5], np.float32), PENALTY, past=past) == 1


def test_no_phrase_of_the_length_comes_twice():
    recipe = replace(PLAIN, no_repeat_ngram=3, top_k=4)
    past = Past(recipe, marks=[0])
    scores = np.array([-3.0, 1.0, 1.0, 1.0, 1.0, 1.0], np.float32)
    past.read([1, 2, 3])
    history = [1, 2, 3] + [draw(scores, recipe, position=position, past=past) for position in range(200)]
    phrases = [tuple(history[i : i + 3]) for i in range(len(history) - 2) if history[i + 2] != 0]
    assert len(phrases) == len(set(phrases))


def test_a_phrase_length_of_one_forbids_every_word_twice():
    recipe = replace(PLAIN, no_repeat_ngram=1)
    past = Past(recipe, marks=[0])
    drawn = [draw(np.zeros(6, np.float32), recipe, position=position, past=past) for position in range(60)]
    words = [token for token in drawn if token]
    assert len(words) == len(set(words)) == 5


def test_a_random_number_depends_on_seed_and_position_alone():
    assert uniform(41, 7) == uniform(41, 7)
    assert len({uniform(seed, position) for seed in range(50) for position in range(50)}) == 2500
    assert uniform(2**63 - 1, 2**40) < 1


def test_random_numbers_are_even():
    numbers = np.array([uniform(3, position) for position in range(20_000)])
    counts, _ = np.histogram(numbers, 20, (0, 1))
    assert ((counts - 1000) ** 2 / 1000).sum() < 45  # chi-squared, 19 degrees: one in a thousand


finite = st.floats(-50, 50, width=32)


@settings(max_examples=150)
@given(
    arrays(np.float32, st.integers(1, 60), elements=finite),
    st.integers(0, 128),
    st.floats(0.05, 5),
    st.floats(0.01, 1),
    st.floats(0, 1),
    st.floats(0.01, 1),
)
def test_every_distribution_is_one(scores, k, temperature, p, floor, typical):
    recipe = Recipe(seed=0, top_k=k, temperature=temperature, top_p=p, min_p=floor, typical_p=typical)
    ids, probabilities = distribution(scores, recipe)
    assert 1 <= len(ids) <= (k or TOP_K_CAP)
    assert probabilities.sum() == pytest.approx(1)
    assert len(set(ids.tolist())) == len(ids)


@given(
    arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 900)), elements=st.integers(-3, 3).map(float)),
    st.integers(1, TOP_K_CAP),
)
def test_the_likeliest_are_those_of_a_full_sort(scores, count):
    ids, values = likeliest(scores, count)
    for row, own_ids, own_values in zip(scores, ids, values, strict=True):
        expected = sorted(range(len(row)), key=lambda i: (-row[i], i))[:count]
        assert own_ids[np.isfinite(own_values)].tolist() == expected
        assert own_values[: len(expected)].tolist() == [row[i] for i in expected]


@given(arrays(np.float32, st.integers(600, 3000), elements=finite), st.integers(1, TOP_K_CAP))
def test_a_forbidden_token_is_never_among_the_likeliest(scores, count):
    scores[::3] = -np.inf
    ids, values = likeliest(scores[None], count)
    assert (ids[np.isfinite(values)] % 3 != 0).all()


@settings(max_examples=60)
@given(st.integers(0, 10_000))
def test_a_row_has_the_same_chances_alone_and_among_others_to_the_last_bit(seed):
    numbers = np.random.default_rng(seed)
    recipes = [RECIPES[one] for one in numbers.integers(0, len(RECIPES), 9)]
    recipes[3] = GREEDY
    scores = numbers.normal(0, 3, (9, 700)).astype(np.float32)
    ids, probabilities = chances(scores, Rules(recipes))
    for row, recipe in enumerate(recipes):
        own_ids, own = chances(scores[row : row + 1], Rules([recipe]))
        is_there = own[0] > 0
        assert np.array_equal(own[0], probabilities[row][: len(own[0])])
        assert not probabilities[row][len(own[0]) :].any()
        assert np.array_equal(own_ids[0][is_there], ids[row][: len(own[0])][is_there])


@given(arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 300)), elements=st.floats(-200, 200, width=32)))
def test_the_total_is_that_of_the_exponentials_however_far_from_zero_the_scores_are(scores):
    highest = scores.max(axis=1).astype(np.float64)
    expected = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
    assert log_totals(scores) == pytest.approx(expected, rel=1e-5, abs=1e-5)
    for row in range(len(scores)):
        assert log_totals(scores[row : row + 1])[0] == log_totals(scores)[row]


def test_the_log_probability_is_the_networks_own():
    scores = np.log(np.array([[0.5, 0.3, 0.2]], np.float32))
    assert scores[0, 1] - log_totals(scores)[0] == pytest.approx(np.log(0.3), abs=1e-6)
