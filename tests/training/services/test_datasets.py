"""What can be done with datasets, through the one door that pages, API and commands share."""

import hashlib
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.training.song_files import VERSES, csv_file, imported, run_waiting_import, unsure_file
from training import ingest
from training.errors import Conflict, Invalid, LimitReached, TooLarge
from training.models import Dataset, DatasetFile, Import, Song
from training.services import datasets as services

pytestmark = pytest.mark.django_db


def stored_files(settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_an_upload_is_stored_queued_and_rung_for(user, doorbells):
    file = csv_file()
    content = file.read()
    file.seek(0)

    dataset = services.create_dataset(owner=user, name="  Harbour songs ", file=file, description="From the choir")

    assert (dataset.name, dataset.description) == ("Harbour songs", "From the choir")
    assert dataset.state == Dataset.State.IMPORTING
    assert (dataset.format, dataset.encoding) == ("csv", "utf-8")
    assert dataset.mapping == {"lyrics": "lyrics", "title": "title", "artist": "artist", "genre": "genre"}
    stored = dataset.files.get()
    assert stored.file.read() == content
    assert (stored.size_bytes, stored.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert doorbells == [dataset.imports.get().pk]


def test_the_uploaders_file_name_is_kept_as_a_word_and_never_as_a_path(user, doorbells, settings):
    dataset = services.create_dataset(owner=user, name="x", file=csv_file(name='../../etc/a"\r\nX-Y: ü.csv'))

    stored = dataset.files.get()
    assert stored.original_name == 'a"X-Y: ü.csv'
    assert stored.file.name.startswith("uploads/")
    assert stored.file.name.endswith(".upload")
    assert len(stored_files(settings)) == 1


def test_a_table_whose_lyrics_nobody_is_sure_of_waits_for_a_person(user, doorbells):
    dataset = services.create_dataset(owner=user, name="Unsure", file=unsure_file())

    assert dataset.state == Dataset.State.NEEDS_MAPPING
    assert dataset.mapping["lyrics"] == "beta"
    assert not dataset.imports.exists()
    assert doorbells == []


def test_a_mapping_that_is_given_needs_no_confirmation(user, doorbells):
    dataset = services.create_dataset(owner=user, name="Sure", file=unsure_file(), mapping={"lyrics": "beta"})

    assert dataset.state == Dataset.State.IMPORTING


def test_confirming_the_mapping_imports_the_stored_file(user, doorbells):
    dataset = services.create_dataset(owner=user, name="Unsure", file=unsure_file())
    dataset = services.apply_mapping(dataset=dataset, mapping={"lyrics": "beta", "title": "alpha"})
    assert dataset.state == Dataset.State.IMPORTING
    assert doorbells == [dataset.imports.get().pk]

    run_waiting_import(dataset)

    assert dataset.state == Dataset.State.READY
    assert dataset.mapping == {"lyrics": "beta", "title": "alpha"}
    assert dataset.songs_in_use().first().title == "name 0"


def test_a_mapping_without_lyrics_is_refused_at_its_field(user, doorbells):
    dataset = services.create_dataset(owner=user, name="Unsure", file=unsure_file())

    with pytest.raises(Invalid) as refusal:
        services.apply_mapping(dataset=dataset, mapping={"title": "alpha"})

    assert list(refusal.value.errors) == ["mapping"]


def test_a_column_that_is_not_there_is_named(user, doorbells):
    with pytest.raises(Invalid, match="no column named 'nope'"):
        services.create_dataset(owner=user, name="x", file=csv_file(), mapping={"lyrics": "nope"})


def test_two_imports_of_one_dataset_never_run_at_once(user, doorbells):
    dataset = services.create_dataset(owner=user, name="x", file=csv_file())

    with pytest.raises(Conflict) as refusal:
        services.apply_mapping(dataset=dataset, mapping={"lyrics": "title"})

    assert refusal.value.details["state"] == "importing"


def test_what_is_no_song_file_is_refused_and_not_stored(user, doorbells, settings):
    with pytest.raises(Invalid, match="PNG") as refusal:
        services.create_dataset(owner=user, name="x", file=ContentFile(b"\x89PNG\r\n\x1a\n" + bytes(100), "songs.csv"))

    assert list(refusal.value.errors) == ["file"]
    assert not Dataset.objects.exists()
    assert stored_files(settings) == []


def test_an_upload_over_its_counted_limit_is_refused_whatever_it_claims(user, doorbells, settings):
    settings.UPLOAD_LIMIT_BYTES = 100
    file = csv_file([VERSES[0]] * 20)
    file.size = 5  # a lie

    with pytest.raises(TooLarge):
        services.create_dataset(owner=user, name="x", file=file)

    assert stored_files(settings) == []


def test_staff_may_upload_more(staff_user, doorbells, settings):
    settings.UPLOAD_LIMIT_BYTES = 10

    assert services.create_dataset(owner=staff_user, name="x", file=csv_file()).pk


def test_a_person_keeps_no_more_datasets_than_the_quota(user, other_user, doorbells, settings):
    settings.DATASETS_PER_USER = 1
    services.create_dataset(owner=user, name="first", file=csv_file())

    with pytest.raises(LimitReached):
        services.create_dataset(owner=user, name="second", file=csv_file())

    assert services.create_dataset(owner=other_user, name="theirs", file=csv_file()).pk
    assert len(stored_files(settings)) == 2


def test_the_same_key_gives_the_same_dataset(user, other_user, doorbells):
    first = services.create_dataset(owner=user, name="x", file=csv_file(), idempotency_key="k")
    again = services.create_dataset(owner=user, name="x", file=csv_file(), idempotency_key="k")
    theirs = services.create_dataset(owner=other_user, name="x", file=csv_file(), idempotency_key="k")

    assert first == again != theirs
    assert len(doorbells) == 2


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": " "}, "name"),
        ({"name": "n" * 121}, "name"),
        ({"name": "nul \0"}, "name"),
        ({"name": "half \ud800"}, "name"),
        ({"description": "d" * 2001}, "description"),
        ({"mapping": {"rhyme": "x"}}, "mapping"),
        ({"options": {"encoding": "rot13"}}, "encoding"),
        ({"options": {"delimiter": "x"}}, "delimiter"),
        ({"idempotency_key": "k" * 201}, "Idempotency-Key"),
    ],
)
def test_what_breaks_a_rule_is_named(user, doorbells, fields, wrong):
    with pytest.raises(Invalid) as refusal:
        services.create_dataset(**{"owner": user, "name": "x", "file": csv_file(), **fields})

    assert list(refusal.value.errors) == [wrong]


