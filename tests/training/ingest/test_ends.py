"""How an import ends: with a version, or with a sentence and nothing left behind."""

import pytest

from tests.training.song_files import VERSES, csv_file, imported, run_waiting_import
from training import ingest, lifecycle
from training.ingest import reading
from training.models import Dataset, Import, Rejection, Song
from training.models.datasets import NEVER
from training.services import datasets as services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]


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


def test_a_cancelled_import_leaves_no_song(user, monkeypatch):
    monkeypatch.setattr(reading, "BATCH_SONGS", 1)
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


def test_a_cancel_is_heard_between_two_batches_and_the_older_version_stays(user, monkeypatch):
    monkeypatch.setattr(reading, "BATCH_SONGS", 1)
    dataset = imported(user)
    services.import_again(dataset=dataset)
    job = dataset.imports.first()
    token = lifecycle.claim_import(job.pk)

    def cancel(records, _bytes):
        if records == 2:
            services.cancel_import(dataset=dataset)

    ingest.run_import(job.pk, token, on_progress=cancel)

    dataset.refresh_from_db()
    job.refresh_from_db()
    assert (job.state, dataset.state, dataset.version) == (Import.State.CANCELLED, Dataset.State.READY, 1)
    assert dataset.songs_in_use().count() == dataset.songs.count() == 3
    assert set(dataset.songs.values_list("removed_in", flat=True)) == {NEVER}


def test_a_version_has_its_row_with_what_it_counts(user):
    dataset = imported(user)

    version = dataset.versions.get()
    assert (version.number, version.kind, version.made_by, version.imported_by) == (
        1, "import", user, dataset.imports.get(),
    )  # fmt: skip
    assert (version.content_hash, version.statistics) == (dataset.content_hash, dataset.statistics)
