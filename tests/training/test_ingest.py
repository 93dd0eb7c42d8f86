"""A file becomes songs: counted, told apart from their copies, and published as one version."""

import pytest

from tests.training.song_files import VERSES, csv_file, imported, jsonl_file, run_waiting_import
from training import ingest, lifecycle
from training.models import Dataset, Import, Rejection, Song
from training.models.datasets import NEVER
from training.services import datasets as services

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


def test_the_first_of_equal_texts_stays_in_use(user):
    rows = [("First", "", "", "la la\nlo"), ("Copy", "", "", "la  la \nlo"), ("Other", "", "", "li\nlu")]
    dataset = imported(user, csv_file(rows))

    first, copy, other = dataset.songs.all()
    assert (first.excluded_as, copy.excluded_as, other.excluded_as) == (None, Song.Excluded.EXACT, None)
    assert first.duplicate_group == copy.duplicate_group != other.duplicate_group
    assert dataset.report["duplicates"]["exact"] == 1


def test_a_copy_is_found_in_a_later_batch(user, monkeypatch):
    monkeypatch.setattr(ingest, "BATCH_SONGS", 2)
    rows = [(str(number), "", "", f"the words of {number % 3}") for number in range(7)]

    dataset = imported(user, csv_file(rows))

    assert dataset.songs_in_use().count() == 3
    assert dataset.songs.count() == 7


def test_records_are_accepted_rejected_or_duplicates(user):
    rows = [*VERSES, VERSES[0], ("Empty", "", "", "  "), ("Only a tag", "", "", "[Chorus]")]
    dataset = imported(user, csv_file(rows))

    report = dataset.report
    assert report["records"] == 6
    assert report["accepted"] == 3
    assert report["rejected"] == {"empty": 2}
    assert report["records"] == report["accepted"] + sum(report["rejected"].values()) + report["duplicates"]["exact"]


def test_each_rejection_says_where_and_why(user):
    imported(user, csv_file([*VERSES, ("Empty", "", "", "")]))

    rejection = Rejection.objects.get()
    assert rejection.reason == "empty"
    assert rejection.record_number == 4
    assert rejection.line > 4
    assert rejection.column == "lyrics"


def test_only_the_first_rejections_are_kept_but_all_are_counted(user, monkeypatch):
    monkeypatch.setattr(ingest, "STORED_REJECTIONS", 2)
    dataset = imported(user, csv_file([*VERSES, *[("", "", "", "")] * 5]))

    assert Rejection.objects.count() == 2
    assert dataset.report["rejected"] == {"empty": 5}
    assert "first 2" in dataset.report["warnings"][-1]


def test_songs_in_other_languages_are_kept_and_counted(user):
    rows = [("A", "un deux", "fr"), ("B", "one two", "en"), ("C", "three", "")]
    dataset = imported(user, csv_file(rows, header=("title", "lyrics", "language")))

    assert dataset.report["non_english"] == 1
    assert dataset.report["accepted"] == 3


def test_statistics_count_the_songs_in_use(user):
    dataset = imported(user, csv_file([*VERSES, VERSES[0]]))

    numbers = dataset.statistics
    assert (numbers["songs"], numbers["lines"], numbers["artists"], numbers["genres"]) == (3, 7, 3, 2)
    assert numbers["words"] == sum(song.word_count for song in dataset.songs_in_use())
    assert numbers["with_sections"] == 1
    assert numbers["top_genres"] == [["Shanty", 2], ["Hymn", 1]]


def test_the_content_hash_tells_the_songs_in_use_apart_and_nothing_else(user):
    dataset = imported(user)
    same_words = imported(user, csv_file([(f"New {title}", *rest) for title, *rest in VERSES]), name="Other titles")
    other_words = imported(user, csv_file(VERSES[:2]), name="Fewer")

    assert dataset.content_hash == same_words.content_hash
    assert dataset.content_hash != other_words.content_hash
    assert len(dataset.content_hash) == 64


def test_a_file_without_a_song_fails_with_a_sentence(user):
    dataset = imported(user, csv_file([("A", "", "", ""), ("B", "", "", "")]))

    assert dataset.state == Dataset.State.FAILED
    assert dataset.error == "No song came out of this file: 2 of 2 records were left out as empty."
    assert dataset.report["rejected"] == {"empty": 2}
    assert Rejection.objects.count() == 2


