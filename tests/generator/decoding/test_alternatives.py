"""What the network itself thought likely, beside what was drawn."""

import numpy as np
import pytest

from generator.decoding.batch import Batch, Text
from generator.recipe import Recipe
from tests.generator.tiny_models import tiny_model

# The penalty changes what is drawn, not what the network thought.
RECIPE = Recipe(seed=41, max_tokens=12, repetition_penalty=1.5, top_k=5)


def pieces_of(model, alternatives: int):
    batch = Batch(model)
    batch.join(Text(model, "The ", RECIPE, alternatives=alternatives))
    while batch.rows:
        yield from (piece for _, piece in batch.step())


def test_each_piece_names_so_many_likeliest_tokens_with_their_log_probabilities_best_first():
    for piece in pieces_of(tiny_model(), 4):
        logs = [log for _, log in piece.alternatives]
        assert len({token for token, _ in piece.alternatives}) == 4
        assert logs == sorted(logs, reverse=True)
        assert sum(np.exp(logs)) <= 1 + 1e-6


def test_the_drawn_token_has_the_same_log_probability_among_them():
    told = [(piece, dict(piece.alternatives)) for piece in pieces_of(tiny_model(), 20)]
    found = [piece for piece, logs in told if piece.token in logs]
    assert found
    for piece in found:
        assert dict(piece.alternatives)[piece.token] == pytest.approx(piece.log_probability, abs=1e-6)


def test_asking_for_them_changes_no_text():
    model = tiny_model()
    drawn = [[piece.token for piece in pieces_of(model, count)] for count in (0, 5)]
    assert drawn[0] == drawn[1]


def test_a_vocabulary_smaller_than_what_was_asked_for_names_all_of_it():
    model = tiny_model()
    piece = next(iter(pieces_of(model, 128)))
    assert len(piece.alternatives) == min(128, model.tokenizer.vocabulary_size)
