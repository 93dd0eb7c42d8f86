"""What a dataset's card says about its songs."""

import pytest

from tests.songs import small_songs
from tests.training.song_files import csv_file, imported
from training.models import Dataset
from training.statistics import SongStatistics
from training.views.dataset_card import card

pytestmark = pytest.mark.django_db


def counted(sung, **changes) -> Dataset:
    """A dataset with the statistics of these songs; a song is its lines and whatever else is known of it."""
    numbers = SongStatistics()
    for song in sung:
        usual = {"characters": 80, "artist": "Ada Quill", "genre": "Hymn", "has_sections": True, "section_count": 3}
        numbers.add(**usual | song)
    return Dataset(statistics=numbers.to_dict() | changes, version=1)


SONGS = [
    {"lines": ["Winter has a key", "to every door"], "year": 1911, "language": "en"},
    {"lines": ["Salt on the stair", "salt on the stair"], "year": 1924, "language": "en"},
    {"lines": ["Der Mond ist da", "und geht", "und kommt"], "year": 1911, "language": "de"},
]


def test_the_facts_stand_in_words():
    facts = {fact["label"]: fact["value"] for fact in card(counted(SONGS)).facts}

    assert facts["songs"] == "3"
    assert facts["characters"] == "240"
    assert facts["artist"] == "1"
    assert facts["years"] == "1911–1924"
    assert facts["with named sections"] == "100 %"


def test_every_chart_has_its_finding_in_a_sentence():
    shown = card(counted(SONGS))

    assert [(chart.title, chart.finding) for chart in shown.histograms] == [
        ("Lines in a song", "Most songs have 2 lines."),
        ("Words in a line", "Most lines have 4 words."),
        ("Years", "Most songs are from 1911."),
    ]
    assert shown.growth.finding == "The last 2 of 3 songs brought 11 of the 18 different words."
    assert [bar.name for bar in shown.languages] == ["English", "German"]


def test_repeats_and_sections_are_said_in_words():
    said = " ".join(card(counted(SONGS)).sentences)

    assert "29 % of the lines stand more than once in their song" in said
    assert "mostly 3 sections" in said


def test_one_language_is_a_sentence_and_no_chart():
    shown = card(counted(SONGS[:2]))

    assert shown.languages == []
    assert "in English" in " ".join(shown.sentences)


def test_a_sample_says_that_it_is_one():
    said = " ".join(card(counted(SONGS, songs=90_000)).sentences)

    assert "counted from 3 of the songs" in said


def test_a_version_of_old_with_fewer_figures_still_has_its_card():
    shown = card(Dataset(statistics={"songs": 2, "lines": 4, "words": 9, "lines_in_song": {}}, version=1))

    assert shown.facts[0] == {"value": "2", "label": "songs"}
    assert shown.histograms == []
    assert shown.growth is None


def test_the_page_of_a_dataset_shows_its_card(signed_in, user, doorbells):
    rows = [(song["title"], song["artist"], song["genre"], song["text"]) for song in small_songs()]
    dataset = imported(user, csv_file(rows))

    page = signed_in.get(dataset.get_absolute_url()).content.decode()

    assert "Too small for every preset." in page
    assert 'aria-label="Lines in a song. Most songs have 8 lines."' in page
    assert "How the vocabulary grows" in page
    assert "style=" not in page


def test_somebody_elses_dataset_shows_no_card(signed_in, other_user, doorbells):
    dataset = imported(other_user)

    assert signed_in.get(dataset.get_absolute_url()).status_code == 404
