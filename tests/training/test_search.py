"""Songs are found by their words, on either database, whatever a person types."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.songs import make_ready_dataset
from tests.training.song_files import csv_file, imported
from training import search
from training.models import Song
from training.services import datasets as services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

HEADER = ("title", "artist", "genre", "lyrics")
SONGS = [
    ("Lantern Street", "Ada Quill", "Folk", "Rain on the window\nrain on the door"),
    ("Harbour Lights", "The Millrace", "Shanty", "Don't wake the captain\nhe dreams of rain"),
    ("Über den Fluss", "Ada Quill", "Folk", "Wir gehen über den Fluss\nund keiner weiß wohin"),
    ("Nowhere OR Else", "Tom Ferriday", "Rock", "The end.Start again\nrock-and-roll and/or nothing"),
]


@pytest.fixture
def dataset(user):
    made = imported(user, csv_file(SONGS, header=HEADER))
    search.index_import(made.imports.get())
    return made


def found(dataset, words: str) -> list[str]:
    songs = dataset.songs.of_version(dataset.version)
    titles = search.search(songs, words, dataset=dataset, version=dataset.version).order_by("ordinal")
    return list(titles.values_list("title", flat=True))


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("rain", ["Lantern Street", "Harbour Lights"]),
        ("RAIN window", ["Lantern Street"]),
        ("quill lantern", ["Lantern Street"]),
        ("lant", ["Lantern Street"]),
        ("lant street", []),
        ("don't", ["Harbour Lights"]),
        ("don’t wake", ["Harbour Lights"]),
        ("über", ["Über den Fluss"]),
        ("uber fluss", ["Über den Fluss"]),
        ("ubé", ["Über den Fluss"]),
        ("start", ["Nowhere OR Else"]),
        ("roll", ["Nowhere OR Else"]),
        ("nothing or", ["Nowhere OR Else"]),
        ("title:rain", []),
        ("rain NOT window", []),
        ("rain OR lantern", []),
        ("text : rain", []),
        ("snow", []),
        ("!?* ♥", []),
    ],
)
def test_songs_that_hold_all_the_words_are_found(dataset, words, titles):
    assert found(dataset, words) == titles


@pytest.mark.parametrize(
    "words",
    ['"', '"rain', "rain*", "NEAR(rain, 2)", "^rain", "(", "-", "{title}: x", "a\0b", "\ud800", "'", "\\", ":*", "& |",
     "'a':* !b", "%s %(a)s", "x" * 5_000, "a " * 5_000, "عربى हिन्दी ไทย", "²", "Å" * 300],
)  # fmt: skip
def test_operators_and_junk_are_only_words(dataset, words):
    assert isinstance(found(dataset, words), list)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=40))
def test_no_words_are_refused_by_the_database(dataset, words):
    assert isinstance(found(dataset, words), list)


def test_the_songs_of_others_are_not_found(dataset, other_user):
    theirs = imported(other_user, csv_file(SONGS, header=HEADER))
    search.index_import(theirs.imports.get())

    assert found(dataset, "rain") == ["Lantern Street", "Harbour Lights"]
    assert found(theirs, "rain") == ["Lantern Street", "Harbour Lights"]


def test_the_name_of_a_dataset_is_no_word(dataset):
    assert found(dataset, dataset.pk) == []
    assert found(dataset, f"in {dataset.pk}") == []


def test_songs_without_an_index_are_searched_letter_by_letter(user):
    dataset = imported(user, csv_file(SONGS, header=HEADER), options={"full_text": False})

    assert not search.is_indexed(dataset, dataset.version)
    assert found(dataset, "rain window") == ["Lantern Street"]
    assert found(make_ready_dataset(user), "kettle orchard") == ["The kettle at the orchard"]


def test_indexing_again_changes_nothing(dataset):
    breaths = []

    assert search.index_import(dataset.imports.get(), breathe=lambda: breaths.append(1)) == len(SONGS)
    search.index_songs(dataset.songs.all())
    assert breaths == [1]
    assert found(dataset, "rain") == ["Lantern Street", "Harbour Lights"]
    assert_index_is_whole()


def test_deleting_a_dataset_takes_its_words_along_and_leaves_the_others(dataset, user):
    other = imported(user, csv_file(SONGS, header=HEADER), name="Another")
    search.index_import(other.imports.get())
    unindexed = imported(user, csv_file(SONGS, header=HEADER), name="A third", options={"full_text": False})

    services.delete_dataset(dataset=dataset)
    services.delete_dataset(dataset=unindexed)

    assert found(other, "rain") == ["Lantern Street", "Harbour Lights"]
    assert indexed_songs() == set(other.songs.values_list("pk", flat=True))
    assert_index_is_whole()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="guards a trigger that only SQLite has")
def test_words_that_were_changed_in_place_are_found(dataset):
    Song.objects.filter(title="Lantern Street").update(title="Candle Street")

    assert found(dataset, "candle") == ["Candle Street"]
    assert found(dataset, "lantern") == []
    assert_index_is_whole()


def indexed_songs() -> set[int]:
    table = {
        "sqlite": "SELECT id FROM training_song_fts_docsize",
        "postgresql": "SELECT song_id FROM training_songwords",
    }
    with connection.cursor() as cursor:
        cursor.execute(table[connection.vendor])
        return {key for (key,) in cursor.fetchall()}


def assert_index_is_whole() -> None:
    """FTS5 compares its index with the songs it was made of, and raises where they don't agree."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO training_song_fts (training_song_fts, rank) VALUES ('integrity-check', 0)")
