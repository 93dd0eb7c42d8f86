"""Chorus recall, held against songs whose second chorus is known to be the first, or known not to be."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.language_model.probes.made_up import (
    BEGIN,
    BREAKS,
    CHORUS,
    CHORUS_LENGTH,
    CHORUS_STARTS,
    END,
    SYMBOLS,
    VERSE,
    build,
)
from training.language_model.probes.chorus_recall import (
    Recall,
    chorus_recall,
    find_repeats,
    likeness,
    stanza_spans,
    with_controls,
)

FORETOLD = math.log(4) / CHORUS_LENGTH  # nats per token that knowing which of four choruses it is can save


@pytest.fixture(scope="module")
def repeats(unheard_choruses):
    return find_repeats(unheard_choruses, BREAKS)


@pytest.fixture(scope="module")
def pairs(repeats, unheard_choruses):
    return with_controls(repeats, unheard_choruses, BREAKS)


def test_every_chorus_that_comes_again_is_found(repeats, unheard_choruses):
    assert len(repeats) == len(unheard_choruses)
    first, second = CHORUS_STARTS
    assert {repeat.first for repeat in repeats} == {(first, first + CHORUS_LENGTH)}
    assert {repeat.second for repeat in repeats} == {(second, second + CHORUS_LENGTH)}
    assert {repeat.distance for repeat in repeats} == {second - first}


def test_a_network_that_knows_the_chorus_again_recalls_it(chorus_reader, pairs):
    recall = chorus_recall(chorus_reader, pairs)
    assert recall.is_evident
    assert recall.mean > 0.8 * FORETOLD
    assert float(recall.second.mean()) < float(recall.first.mean())
    [row] = recall.by_distance()
    assert (row["from"], row["to"], row["stanzas"]) == (8, 16, len(pairs))
    assert row["recall"] == pytest.approx(recall.mean)


def test_an_untrained_network_recalls_nothing(pairs):
    recall = chorus_recall(build("gru", vocabulary=SYMBOLS, hidden=24), pairs)
    assert recall.mean == pytest.approx(0, abs=0.02)
    assert not recall.is_evident


def test_replaced_choruses_give_no_recall(chorus_reader, pairs, unheard_choruses):
    """Where the first chorus was another song's already, having read it is worth nothing."""
    without = [replace(control, source=control.source + 7) for _, control in pairs]
    recall = chorus_recall(chorus_reader, with_controls(without, unheard_choruses, BREAKS))
    assert abs(recall.mean) < 3 * recall.error + 0.02
    assert not recall.is_evident


def test_the_control_differs_in_the_first_stanza_alone(pairs):
    for repeat, control in pairs:
        (start, end), (new_start, new_end) = repeat.first, control.first
        assert start == new_start
        assert torch.equal(repeat.song[:start], control.song[:new_start])
        assert torch.equal(repeat.song[end:], control.song[new_end:])
        assert not torch.equal(repeat.song[start:end], control.song[new_start:new_end])
        assert torch.equal(repeat.song[slice(*repeat.second)], control.song[slice(*control.second)])


def test_a_control_of_another_length_moves_the_second_stanza():
    song = torch.tensor([BEGIN, CHORUS, 4, 4, 4, 4, 4, 4, VERSE, 8, CHORUS, 4, 4, 4, 4, 4, 4])
    other = torch.tensor([BEGIN, VERSE, 9, 9, 9, 10, 9, 9, 9, 9, END])
    [repeat] = find_repeats([song, other], BREAKS)
    [(_, control)] = with_controls([repeat], [song, other], BREAKS)
    assert control.song[slice(*control.first)].tolist() == [9, 9, 9, 10, 9, 9, 9, 9]
    assert control.song[slice(*control.second)].tolist() == [4, 4, 4, 4, 4, 4]
    assert control.distance == repeat.distance + 2


def test_a_stanza_sung_a_third_time_counts_once_and_is_not_read():
    song = torch.tensor([BEGIN, *[CHORUS, 4, 5, 4, 5, 4, 5] * 3, END])
    [repeat] = find_repeats([song], BREAKS)
    assert (repeat.first, repeat.second) == ((2, 8), (9, 15))
    assert len(repeat.song) == 15


def test_a_nearly_equal_stanza_counts_and_another_one_does_not():
    chorus = [4, 5, 6, 7, 4, 6, 5, 7, 4, 5, 6, 4]
    nearly, other = [*chorus[:-1], 7], [9, *chorus[4:8], 9, 9, 8, 9, 8, 10, 11]
    assert len(find_repeats([torch.tensor([BEGIN, CHORUS, *chorus, CHORUS, *nearly])], BREAKS)) == 1
    assert find_repeats([torch.tensor([BEGIN, CHORUS, *chorus, CHORUS, *other])], BREAKS) == []


def test_a_song_without_another_song_has_no_control():
    song = torch.tensor([BEGIN, CHORUS, 4, 5, 4, 5, 4, 5, CHORUS, 4, 5, 4, 5, 4, 5, END])
    repeats = find_repeats([song], BREAKS)
    assert len(repeats) == 1
    assert with_controls(repeats, [song], BREAKS) == []
    assert with_controls(repeats, [song, song], BREAKS) == []  # a cover of the same words is no control


def test_repeats_are_spread_over_the_songs_when_there_are_too_many(unheard_choruses):
    some = find_repeats(unheard_choruses, BREAKS, most=10)
    assert len(some) == 10
    assert [repeat.source for repeat in some] == sorted({repeat.source for repeat in some})
    assert some[-1].source > 35


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 11), max_size=60))
def test_stanzas_and_marks_together_are_the_song(tokens):
    spans = stanza_spans(torch.tensor(tokens, dtype=torch.long), BREAKS)
    inside = {index for start, end in spans for index in range(start, end)}
    assert all(start < end for start, end in spans)
    assert inside == {index for index, token in enumerate(tokens) if token not in BREAKS}


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(4, 6), max_size=20), st.lists(st.integers(4, 6), max_size=20))
def test_a_likeness_that_is_asked_for_is_never_missed(one, other):
    exact = likeness(one, other)
    assert 0 <= exact <= 1
    assert likeness(one, one) == 1
    assert likeness(one, other, 0.9) in (exact, 0.0)
    assert exact < 0.9 or likeness(one, other, 0.9) == exact


def test_recall_within_its_error_is_not_evident():
    ones = torch.ones(4)
    noisy = Recall(
        distances=torch.tensor([40, 40, 70, 300]),
        first=ones,
        second=ones,
        control=torch.tensor([1.5, 0.6, 1.4, 0.7]),
    )
    assert noisy.mean == pytest.approx(0.05)
    assert not noisy.is_evident
    assert [(row["from"], row["stanzas"]) for row in noisy.by_distance()] == [(32, 2), (64, 1), (256, 1)]
