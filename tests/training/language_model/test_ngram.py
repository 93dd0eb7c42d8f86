"""Kneser-Ney against its textbook definition, and against what a probability has to be."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.language_model.ngram import USUAL_DISCOUNTS, KneserNey, estimate_discounts

V = 5
BEGIN = 0
songs = st.lists(st.lists(st.integers(1, V - 1), max_size=8).map(lambda words: [BEGIN, *words]), max_size=8)


class Textbook:
    """Interpolated modified Kneser-Ney as Chen and Goodman 1999 define it, with dictionaries and recursion."""

    def __init__(self, order: int, sequences: list[list[int]], vocabulary_size: int = V):
        self.order, self.vocabulary_size = order, vocabulary_size
        raw = [Counter() for _ in range(order + 1)]
        for song in sequences:
            for n in range(1, order + 1):
                for end in range(max(n, 2), len(song) + 1):  # the first token is never predicted
                    raw[n][tuple(song[end - n : end])] += 1
        self.counts = [Counter() for _ in range(order + 1)]
        for n in range(1, order + 1):
            for gram, count in raw[n].items():
                if n == order or gram[0] == BEGIN:
                    self.counts[n][gram] = count
                else:
                    self.counts[n][gram] = len({longer[0] for longer in raw[n + 1] if longer[1:] == gram})
        self.discounts = [self.estimate(counts) for counts in self.counts]

    @staticmethod
    def estimate(counts: Counter) -> list[float]:
        t = [sum(count == r for count in counts.values()) for r in range(5)]
        if 0 in t[1:]:
            return list(USUAL_DISCOUNTS)
        y = t[1] / (t[1] + 2 * t[2])
        found = [0.0, 1 - 2 * y * t[2] / t[1], 2 - 3 * y * t[3] / t[2], 3 - 4 * y * t[4] / t[3]]
        return found if all(0 < found[r] <= r for r in (1, 2, 3)) else list(USUAL_DISCOUNTS)

    def probability(self, context: tuple[int, ...], word: int) -> float:
        n = len(context) + 1
        shorter = self.probability(context[1:], word) if context else 1 / self.vocabulary_size
        followers = {gram: count for gram, count in self.counts[n].items() if gram[:-1] == context}
        if not followers:
            return shorter
        discounts, total = self.discounts[n], sum(followers.values())
        left = sum(discounts[min(count, 3)] for count in followers.values()) / total
        count = followers.get((*context, word), 0)
        return (count - discounts[min(count, 3)]) / total + left * shorter

    def nats(self, song: list[int]) -> float:
        contexts = [tuple(song[max(0, end - self.order + 1) : end]) for end in range(1, len(song))]
        return -sum(math.log(self.probability(context, word)) for context, word in zip(contexts, song[1:], strict=True))


def distribution(model: KneserNey, context: list[int]) -> np.ndarray:
    """The probability of every token after a context that begins a song."""
    return np.exp([-model.token_nats([[*context, word]])[-1] for word in range(V)])


@settings(max_examples=60, deadline=None)
@given(sequences=songs, heard=songs, order=st.integers(1, 5))
def test_every_song_costs_what_the_textbook_says(sequences, heard, order):
    model, textbook = KneserNey(order=order, vocabulary_size=V).fit(sequences), Textbook(order, sequences)
    for song in [*sequences, *heard]:
        assert model.nats(song) == pytest.approx(textbook.nats(song), rel=1e-5)


@settings(max_examples=60, deadline=None)
@given(sequences=songs, context=st.lists(st.integers(1, V - 1), max_size=6), order=st.integers(1, 5))
def test_after_every_context_each_token_is_possible_and_all_sum_to_one(sequences, context, order):
    model = KneserNey(order=order, vocabulary_size=V).fit(sequences)
    probabilities = distribution(model, [BEGIN, *context])
    assert (probabilities > 0).all()
    assert probabilities.sum() == pytest.approx(1, abs=1e-6)


def test_the_discounts_of_enough_counts_are_the_estimated_ones():
    """Words as rare and as frequent as in songs: every order has counts of 1, 2, 3 and 4 to estimate them from."""
    draw, size = np.random.default_rng(3), 30
    songs = [[BEGIN, *(1 + draw.geometric(0.2, 8) % (size - 1)).tolist()] for _ in range(70)]
    model, textbook = KneserNey(order=3, vocabulary_size=size).fit(songs), Textbook(3, songs, size)
    assert all(discounts != list(USUAL_DISCOUNTS) for discounts in textbook.discounts[2:])
    for song in [*songs[:3], [BEGIN, *range(1, 12)]]:
        assert model.nats(song) == pytest.approx(textbook.nats(song), rel=1e-5)


def test_a_context_nobody_has_seen_is_shortened():
    model = KneserNey(order=3, vocabulary_size=V).fit([[0, 1, 2, 3], [0, 2, 3, 1], [0, 3, 3, 1]])
    seen, unseen = distribution(model, [0, 2, 3]), distribution(model, [0, 1, 3])
    after_one = KneserNey(order=2, vocabulary_size=V)
    after_one.levels = model.levels[:2]
    assert unseen == pytest.approx(distribution(after_one, [0, 1, 3]))
    assert not np.allclose(seen, unseen)


def test_no_song_is_told_by_the_one_before_it():
    model = KneserNey(order=4, vocabulary_size=V).fit(chain_songs(20))
    together, alone = [[0, 1, 2], [0, 3, 3, 1]], [[0, 3, 3, 1]]
    assert model.token_nats(together)[2:] == pytest.approx(model.token_nats(alone))
    assert model.nats([0, 1, 2]) == pytest.approx(model.token_nats(together)[:2].sum())


def test_what_a_song_is_told_is_not_predicted():
    model = KneserNey(order=2, vocabulary_size=V).fit(chain_songs(20))
    songs = [[0, 1, 2, 3], [0, 2, 1]]
    every = model.token_nats(songs)
    assert model.token_nats(songs, given=[2, 1]) == pytest.approx(every[[2, 4]])
    assert model.token_nats(songs, given=[0, 0]) == pytest.approx(every)


def test_longer_n_grams_pay_where_the_songs_have_a_long_memory():
    """Songs of one phrase in a row: where the order reaches over it, nothing is left to guess."""
    phrase = [1, 1, 2, 1, 1, 3]
    sequences, held_out = [[0, *phrase * (3 + n % 4)] for n in range(40)], [[0, *phrase * 5]]
    by_order = [KneserNey(order=n, vocabulary_size=V).fit(sequences).nats(held_out[0]) for n in (1, 2, 3, 4)]
    assert by_order == sorted(by_order, reverse=True)
    assert by_order[-1] < by_order[0] / 5


def test_nothing_counted_leaves_every_token_equally_likely():
    for nothing in ([], [[]], [[0]]):
        model = KneserNey(vocabulary_size=V).fit(nothing)
        assert model.nats([0, 1, 2, 3]) == pytest.approx(3 * math.log(V))
        assert model.nats([0]) == 0.0
        assert len(model.token_nats([])) == 0


def test_few_counts_have_the_usual_discounts():
    assert estimate_discounts(np.array([1, 1, 2])).tolist() == list(USUAL_DISCOUNTS)
    assert 0 < estimate_discounts(np.array([1] * 20 + [2] * 8 + [3] * 4 + [4] * 2))[1] < 1


@pytest.mark.parametrize(("order", "size"), [(0, 5), (5, 0)])
def test_an_order_or_a_vocabulary_of_nothing_is_refused(order, size):
    with pytest.raises(ValueError, match="at least one"):
        KneserNey(order=order, vocabulary_size=size)


def chain_songs(count: int, seed: int = 1) -> list[list[int]]:
    """Songs of a first-order chain with a rare word among frequent ones."""
    draw = np.random.default_rng(seed)
    following = {0: [1, 2], 1: [2, 2, 2, 3], 2: [1, 1, 3, 3, 4], 3: [1, 3, 3, 2], 4: [1]}
    found = []
    for _ in range(count):
        song = [BEGIN]
        while len(song) < 9:
            song.append(int(draw.choice(following[song[-1]])))
        found.append(song)
    return found
