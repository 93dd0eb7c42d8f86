"""Records become songs: in their order, as they will be read and as they stood."""

import pytest

from tests.training.song_files import VERSES, csv_file, imported, jsonl_file
from training.ingest import reading
from training.models import Dataset, Rejection, Song

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]


def test_each_record_becomes_a_song_in_its_order(user):
    dataset = imported(user)

    assert dataset.state == Dataset.State.READY
    assert dataset.version == 1
    assert [song.title for song in dataset.songs_in_use()] == [title for title, *_ in VERSES]
    assert [song.ordinal for song in dataset.songs_in_use()] == [1, 2, 3]


def test_a_song_is_kept_as_it_will_be_read_and_as_it_stood(user):
    dataset = imported(user, csv_file([("A", "B", "C", "“One”  \r\nline‘s end\t\n\n\n\nLast")]))

    song = dataset.songs.get()
    assert song.text == '"One"\nline\'s end\n\nLast'
    assert song.raw_text.startswith("“One”")
    assert (song.line_count, song.word_count) == (3, 4)


def test_sections_are_named_and_not_counted_as_lines(user):
    song = imported(user).songs.get(ordinal=2)

    assert song.sections == [{"name": "Verse 1", "lines": 2}, {"name": "Chorus", "lines": 1}]
    assert song.line_count == 3


def test_each_rejection_says_where_and_why(user):
    imported(user, csv_file([*VERSES, ("Empty", "", "", "")]))

    rejection = Rejection.objects.get()
    assert rejection.reason == "empty"
    assert rejection.record_number == 4
    assert rejection.line > 4
    assert rejection.column == "lyrics"


def test_only_the_first_rejections_are_kept_but_all_are_counted(user, monkeypatch):
    monkeypatch.setattr(reading, "STORED_REJECTIONS", 2)
    dataset = imported(user, csv_file([*VERSES, *[("", "", "", "")] * 5]))

    assert Rejection.objects.count() == 2
    assert dataset.report["rejected"] == {"empty": 5}
    assert "first 2" in dataset.report["warnings"][-1]


def test_json_lines_without_artist_are_accepted(user):
    dataset = imported(user, jsonl_file([{"title": "A", "lyrics": "one\ntwo"}, {"lyrics": ["three", "four"]}]))

    assert [song.text for song in dataset.songs_in_use()] == ["one\ntwo", "three\nfour"]
    assert dataset.statistics["artists"] == 0


def test_windows_1252_is_read_and_said(user):
    rows = [("Café", "", "", "Señor, “naïve”\nfaçade, déjà vu")]
    dataset = imported(user, csv_file(rows, encoding="windows-1252"))

    assert dataset.encoding == "windows-1252"
    assert dataset.songs.get().title == "Café"


def test_songs_in_a_language_that_was_not_wanted_are_stored_and_left_out(user):
    german = "Der Mond ist aufgegangen\ndie goldnen Sternlein prangen\nam Himmel hell und klar"
    dataset = imported(user, csv_file([*VERSES, ("Abendlied", "", "", german)]), options={"language": ["en"]})

    left_out = dataset.songs.get(excluded_as=Song.Excluded.LANGUAGE)
    assert (left_out.title, left_out.language, left_out.ordinal) == ("Abendlied", "de", 4)
    assert dataset.report["rejected"] == {"language": 1}
    assert dataset.report["accepted"] == dataset.songs_in_use().count() == 3
    rejection = Rejection.objects.get()
    assert (rejection.reason, rejection.record_number) == ("language", 4)
    assert rejection.message == "This song is in another language: de."


def test_a_song_whose_language_nobody_can_tell_is_not_lost_to_the_filter(user):
    dataset = imported(user, csv_file([*VERSES, ("Hm", "", "", "la la\nlo")]), options={"language": ["en"]})

    assert dataset.report["rejected"] == {}


def test_the_language_is_told_with_how_sure_that_is_and_what_the_file_said(user):
    text = "I went down to the river in the night\nand carried a lantern to keep me light"
    dataset = imported(user, csv_file([("A", text, "fr")], header=("title", "lyrics", "language")))

    song = dataset.songs.get()
    assert (song.language, song.language_in_file) == ("en", "fr")
    assert 0.5 < song.language_confidence <= 1


def test_without_detection_the_file_is_believed(user):
    rows = [("A", "La la la\nlo lo lo", "fr")]
    dataset = imported(user, csv_file(rows, header=("title", "lyrics", "language")), options={"detect_language": False})

    song = dataset.songs.get()
    assert (song.language, song.language_confidence) == ("fr", None)


def test_a_batch_is_full_with_many_characters_too(user, monkeypatch):
    monkeypatch.setattr(reading, "BATCH_CHARACTERS", 50)
    sizes = []
    insert = reading.insert_songs
    monkeypatch.setattr(reading, "insert_songs", lambda rows: (sizes.append(len(rows)), insert(rows)))
    imported(user, csv_file([("", "", "", f"{number} green bottles " * 3) for number in range(5)]))

    assert sizes[:5] == [1, 1, 1, 1, 1]
