"""A seed gives the same text, whoever else writes: a thousand requests, alone, in crowds, and after a restart."""

import random

from generator.decoding.batch import write
from generator.decoding.engine import Engine
from generator.recipe import Recipe
from tests.generator.tiny_models import tiny_model

REQUESTS = 1000
PROMPTS = ("", "oh", "I went down\n", "The river and the ", "[Chorus]\n", "word " * 12)


def make_requests(numbers: random.Random) -> list[tuple[str, Recipe]]:
    """A thousand requests with values of every kind, each with a seed of its own."""
    return [
        (
            numbers.choice(PROMPTS),
            Recipe(
                seed=seed,
                n=numbers.choice([1, 1, 1, 2, 3]),
                max_tokens=numbers.randint(1, 16),
                temperature=numbers.choice([0, 0.7, 1.0, 2.0]),
                top_k=numbers.choice([0, 0, 5, 40]),
                top_p=numbers.choice([1.0, 0.9]),
                min_p=numbers.choice([0.0, 0.02]),
                typical_p=numbers.choice([1.0, 0.8]),
                repetition_penalty=numbers.choice([1.0, 1.3]),
                no_repeat_ngram=numbers.choice([0, 2]),
                stop=numbers.choice([(), ("e",)]),
            ),
        )
        for seed in range(REQUESTS)
    ]


def written_in_crowds(model, requests, numbers: random.Random) -> dict[int, list]:
    """The pieces of each request by its seed: they come in any order, in bursts, and some beside them leave early."""
    engine, found = Engine(slots=16, inbox=64, per_person=REQUESTS), {}
    waiting = numbers.sample(requests, len(requests))
    while waiting:
        burst = [waiting.pop() for _ in range(min(len(waiting), numbers.randint(1, 60)))]
        leaver = engine.open(model, numbers.choice(PROMPTS), Recipe(seed=9, max_tokens=500), person=0, seconds=600)
        writings = [
            (recipe.seed, engine.open(model, prompt, recipe, person=recipe.seed, seconds=600))
            for prompt, recipe in burst
        ]
        numbers.shuffle(writings)
        for place, (seed, writing) in enumerate(writings):
            if place == len(writings) // 2:
                leaver.cancel()
            found[seed] = by_candidate(piece for turn in writing for piece in turn)
    return found


def by_candidate(pieces) -> list[tuple]:
    """All that was said, each candidate's own pieces in their order: tokens, texts, log-probabilities to the bit."""
    return sorted((piece.index, place, piece) for place, piece in counted(pieces))


def counted(pieces):
    counts: dict[int, int] = {}
    for piece in pieces:
        counts[piece.index] = counts.get(piece.index, -1) + 1
        yield counts[piece.index], piece


def test_a_thousand_requests_write_the_same_alone_in_crowds_and_after_a_restart():
    numbers = random.Random(7)
    requests = make_requests(numbers)
    model = tiny_model("gru", "char")
    alone = {
        recipe.seed: by_candidate(piece for step in write(model, prompt, recipe) for piece in step)
        for prompt, recipe in requests
    }
    crowded = written_in_crowds(model, requests, numbers)
    assert sum(crowded[seed] == alone[seed] for seed in alone) == REQUESTS
    after_a_restart = written_in_crowds(tiny_model("gru", "char"), requests, numbers)
    assert sum(after_a_restart[seed] == alone[seed] for seed in alone) == REQUESTS
