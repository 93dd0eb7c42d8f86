"""Counting songs as they come by."""

from hypothesis import given
from hypothesis import strategies as st

from training import statistics
from training.statistics import GROWTH_POINTS, SongStatistics, words_by_line, words_of


def counted(*songs, **fields) -> dict:
    numbers = SongStatistics()
    for lines in songs:
        numbers.add(**{"lines": lines, "characters": 10, "artist": "", "genre": "", "has_sections": False, **fields})
    return numbers.to_dict()


def test_an_apostrophe_keeps_a_word_together_and_a_dash_parts_it():
    assert words_of("Don't go, moon-light 99's") == ["don't", "go", "moon", "light", "99's"]


@given(st.lists(st.text(alphabet="aé'—_- \u0130ßΣ7…´字.", max_size=12), max_size=5))
def test_the_words_of_all_lines_at_once_are_those_of_each_line(lines):
    lines = lines or [""]

    assert words_by_line("\n".join(lines).lower()) == [words_of(line) for line in lines]


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


def test_lines_that_stand_more_than_once_in_their_song_are_repeated_whatever_their_case():
    numbers = counted(["Row on", "into the bay", "row on", "and home"], ["into the bay", "for good"])

    assert numbers["repeated_line_share"] == round(2 / 6, 4)


def test_the_vocabulary_grows_by_the_words_that_are_new():
    numbers = counted(["sea and salt"], ["sea and salt"], ["sea and sand"])

    assert numbers["vocabulary_growth"] == [[1, 3], [2, 3], [3, 4]]


def test_a_long_growth_curve_keeps_about_twenty_exact_points_and_its_end():
    numbers = counted(*([f"word{index}"] for index in range(1001)))

    growth = numbers["vocabulary_growth"]
    assert GROWTH_POINTS // 2 <= len(growth) <= GROWTH_POINTS
    assert all(songs == words for songs, words in growth)
    assert growth[-1] == [1001, 1001]


def test_years_stand_in_columns_that_begin_at_round_years():
    numbers = SongStatistics()
    for year in (1901, 1911, 1911, 1939, None):
        numbers.add(lines=["x"], characters=1, artist="", genre="", has_sections=False, year=year)

    shown = numbers.to_dict()
    assert (shown["first_year"], shown["last_year"]) == (1901, 1939)
    assert shown["years"]["step"] == 2
    assert shown["years"]["first"] == 1900
    assert sum(shown["years"]["counts"]) == 4


def test_one_wrong_year_does_not_press_the_others_together():
    numbers = SongStatistics()
    for year in [19, *range(1960, 2010)] * 3 + [1990] * 200:
        numbers.add(lines=["x"], characters=1, artist="", genre="", has_sections=False, year=year)

    years = numbers.to_dict()["years"]
    assert years["first"] == 1960
    assert sum(years["counts"]) == 353
    assert numbers.to_dict()["first_year"] == 19


def test_languages_are_counted_and_the_commonest_stands_first():
    numbers = SongStatistics()
    for language in ("de", "en", "EN", ""):
        numbers.add(lines=["x"], characters=1, artist="", genre="", has_sections=False, language=language)

    assert numbers.to_dict()["languages"] == [["en", 2], ["de", 1]]


def test_sections_a_song_are_counted_where_they_are_known():
    numbers = SongStatistics()
    for count in (0, 4, 4, None):
        numbers.add(lines=["x"], characters=1, artist="", genre="", has_sections=bool(count), section_count=count)

    shown = numbers.to_dict()
    assert shown["with_sections"] == 2
    assert shown["sections_in_song"] == {"first": 4, "step": 1, "counts": [2], "most": 4}


def test_exact_totals_stand_in_place_of_those_of_a_sample():
    numbers = SongStatistics()
    numbers.add(lines=["sea", "salt"], characters=8, artist="Ada", genre="", has_sections=False)

    shown = numbers.to_dict(totals={"songs": 30, "lines": 90, "words": 400})

    assert (shown["songs"], shown["lines"], shown["words"], shown["sampled_songs"]) == (30, 90, 400, 1)
    assert shown["different_words"] == 2


def test_the_share_of_a_sample_tells_how_many_songs_have_sections():
    numbers = SongStatistics()
    for has_sections in (True, True, False, False):
        numbers.add(lines=["sea"], characters=3, artist="", genre="", has_sections=has_sections)

    assert numbers.to_dict(totals={"songs": 100})["with_sections"] == 50
    assert numbers.to_dict(totals={"songs": 100, "with_sections": 47})["with_sections"] == 47


@given(st.lists(st.lists(st.text(max_size=30), max_size=8), max_size=8))
def test_the_counts_add_up(songs):
    numbers = counted(*songs)

    assert numbers["songs"] == len(songs)
    assert numbers["lines"] == sum(map(len, songs))
    assert numbers["words"] == sum(len(words_of(line)) for lines in songs for line in lines)
    assert sum(numbers["lines_in_song"].get("counts", [])) == len(songs)
    assert numbers["sampled_songs"] == len(songs)
