import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.language_model.token_store import count_tokens, store_tokens


@given(
    songs=st.lists(st.lists(st.integers(0, 99_999), max_size=20), max_size=9),
    vocabulary_size=st.sampled_from([65_536, 100_000]),
)
def test_what_is_stored_is_read_back(songs, vocabulary_size):
    songs = [[token % vocabulary_size for token in song] for song in songs]
    tokens, lengths = store_tokens(songs, vocabulary_size)
    assert [part.tolist() for part in tokens.split(lengths)] == songs if songs else len(tokens) == 0


@pytest.mark.parametrize(("vocabulary_size", "size_bytes"), [(100, 2), (65_536, 2), (65_537, 4)])
def test_a_token_takes_two_bytes_where_that_is_enough(vocabulary_size, size_bytes):
    tokens, _ = store_tokens([[1, 2], [vocabulary_size - 1]], vocabulary_size)
    assert tokens.element_size() == size_bytes
    assert tokens.tolist() == [1, 2, vocabulary_size - 1]


def test_songs_are_taken_one_at_a_time():
    alive = []

    def songs():
        for number in range(5):
            alive.append(number)
            yield [number]

    tokens, lengths = store_tokens(songs(), 10)
    assert (tokens.tolist(), lengths, alive) == ([0, 1, 2, 3, 4], [1] * 5, [0, 1, 2, 3, 4])


def test_tokens_are_counted():
    tokens, _ = store_tokens([[0, 2, 2], [5]], 7)
    assert torch.equal(count_tokens(tokens, 7), torch.tensor([1, 0, 2, 0, 0, 1, 0]))