def test_a_second_import_closes_the_first_version_and_keeps_it(user):
    dataset = imported(user)
    services.apply_mapping(dataset=dataset, mapping={"lyrics": "title", "title": "lyrics"})
    run_waiting_import(dataset)

    assert dataset.version == 2
    assert [song.text for song in dataset.songs_in_use()] == [title for title, *_ in VERSES]
    assert [song.title for song in dataset.songs_in_use(1)] == [title for title, *_ in VERSES]
    assert set(dataset.songs.filter(added_in=1).values_list("removed_in", flat=True)) == {2}
    assert set(dataset.songs.filter(added_in=2).values_list("removed_in", flat=True)) == {NEVER}


def test_a_second_import_that_fails_leaves_the_first_version_ready(user):
    dataset = imported(user, csv_file([(title, artist, "", words) for title, artist, _, words in VERSES]))
    before = dataset.content_hash, dataset.report, dataset.mapping
    services.apply_mapping(dataset=dataset, mapping={"lyrics": "genre"})
    job = run_waiting_import(dataset)

    assert job.state == Import.State.FAILED
    assert (dataset.state, dataset.version) == (Dataset.State.READY, 1)
    assert (dataset.content_hash, dataset.report, dataset.mapping) == before
    assert dataset.songs_in_use().count() == 3
    assert dataset.songs.count() == 3


def test_a_killed_import_starts_again_without_a_song_twice(user, monkeypatch):
    monkeypatch.setattr(ingest, "BATCH_SONGS", 1)
    dataset = services.create_dataset(owner=user, name="Killed", file=csv_file())
    job = dataset.imports.get()
    killed = ingest.Ingestion(job, lifecycle.claim_import(job.pk))
    for record in list(killed.read())[:2]:
        killed.take(record)
    killed.flush()
    assert Song.objects.count() == 2

    Import.objects.filter(pk=job.pk).update(state="queued", lease_token=None, lease_expires_at=None)
    run_waiting_import(dataset)

    assert [song.ordinal for song in dataset.songs.all()] == [1, 2, 3]
    assert dataset.report["records"] == 3


def test_a_worker_that_lost_its_lease_writes_nothing_more(user):
    dataset = services.create_dataset(owner=user, name="Lost", file=csv_file())
    job = dataset.imports.get()
    stale = lifecycle.claim_import(job.pk)
    Import.objects.filter(pk=job.pk).update(state="queued", lease_token=None, lease_expires_at=None)
    assert lifecycle.claim_import(job.pk)

    ingest.run_import(job.pk, stale)

    assert Song.objects.count() == 0
    dataset.refresh_from_db()
    assert dataset.state == Dataset.State.IMPORTING


def test_a_cancelled_import_leaves_no_song(user, monkeypatch):
    monkeypatch.setattr(ingest, "BATCH_SONGS", 1)
    dataset = services.create_dataset(owner=user, name="Cancelled", file=csv_file())
    job = dataset.imports.get()
    token = lifecycle.claim_import(job.pk)
    services.cancel_import(dataset=dataset)

    ingest.run_import(job.pk, token)

    dataset.refresh_from_db()
    assert dataset.state == Dataset.State.CANCELLED
    assert Song.objects.count() == 0


def test_progress_is_told_in_records_and_bytes(user):
    dataset = services.create_dataset(owner=user, name="Progress", file=csv_file())
    job = dataset.imports.get()
    heard = []
    ingest.run_import(job.pk, lifecycle.claim_import(job.pk), on_progress=lambda *numbers: heard.append(numbers))

    assert heard[-1] == (3, job.bytes_total)
    job.refresh_from_db()
    assert (job.records_read, job.bytes_read) == (3, job.bytes_total)


def test_json_lines_without_artist_are_accepted(user):
    dataset = imported(user, jsonl_file([{"title": "A", "lyrics": "one\ntwo"}, {"lyrics": ["three", "four"]}]))

    assert [song.text for song in dataset.songs_in_use()] == ["one\ntwo", "three\nfour"]
    assert dataset.statistics["artists"] == 0


def test_windows_1252_is_read_and_said(user):
    rows = [("Café", "", "", "Señor, “naïve”\nfaçade, déjà vu")]
    dataset = imported(user, csv_file(rows, encoding="windows-1252"))

    assert dataset.encoding == "windows-1252"
    assert dataset.songs.get().title == "Café"