def test_a_preview_stores_nothing(user, settings):
    inspection = services.preview_upload(file=csv_file(), owner=user)

    assert [song.title for song in inspection.songs] == [title for title, *_ in VERSES]
    assert not DatasetFile.objects.exists()
    assert stored_files(settings) == []


def test_cancelling_a_waiting_import_ends_it_at_once(user, doorbells):
    dataset = services.create_dataset(owner=user, name="x", file=csv_file())

    assert services.cancel_import(dataset=dataset).state == Dataset.State.CANCELLED
    assert dataset.imports.get().state == Import.State.CANCELLED
    with pytest.raises(Conflict):
        services.cancel_import(dataset=dataset)


def test_a_cancelled_import_can_be_taken_up_again(user, doorbells):
    dataset = services.create_dataset(owner=user, name="x", file=csv_file())
    services.cancel_import(dataset=dataset)
    dataset = services.import_again(dataset=dataset)
    run_waiting_import(dataset)

    assert dataset.state == Dataset.State.READY


def test_changes_leave_alone_what_is_not_given(user, doorbells):
    dataset = services.create_dataset(owner=user, name="x", file=csv_file(), description="kept")
    services.update_dataset(dataset=dataset, name="y", visibility="shared")

    dataset.refresh_from_db()
    assert (dataset.name, dataset.description, dataset.visibility) == ("y", "kept", "shared")
    with pytest.raises(Invalid):
        services.update_dataset(dataset=dataset, visibility="everybody")


def test_deleting_takes_songs_and_file_along(user, doorbells, django_capture_on_commit_callbacks):
    dataset = imported(user)
    name = dataset.files.get().file.name

    with django_capture_on_commit_callbacks(execute=True):
        services.delete_dataset(dataset=dataset)

    assert not Dataset.objects.exists()
    assert not Song.objects.exists()
    assert not default_storage.exists(name)


def test_a_dataset_that_a_run_uses_stays(user, ready_dataset):
    from django.utils import timezone

    from training.models import TrainingRun

    TrainingRun.objects.create(
        owner=user,
        name="run",
        dataset=ready_dataset,
        dataset_version=1,
        architecture="rnn",
        config={},
        config_hash="x",
        seed=1,
        queued_at=timezone.now(),
    )

    with pytest.raises(Conflict) as refusal:
        services.delete_dataset(dataset=ready_dataset)

    assert refusal.value.details["state"] == "ready"
    assert Dataset.objects.filter(pk=ready_dataset.pk).exists()


def test_a_worker_still_reading_a_deleted_dataset_stops(user, doorbells):
    from training import lifecycle

    dataset = services.create_dataset(owner=user, name="x", file=csv_file())
    job = dataset.imports.get()
    token = lifecycle.claim_import(job.pk)

    ingest.run_import(
        job.pk, token, on_progress=lambda *_: Dataset.objects.exists() and services.delete_dataset(dataset=dataset)
    )

    assert not Song.objects.exists()


def test_a_foreground_import_needs_no_worker_and_no_quota(user, settings):
    settings.DATASETS_PER_USER = settings.UPLOAD_LIMIT_BYTES = 0
    job = services.import_in_foreground(owner=user, name="x", file=csv_file())

    assert job.state == Import.State.SUCCEEDED
    assert job.report["accepted"] == 3


def test_a_foreground_import_asks_for_the_column_it_is_not_sure_of(user):
    with pytest.raises(Invalid, match="alpha, beta"):
        services.import_in_foreground(owner=user, name="x", file=unsure_file())

    assert not Dataset.objects.exists()
