"""Gradient reach, held against differences measured by nudging the state."""

import pytest
import torch
from torch.nn import functional

from tests.training.language_model.probes.made_up import COPY_LAG, asked_copies, build, songs_of
from training.language_model.config import FIELDS
from training.language_model.probes.gradient_reach import (
    choose_windows,
    gradient_reach,
    reach_of,
    state_gradients,
    tensors_of,
)

NUDGE = 1e-6
CELLS = pytest.mark.parametrize("architecture", FIELDS["architecture"].metadata["choices"])


def windows(rows=7, columns=3, vocabulary=9):
    return torch.randint(0, vocabulary, (rows, columns), generator=torch.Generator().manual_seed(5))


def numerical_gradients(network, tokens, lag: int):
    """∂loss/∂state ``lag`` tokens before the loss, by central differences, features in the order of `tensors_of`."""
    read = len(tokens) - 1 - lag
    _, state = network.remember(tokens[:read])

    def losses() -> torch.Tensor:
        features, _ = network.remember(tokens[read:-1], state)
        return functional.cross_entropy(network.logits(features[-1]), tokens[-1], reduction="none")

    columns = []
    for tensor in tensors_of(state):
        for place in torch.cartesian_prod(torch.arange(tensor.shape[0]), torch.arange(tensor.shape[-1])).tolist():
            value = tensor[place[0], :, place[1]]
            original = value.clone()
            value.copy_(original + NUDGE)
            above = losses()
            value.copy_(original - NUDGE)
            columns.append((above - losses()) / (2 * NUDGE))
            value.copy_(original)
    return torch.stack(columns, dim=1)


@CELLS
def test_the_gradients_are_those_that_nudging_the_state_gives(architecture):
    network = build(architecture, vocabulary=9, hidden=4, layers=2).double().eval()
    tokens = windows()
    exact = state_gradients(network, tokens)
    assert len(exact) == len(tokens) - 2
    with torch.no_grad():
        for lag in (1, 2, 5):
            torch.testing.assert_close(exact[lag - 1], numerical_gradients(network, tokens, lag), rtol=1e-5, atol=1e-8)


@CELLS
def test_asking_changes_neither_weights_nor_their_gradients_nor_the_mode(architecture):
    network = build(architecture, vocabulary=9, hidden=4).train()
    network(windows())[0].sum().backward()
    before = [weight.grad.clone() for weight in network.parameters()]
    gradient_reach(network, windows())
    assert network.training
    assert all(torch.equal(old, weight.grad) for old, weight in zip(before, network.parameters(), strict=True))


def test_the_gradient_of_a_copy_reaches_back_to_what_it_copies_and_no_farther(copying):
    periods = 8
    songs = asked_copies(torch.Generator().manual_seed(9), columns=64, periods=periods)
    asked = songs[-2 * (COPY_LAG + 1) - 2 :]  # its last token is a copy; the value was read at lag COPY_LAG - 1
    norms = gradient_reach(copying, asked)
    assert norms[COPY_LAG - 2] > 0.5 * norms[0]
    untrained = gradient_reach(build(copying.shape.architecture, vocabulary=4, hidden=24), asked)
    # The copy before it is of no use, which the untrained network can't know.
    assert norms[COPY_LAG + 1] / norms[COPY_LAG - 2] < 0.5 * untrained[COPY_LAG + 1] / untrained[COPY_LAG - 2]


def test_windows_are_whole_stretches_of_songs_and_the_same_each_time():
    songs = songs_of(windows(rows=90, columns=4))
    chosen = choose_windows(songs, lags=16, most=10)
    assert chosen.shape == (18, 10)
    assert torch.equal(chosen, choose_windows(songs, lags=16, most=10))
    text = [song.tolist() for song in songs]
    for column in chosen.T.tolist():
        assert any(column == song[start : start + 18] for song in text for start in range(len(song)))


def test_short_songs_give_fewer_lags_and_none_gives_no_window():
    assert choose_windows(songs_of(windows(rows=6, columns=2))).shape == (6, 2)
    assert choose_windows([]).shape[1] == 0
    assert choose_windows([torch.tensor([1, 2])]).shape[1] == 0


def test_the_reach_is_the_first_lag_with_less_than_a_hundredth_left():
    assert reach_of([1.0, 0.1, 0.009, 0.2]) == 3
    assert reach_of([1.0, 0.5]) is None
    assert reach_of([]) is None
    assert reach_of([0.0, 0.0]) is None
