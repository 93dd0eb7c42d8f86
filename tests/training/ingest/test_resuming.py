"""An import whose worker is killed goes on where it was, wherever that is: exact counts and no song twice."""

import os
import signal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.processes import running_platform, wait_until
from tests.training.ingest.killing import Killed, attempt, killed_at, stored, take_back
from tests.training.song_files import VERSES, csv_file, imported, run_waiting_import
from training import ingest, lifecycle
from training.ingest import counting, hold, reading, rows
from training.lifecycle import imports
from training.models import Dataset, Import, Rejection, Song
from training.services import datasets as services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

# Songs, copies, empty ones and one in another language.
TABLE = [
    *VERSES,
    ("Copy", "", "", VERSES[0][3]),
    ("Empty", "", "", " "),
    ("Loud copy", "", "", VERSES[1][3].upper()),
    ("Last", "Someone", "Hymn", "The last of all\nis never the least"),
    ("Nothing", "", "", ""),
]


# What takes long and has nothing to do with where an import goes on.
PLAIN = {"near_duplicates": False, "detect_language": False, "full_text": False}


@pytest.fixture
def small_batches(monkeypatch):
    # Whatever happens once in a while would make the steps differ from machine to machine.
    monkeypatch.setattr(hold, "BREATH_SECONDS", 1e9)
    monkeypatch.setattr(reading, "FLUSH_SECONDS", 1e9)
    monkeypatch.setattr(reading, "BATCH_SONGS", 2)
    monkeypatch.setattr(counting, "SONGS_AT_ONCE", 2)


def without_time(report: dict) -> dict:
    return {name: value for name, value in report.items() if name != "seconds"}


def test_a_killed_reading_goes_on_behind_what_is_stored(user, small_batches, monkeypatch):
    dataset = services.create_dataset(owner=user, name="Killed", file=csv_file(TABLE))
    job = dataset.imports.get()
    with killed_at(9, monkeypatch), pytest.raises(Killed):
        attempt(job)
    first_songs = list(dataset.songs.values_list("pk", flat=True))
    assert len(first_songs) == 4
    take_back(job)

    run_waiting_import(dataset)

    assert [song.ordinal for song in dataset.songs.all()] == [1, 2, 3, 4, 5, 6]
    assert list(dataset.songs.values_list("pk", flat=True))[:4] == first_songs
    assert dataset.report["records"] == 8


def test_a_claim_keeps_the_progress_there_is(user, small_batches, monkeypatch):
    dataset = services.create_dataset(owner=user, name="Killed", file=csv_file(TABLE))
    job = dataset.imports.get()
    with killed_at(9, monkeypatch), pytest.raises(Killed):
        attempt(job)
    take_back(job)

    assert lifecycle.claim_import(job.pk)

    job.refresh_from_db()
    assert job.records_read == job.counts["records"] == 4
    assert job.phase == Import.Phase.READING


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_wherever_it_is_killed_the_end_is_the_same(user, small_batches, monkeypatch, steps):
    Dataset.objects.all().delete()
    whole = imported(user, csv_file(TABLE), name="Whole")
    services.import_again(dataset=whole)
    run_waiting_import(whole)
    halting = imported(user, csv_file(TABLE), name="Halting")
    services.import_again(dataset=halting)
    job = halting.imports.first()
    for step in steps:
        with killed_at(step, monkeypatch):
            try:
                attempt(job)
            except Killed:
                take_back(job)
            else:
                break
    job.refresh_from_db()
    if job.state == Import.State.QUEUED:
        run_waiting_import(halting)

    assert stored(halting) == stored(whole)
    assert without_time(halting.report) == without_time(whole.report)
    assert (halting.content_hash, halting.statistics) == (whole.content_hash, whole.statistics)
    assert [row.number for row in halting.versions.all()] == [2, 1]
    assert Rejection.objects.filter(imported_by=job).count() == 2


def test_a_batch_is_stored_with_its_counts_or_not_at_all(user, monkeypatch):
    dataset = services.create_dataset(owner=user, name="Torn", file=csv_file(TABLE))
    job = dataset.imports.get()

    def insert_half(songs):
        rows.insert_songs(songs[:2])
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(reading, "insert_songs", insert_half)
        with pytest.raises(Killed):
            attempt(job)

    job.refresh_from_db()
    assert (job.counts, dataset.songs.count()) == ({}, 0)


