"""Counting songs as they come by."""

from hypothesis import given
from hypothesis import strategies as st

from training import statistics
from training.statistics import SongStatistics, words_of


def counted(*songs, **fields) -> dict:
    numbers = SongStatistics()
    for lines in songs:
        numbers.add(**{"lines": lines, "characters": 10, "artist": "", "genre": "", "has_sections": False, **fields})
    return numbers.to_dict()


def test_an_apostrophe_keeps_a_word_together_and_a_dash_parts_it():
    assert words_of("Don't go, moon-light 99's") == ["don't", "go", "moon", "light", "99's"]


def test_artists_are_told_apart_whatever_their_case():
    numbers = SongStatistics()
    for artist in ("Ada Quill", "ADA QUILL", "Tom", ""):
        numbers.add(lines=["x"], characters=1, artist=artist, genre="", has_sections=False)

    assert numbers.to_dict()["artists"] == 2


def test_small_words_are_not_among_the_words_sung_most():
    assert counted(["the sea and the sea", "you and I"])["top_words"] == [["sea", 2]]


def test_nothing_counted_is_nothing():
    numbers = counted()

    assert numbers["songs"] == numbers["words"] == 0
    assert numbers["lines_in_song"] == {}


def test_memory_is_bounded_by_the_words_that_are_told_apart(monkeypatch):
    monkeypatch.setattr(statistics, "MOST_WORDS_KEPT", 3)
    numbers = counted(["a b c"], ["d e f a"])

    assert numbers["different_words"] == 3
    assert numbers["words"] == 7


@given(st.lists(st.lists(st.text(max_size=30), max_size=8), max_size=8))
def test_the_counts_add_up(songs):
    numbers = counted(*songs)

    assert numbers["songs"] == len(songs)
    assert numbers["lines"] == sum(map(len, songs))
    assert numbers["words"] == sum(len(words_of(line)) for lines in songs for line in lines)
    assert sum(numbers["lines_in_song"].get("counts", [])) == len(songs)
