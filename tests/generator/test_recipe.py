"""What a recipe accepts, and how it refuses."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.recipe import CHECKS, FIELDS, SEED_LIMIT, Recipe, RecipeError, checked_prompt

REFUSED = [
    *[("max_tokens", value) for value in (10**9, 1e9, -1, 0, 1.5, "256", None, True, [], 2**70)],
    *[("n", value) for value in (10**6, 0, -1, "2", None, False)],
    *[("temperature", value) for value in (-1, 0.01, float("inf"), float("nan"), "nan", "1", 999999, None, True)],
    *[("top_k", value) for value in (-1, 10**9, 1e9, 129, "40", None)],
    *[("top_p", value) for value in (-1, 0, 2, float("nan"), "0.9", None)],
    *[("min_p", value) for value in (-0.1, 1.1, float("nan"), None)],
    *[("typical_p", value) for value in (0, -1, 1.5)],
    *[("repetition_penalty", value) for value in (0, 0.9, 10**400, float("inf"))],
    *[("no_repeat_ngram", value) for value in (-1, 65, 2.0)],
    *[("stop", value) for value in (["x"] * 10**5, ["x" * 65], [""], "", [1], {"a": 1}, 7, ["\x00"], ["\ud800"], None)],
    *[("seed", value) for value in (2**70, -1, 1.0, "41", True)],
    *[("lines", value) for value in (0, -1, 10**9, "3", 1.5)],
    *[("min_lines", value) for value in (-1, 201, "3", 1.5, None, True)],
    *[("banned", value) for value in (["x"] * 51, ["x" * 65], [""], "", "  ", [1], None, {"a": 1}, ["a\nb"], "\ud800")],
    *[("genre", value) for value in ("x" * 81, "a\nb", "\x00", 7, None, ["Folk"])],
    ("artist", "\u202e"),
    ("title", "x" * 81),
    ("temprature", 1.0),
]


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_a_bad_value_is_refused_at_its_field(field, value):
    with pytest.raises(RecipeError) as refused:
        Recipe.from_dict({field: value})
    assert list(refused.value.errors) == [field]
    assert len(str(refused.value)) < 200


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(RecipeError) as refused:
        Recipe.from_dict({"n": 0, "top_p": 2, "seed": 3, "what": 1})
    assert set(refused.value.errors) == {"n", "top_p", "what"}


def test_zero_temperature_is_legal_and_greedy():
    assert Recipe.from_dict({"temperature": 0}).temperature == 0


def test_every_field_has_a_check():
    assert set(CHECKS) == set(FIELDS)


def test_a_seed_is_chosen_once_and_kept():
    recipe = Recipe().with_seed()
    assert recipe.seed is not None
    assert recipe.with_seed() is recipe


def test_one_stop_may_come_as_plain_text():
    assert Recipe.from_dict({"stop": "\n\n"}).stop == ("\n\n",)


def test_a_banned_word_is_kept_once_whatever_its_case_and_blanks():
    assert Recipe.from_dict({"banned": ["Love", "LOVE", " my  home "]}).banned == ("Love", "my home")
    assert Recipe.from_dict({"banned": "love"}).banned == ("love",)


def test_fewest_lines_are_no_more_than_most_lines():
    assert Recipe.from_dict({"lines": 4, "min_lines": 4}).min_lines == 4
    assert errors_of({"lines": 4, "min_lines": 5}) == {"min_lines": ["At most as many as “lines”: 4."]}
    assert errors_of({"lines": None, "min_lines": 200}) == {}


def test_a_recipe_from_before_words_could_be_banned_is_read():
    values = Recipe(seed=3, temperature=0.9, stop=("x",)).to_dict()
    assert Recipe.from_dict({n: v for n, v in values.items() if n not in ("banned", "min_lines")}).to_dict() == values


def test_the_seed_of_a_candidate_stays_within_63_bits():
    recipe = Recipe(seed=SEED_LIMIT, n=2)
    assert recipe.for_candidate(1).seed == 0
    assert recipe.for_candidate(0) == Recipe(seed=SEED_LIMIT)


TEXT = st.characters(codec="utf-8", exclude_characters="\x00")


def visible(texts):
    return [text for text in texts if text.isprintable() and text.strip()]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "max_tokens": st.integers(1, 1024),
            "n": st.integers(1, 8),
            "seed": st.none() | st.integers(0, SEED_LIMIT),
            "temperature": st.just(0) | st.floats(0.05, 5),
            "top_k": st.integers(0, 128),
            "top_p": st.floats(0.001, 1),
            "min_p": st.floats(0, 1),
            "stop": st.lists(st.text(TEXT, min_size=1, max_size=64), max_size=4),
            "banned": st.lists(st.text(TEXT, min_size=1, max_size=64), max_size=50).map(visible),
            "lines": st.none() | st.integers(50, 200),
            "min_lines": st.integers(0, 50),
        },
    )
)
def test_what_is_legal_survives_json(values):
    recipe = Recipe.from_dict(values)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(), JSON_VALUES, max_size=6))
def test_no_value_crashes_it(values):
    assert set(errors_of(values)) <= set(values)


def errors_of(values) -> dict:
    try:
        Recipe.from_dict(values)
    except RecipeError as error:
        return error.errors
    return {}


@pytest.mark.parametrize("prompt", ["x" * 10_000_000, "\n" * 1_000_000, "ж" * 2100, "\ud800", "a\x00b", None, 7, ["a"]])
def test_a_prompt_that_cannot_be_one_is_refused(prompt):
    with pytest.raises(RecipeError) as refused:
        checked_prompt(prompt)
    assert list(refused.value.errors) == ["prompt"]


@pytest.mark.parametrize("prompt", ["", "The last ferry", "\n\n", "x" * 4096, "zzz qqq 🎵"])
def test_a_prompt_may_be_empty_strange_or_long(prompt):
    assert checked_prompt(prompt) == prompt