def test_an_import_given_up_leaves_its_number_to_the_next(user, small_batches, monkeypatch):
    dataset = services.create_dataset(owner=user, name="Given up", file=csv_file(TABLE))
    job = dataset.imports.get()
    with killed_at(9, monkeypatch), pytest.raises(Killed):
        attempt(job)
    Import.objects.filter(pk=job.pk).update(attempts=3, lease_expires_at="2020-01-01T00:00Z")
    lifecycle.reconcile()
    dataset.refresh_from_db()
    assert (dataset.state, dataset.songs.count()) == (Dataset.State.FAILED, 0)

    services.import_again(dataset=dataset)
    run_waiting_import(dataset)

    assert (dataset.version, dataset.songs.count()) == (1, 6)


def test_an_import_that_waits_half_done_leaves_nothing_when_it_is_cancelled(user, small_batches, monkeypatch):
    dataset = services.create_dataset(owner=user, name="Half", file=csv_file(TABLE))
    job = dataset.imports.get()
    with killed_at(9, monkeypatch), pytest.raises(Killed):
        attempt(job)
    take_back(job)

    services.cancel_import(dataset=dataset)

    assert not Song.objects.exists()


def test_a_cancel_that_is_killed_half_way_is_finished_by_the_next_sweep(user, small_batches, monkeypatch):
    dataset = services.create_dataset(owner=user, name="Half", file=csv_file(TABLE))
    job = dataset.imports.get()
    with killed_at(9, monkeypatch), pytest.raises(Killed):
        attempt(job)
    take_back(job)
    monkeypatch.setattr(imports, "SONGS_REMOVED_AT_ONCE", 1)
    renewals = iter([True])

    def renew(*args, **kwargs):
        if not next(renewals, False):
            raise Killed
        return lifecycle.renew_import(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(imports, "renew_import", renew)
        with pytest.raises(Killed):
            services.cancel_import(dataset=dataset)
    songs_left = Song.objects.count()
    Import.objects.filter(pk=job.pk).update(lease_expires_at="2020-01-01T00:00Z")
    lifecycle.reconcile()

    job.refresh_from_db()
    assert songs_left > 0
    assert (job.state, Song.objects.count()) == (Import.State.CANCELLED, 0)


def test_a_worker_that_lost_its_lease_writes_nothing_more(user):
    dataset = services.create_dataset(owner=user, name="Lost", file=csv_file())
    job = dataset.imports.get()
    stale = lifecycle.claim_import(job.pk)
    take_back(job)
    assert lifecycle.claim_import(job.pk)

    ingest.run_import(job.pk, stale)

    assert not Song.objects.exists()
    dataset.refresh_from_db()
    assert dataset.state == Dataset.State.IMPORTING


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_with_kill_9_loses_and_doubles_no_song(user, tmp_path_factory):
    lines = [f"{place} of the {thing}" for place in ("river", "hill", "sea") for thing in ("king", "moth", "bell")]
    songs = [(f"Song {n}", "Nobody", "", "\n".join(f"{line} {n}" for line in lines)) for n in range(20_000)]
    with running_platform(tmp_path_factory.mktemp("p"), workers=False) as platform:
        dataset = services.create_dataset(owner=user, name="Killed", file=csv_file(songs), options=PLAIN)
        job = dataset.imports.get()
        first = platform.start_worker("first", "imports,maintenance")
        wait_until(lambda: Import.objects.get(pk=job.pk).records_read > 1000, what="the first songs")
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        job.refresh_from_db()
        assert job.state == Import.State.RUNNING
        half_way = dataset.songs.count()
        assert 0 < half_way == job.counts["stored"] < 20_000

        platform.start_worker("second", "imports,maintenance")
        wait_until(lambda: Import.objects.get(pk=job.pk).state == "succeeded", what="the second worker's end")

    dataset.refresh_from_db()
    job.refresh_from_db()
    assert job.attempts == 2
    assert dataset.report["records"] == dataset.report["accepted"] == dataset.songs_in_use().count() == 20_000
    assert dataset.songs.values("record_number").distinct().count() == 20_000
