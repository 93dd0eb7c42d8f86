"""The memory ruler, held against sources whose memory is known."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.language_model.probes.made_up import (
    COPY_LAG,
    FLIPPED,
    ORDER,
    asked_copies,
    build,
    copied_indices,
    songs_of,
)
from training.language_model.config import FIELDS
from training.language_model.probes.memory_ruler import (
    Places,
    Ruler,
    choose_places,
    losses_in_sight,
    memory_ruler,
)
from training.language_model.probes.reading import token_losses

PERIODS = 12


@pytest.fixture(scope="module")
def copies():
    """Songs of asked copies, and the places of those copies that have 32 tokens before them."""
    songs = songs_of(asked_copies(torch.Generator().manual_seed(9), columns=48, periods=PERIODS))
    chosen = [(song, index) for song in range(48) for index in copied_indices(PERIODS) if index >= 32]
    return songs, Places(history=32, chosen=chosen)


def test_the_ruler_drops_at_the_planted_lag(copying, copies):
    ruler = memory_ruler(copying, *copies)
    by_length = dict(zip(ruler.lengths, ruler.losses, strict=True))
    assert all(by_length[length] > math.log(2) * 0.95 for length in (1, 2))  # it can only guess
    assert all(by_length[length] < 0.1 for length in (4, 8, 16, 32))  # it has read what it is asked for
    assert ruler.knee == COPY_LAG
    assert not ruler.is_flat


def test_the_ruler_of_an_untrained_network_stays_flat_on_the_same_songs(copying, copies):
    untrained = build(copying.shape.architecture, vocabulary=4, hidden=24)
    ruler = memory_ruler(untrained, *copies)
    assert max(ruler.losses) - min(ruler.losses) < 0.05
    assert ruler.is_flat
    assert ruler.knee is None


def test_a_source_of_order_eight_flattens_at_eight(order_eight_reader, unheard_order_eight):
    places = choose_places(unheard_order_eight, longest=64)
    ruler = memory_ruler(order_eight_reader, unheard_order_eight, places)
    by_length = dict(zip(ruler.lengths, ruler.losses, strict=True))
    noise = -FLIPPED * math.log(FLIPPED) - (1 - FLIPPED) * math.log(1 - FLIPPED)
    assert all(by_length[length] == pytest.approx(math.log(2), abs=0.03) for length in (1, 2, 4))
    assert all(by_length[length] == pytest.approx(ruler.whole, abs=0.05) for length in (8, 16, 32, 64))
    assert ruler.whole == pytest.approx(noise, abs=0.1)  # the sample of 384 tokens has its own share of flips
    assert ruler.knee == ORDER


def test_an_untrained_network_is_flat_on_the_source_of_order_eight(unheard_order_eight):
    ruler = memory_ruler(
        build("lstm", vocabulary=2, hidden=32), unheard_order_eight, choose_places(unheard_order_eight, longest=64)
    )
    assert ruler.is_flat
    assert ruler.knee is None


@pytest.mark.parametrize("architecture", FIELDS["architecture"].metadata["choices"])
def test_seeing_all_that_was_read_is_the_loss_of_the_whole_song(architecture):
    network = build(architecture, vocabulary=9, hidden=6, layers=2)
    songs = [torch.randint(0, 9, (length,), generator=torch.Generator().manual_seed(length)) for length in (70, 5, 40)]
    whole = token_losses(network, songs, [[(0, len(song))] for song in songs])
    for song, index in [(0, 69), (0, 33), (1, 4), (2, 39)]:
        seen = losses_in_sight(network, songs, [(song, index)], index)
        torch.testing.assert_close(seen[0], whole[song][index])


def test_the_same_tokens_are_predicted_each_time_and_have_the_longest_history():
    songs = [torch.zeros(length, dtype=torch.long) for length in (900, 40, 700)]
    places = choose_places(songs, most=100)
    assert places == choose_places(songs, most=100)
    assert places.history == 512
    assert len(places.chosen) == len(set(places.chosen)) == 100
    assert all(512 <= index < len(songs[song]) for song, index in places.chosen)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=6), st.integers(1, 50))
def test_a_place_always_has_its_history(lengths, most):
    songs = [torch.zeros(length, dtype=torch.long) for length in lengths]
    places = choose_places(songs, most=most, longest=64)
    assert places.history >= 1
    assert len(places.chosen) <= most
    assert all(places.history <= index < lengths[song] for song, index in places.chosen)
    assert places.chosen or all(length < 2 for length in lengths)


def test_songs_of_one_word_have_no_place():
    assert choose_places([torch.zeros(2, dtype=torch.long)]).chosen == [(0, 1)]
    assert choose_places([torch.zeros(1, dtype=torch.long)]).chosen == []
    assert choose_places([]).chosen == []


def test_few_long_songs_do_not_stand_for_all():
    songs = [torch.zeros(600, dtype=torch.long), *[torch.zeros(100, dtype=torch.long) for _ in range(60)]]
    assert choose_places(songs, most=64).history == 64


def ruler(losses, *, whole=2.0, gain=1.0, error=0.01):
    lengths = [2**power for power in range(len(losses))]
    return Ruler(lengths=lengths, losses=losses, whole=whole, gain=gain, gain_error=error, places=100)


def test_the_knee_is_where_the_loss_stays_that_of_the_whole_song():
    assert ruler([3.0, 2.5, 2.03, 2.01]).knee == 4
    assert ruler([3.0, 2.01, 2.5, 2.01]).knee == 8  # a dip is no knee
    assert ruler([3.0, 2.9, 2.8, 2.7]).knee is None


def test_a_gain_that_chance_would_make_is_flat():
    assert ruler([2.01, 2.0], gain=0.01).is_flat
    assert ruler([2.3, 2.0], gain=0.3, error=0.2).is_flat
    assert not ruler([2.3, 2.0], gain=0.3, error=0.02).is_flat


def test_a_network_that_was_learning_goes_on_learning():
    network = build("gru", vocabulary=5, hidden=6).train()
    songs = [torch.randint(0, 5, (30,), generator=torch.Generator().manual_seed(1))]
    memory_ruler(network, songs, choose_places(songs, most=4))
    assert network.training
    assert all(weight.grad is None for weight in network.parameters())
