"""Copies are stored, flagged and grouped with the song that stays in use."""

import pytest

from tests.training.song_files import VERSES, csv_file, imported
from training.ingest import comparing, reading
from training.models import Song

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]


def test_a_copy_is_found_in_a_later_batch(user, monkeypatch):
    monkeypatch.setattr(reading, "BATCH_SONGS", 2)
    rows = [(str(number), "", "", f"the words of {number % 3}") for number in range(7)]

    dataset = imported(user, csv_file(rows))

    assert dataset.songs_in_use().count() == 3
    assert dataset.songs.count() == 7


def test_the_first_of_equal_texts_stays_in_use(user):
    rows = [("First", "", "", "la la\nlo"), ("Copy", "", "", "la  la \nlo"), ("Other", "", "", "li\nlu")]
    dataset = imported(user, csv_file(rows))

    first, copy, other = dataset.songs.all()
    assert (first.excluded_as, copy.excluded_as, other.excluded_as) == (None, Song.Excluded.EXACT, None)
    assert first.duplicate_group == copy.duplicate_group == first.text_hash
    assert other.duplicate_group == ""
    assert dataset.report["duplicates"] == {"exact": 1, "normalised": 0, "near": 0}


def test_the_same_words_written_differently_are_a_copy(user):
    rows = [*VERSES, ("Loud", "", "", VERSES[0][3].upper() + " !!")]
    dataset = imported(user, csv_file(rows))

    loud = dataset.songs.get(title="Loud")
    assert loud.excluded_as == Song.Excluded.NORMALISED
    assert loud.duplicate_group == dataset.songs.get(ordinal=1).text_hash
    assert dataset.report["duplicates"] == {"exact": 0, "normalised": 1, "near": 0}


def test_a_song_that_holds_most_of_another_is_kept_instead_of_it(user):
    lines = [
        f"the {thing} of the {place} is calling me home" for thing in ("bell", "wind") for place in ("hill", "sea")
    ]
    short, long = "\n".join(lines), "\n".join([*lines, "and nobody knows where the lantern has gone tonight"])
    dataset = imported(user, csv_file([("Short", "", "", short), ("Long", "", "", long), *VERSES]))

    assert dataset.songs.get(title="Short").excluded_as == Song.Excluded.NEAR
    assert dataset.songs.get(title="Long").excluded_as is None
    assert dataset.report["duplicates"]["near"] == 1


def test_each_kind_of_looking_for_copies_can_be_left_out(user):
    rows = [*VERSES, VERSES[0]]
    dataset = imported(user, csv_file(rows), options={"duplicates": False})

    assert dataset.report["accepted"] == 4
    assert not dataset.songs.exclude(duplicate_group="").exists()


def test_a_song_in_another_language_has_no_copies(user):
    german = "Der Mond ist aufgegangen\ndie goldnen Sternlein prangen\nam Himmel hell und klar\nder Wald steht schwarz"
    rows = [*VERSES, ("Eins", "", "", german), ("Zwei", "", "", german)]
    dataset = imported(user, csv_file(rows), options={"language": ["en"]})

    assert dataset.report["rejected"] == {"language": 2}
    assert dataset.report["duplicates"]["exact"] == 0


def test_many_copies_are_flagged_a_few_at_a_time(user, monkeypatch):
    monkeypatch.setattr(comparing, "FLAGS_AT_ONCE", 2)
    dataset = imported(user, csv_file([VERSES[0]] * 7))

    assert dataset.report["duplicates"]["exact"] == dataset.songs.filter(excluded_as="exact").count() == 6
