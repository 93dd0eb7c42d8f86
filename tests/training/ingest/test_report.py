"""What an import says about itself: counts that add up."""

import pytest

from tests.training.song_files import VERSES, csv_file, imported
from training import lifecycle
from training.ingest.counts import Counts
from training.models import Import

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]


def test_records_are_accepted_rejected_or_duplicates(user):
    rows = [*VERSES, VERSES[0], ("Empty", "", "", "  "), ("Only a tag", "", "", "[Chorus]")]
    dataset = imported(user, csv_file(rows))

    report = dataset.report
    assert report["records"] == 6
    assert report["accepted"] == 3
    assert report["rejected"] == {"empty": 2}
    assert report["records"] == report["accepted"] + sum(report["rejected"].values()) + report["duplicates"]["exact"]


def test_songs_in_other_languages_are_kept_and_counted(user):
    rows = [("A", "un deux", "fr"), ("B", "one two", "en"), ("C", "three", "")]
    dataset = imported(user, csv_file(rows, header=("title", "lyrics", "language")))

    assert dataset.report["non_english"] == 1
    assert dataset.report["accepted"] == 3


def test_languages_are_those_of_the_songs_in_use(user):
    rows = [("A", "un deux", "fr"), ("A again", "un deux", "fr"), ("B", "one two", "en"), ("C", "tre", "it")]
    options = {"language": ["fr", "en"], "detect_language": False}
    dataset = imported(user, csv_file(rows, header=("title", "lyrics", "language")), options=options)

    assert (dataset.report["records"], dataset.report["accepted"]) == (4, 2)
    assert (dataset.report["rejected"], dataset.report["duplicates"]["exact"]) == ({"language": 1}, 1)
    assert dataset.report["languages"] == {"fr": 1, "en": 1}
    assert dataset.report["non_english"] == 1


def test_a_column_with_another_language_in_each_row_is_no_burden():
    counts = Counts()
    for number in range(1000):
        counts.add_language(f"tongue {number}")

    assert len(counts.languages) == 101
    assert counts.languages["other"] == 900
    assert counts.non_english == 1000


def test_what_cleaning_did_is_counted_in_songs_and_places(user):
    rows = [("A", "X", "", "one &amp; two\nthree &amp; four"), ("B", "", "", "five &amp; six"), *VERSES]
    dataset = imported(user, csv_file(rows))

    assert dataset.report["cleaning"]["markup"] == {"songs": 2, "places": 3}
    assert dataset.songs.get(ordinal=1).raw_text == "one &amp; two\nthree &amp; four"
    assert dataset.songs.get(ordinal=1).text == "one & two\nthree & four"


def test_a_switch_of_cleaning_that_is_off_does_nothing(user):
    rows = [("A", "X", "", "one &amp; two"), *VERSES]
    dataset = imported(user, csv_file(rows), options={"cleaning": {"markup": False}})

    assert dataset.report["cleaning"] == {}
    assert dataset.songs.get(ordinal=1).text == "one &amp; two"


def test_a_song_that_cleaning_leaves_without_a_word_is_empty(user):
    dataset = imported(user, csv_file([*VERSES, ("Silence", "", "", "[Instrumental]")]))

    assert dataset.report["rejected"] == {"empty": 1}


def test_marks_replaced_characters_and_missing_artists_are_counted(user):
    rows = [*VERSES, ("A", "", "", "la la la x2\nand a broken \ufffd\ufffd letter")]
    dataset = imported(user, csv_file(rows))

    assert dataset.report["marks"] == {"repeats": 1}
    assert dataset.songs.get(ordinal=4).marks == ["repeats"]
    assert dataset.report["replaced_characters"] == 2
    assert dataset.report["missing_artist"] == 1


def test_a_public_dataset_is_called_by_its_name(user):
    rows = [(artist, title, "/x", words) for title, artist, _, words in VERSES]
    dataset = imported(user, csv_file(rows, header=("artist", "song", "link", "text")))

    assert "songdata" in dataset.report["looks_like"]


def test_counts_are_the_same_after_they_were_kept():
    counts = Counts(records=3, stored=2, seconds=1.5)
    counts.rejected["empty"] += 1
    counts.languages["en"] += 2

    again = Counts.from_dict(counts.to_dict())

    assert again == counts
    assert again.accepted == 2


def test_speed_and_the_time_left_come_from_what_was_read():
    job = Import(state=Import.State.RUNNING, phase=Import.Phase.READING, bytes_read=250, bytes_total=1000)
    job.counts = Counts(records=600, seconds=10.0).to_dict()
    assert (job.songs_per_second, job.seconds_left) == (60.0, 30)

    job.phase = Import.Phase.COMPARING
    assert job.seconds_left is None


def test_before_anything_is_read_nobody_knows_how_long_it_takes():
    job = Import(state=Import.State.RUNNING, phase=Import.Phase.READING, bytes_total=1000)
    assert (job.songs_per_second, job.seconds_left) == (0.0, None)


def test_the_phase_is_shown_while_it_lasts(user, monkeypatch):
    phases = []
    renew = lifecycle.renew_import
    monkeypatch.setattr(
        lifecycle,
        "renew_import",
        lambda *args, **columns: (phases.append(columns.get("phase")), renew(*args, **columns))[1],
    )
    dataset = imported(user)

    assert [phase for phase in phases if phase] == ["gathering", "reading", "comparing", "indexing", "counting"]
    assert dataset.imports.get().phase == Import.Phase.COUNTING
