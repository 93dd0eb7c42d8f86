"""What is remembered of prompts that were read before."""

import numpy as np

from generator.decoding.batch import Batch, Text
from generator.decoding.prefixes import EVERY, Prefixes
from generator.recipe import Recipe
from tests.generator.tiny_models import tiny_model

MEMORY = [np.zeros((1, 8), np.float32)]


def known(*prompts, limit_bytes=10**6):
    prefixes = Prefixes(limit_bytes)
    for prompt in prompts:
        for position in range(1, len(prompt) + 1):
            if prefixes.wants(position, len(prompt)):
                prefixes.keep(prompt[:position], MEMORY)
    return prefixes


def test_a_prompt_is_found_whole_or_as_far_as_a_multiple_of_the_stride():
    prompt = [*range(3 * EVERY + 5)]
    prefixes = known(prompt)
    assert prefixes.longest(prompt)[0] == len(prompt)
    assert prefixes.longest([*prompt, 7])[0] == 3 * EVERY
    assert prefixes.longest([*prompt[: 2 * EVERY], 99_999, *prompt])[0] == 2 * EVERY
    assert prefixes.longest([99_999, *prompt]) == (0, None)


def test_what_was_longest_unused_is_dropped_first():
    first, second, third = [1, 2], [3, 4], [5, 6]
    prefixes = known(first, second, limit_bytes=250)
    prefixes.longest(first)
    prefixes.keep(third, MEMORY)
    assert [prefixes.longest(one)[0] for one in (first, second, third)] == [2, 0, 2]


def test_a_prompt_that_was_read_before_is_written_from_in_one_step():
    model = tiny_model("gru")
    recipe = Recipe(seed=1, max_tokens=3)

    def steps_to_the_first_piece(prompt):
        batch, steps = Batch(model), 1
        batch.join(Text(model, prompt, recipe))
        while not batch.step():
            steps += 1
        return steps

    assert steps_to_the_first_piece("I went down to the river") > 20
    assert steps_to_the_first_piece("I went down to the river") == 1
