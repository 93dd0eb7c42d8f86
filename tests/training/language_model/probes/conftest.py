"""Tiny networks that have learnt made-up songs of which it is known how far back the next token lies."""

import pytest
import torch

from tests.training.language_model.probes.made_up import (
    SYMBOLS,
    asked_copies,
    build,
    chorus_songs,
    cut_somewhere,
    learn,
    order_eight,
    songs_of,
)


@pytest.fixture(scope="session", params=["lstm", "gru"])
def copying(request):
    """A network that copies a token from four tokens before, when it is asked to."""

    def batch(generator):
        return cut_somewhere(asked_copies(generator), generator)

    return learn(build(request.param, vocabulary=4, hidden=24), batch, steps=400, learning_rate=0.02)


@pytest.fixture(scope="session", params=["lstm", "gru"])
def order_eight_reader(request):
    """A network that has learnt a Markov source of order eight."""
    return learn(build(request.param, vocabulary=2, hidden=32), order_eight, steps=800, learning_rate=0.02)


@pytest.fixture(scope="session")
def chorus_reader():
    """A GRU that has learnt songs in which the second chorus is the first one."""

    def batch(generator):
        return torch.stack(chorus_songs(32, generator), dim=1)

    return learn(build("gru", vocabulary=SYMBOLS, hidden=24), batch, steps=250, learning_rate=0.02)


@pytest.fixture(scope="session")
def unheard_choruses():
    return chorus_songs(48, torch.Generator().manual_seed(99))


@pytest.fixture(scope="session")
def unheard_order_eight():
    return songs_of(order_eight(torch.Generator().manual_seed(99), columns=48, rows=120))
