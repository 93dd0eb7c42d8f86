"""Every public dataset, and every trap in them, imported as people import it: the table of counts is the test."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.training.dirty_files import DIRTY_FILES
from tests.training.public_datasets import FIXTURES, REFUSED
from tests.training.song_files import run_waiting_import
from training.errors import Invalid
from training.models import Dataset
from training.services import datasets as services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]


TABLE = FIXTURES | DIRTY_FILES


@pytest.mark.parametrize("name", TABLE)
def test_a_dataset_gives_the_counts_of_the_table(user, name):
    fixture = TABLE[name]
    files = [SimpleUploadedFile(file_name, content) for file_name, content in fixture.files.items()]
    file = files if len(files) > 1 else files[0]
    dataset = services.create_dataset(owner=user, name="Songs", file=file)
    if fixture.mapping:
        assert dataset.state == Dataset.State.NEEDS_MAPPING
        services.apply_mapping(dataset=dataset, mapping=fixture.mapping)

    run_waiting_import(dataset)

    report = dataset.report
    assert dataset.state == Dataset.State.READY
    assert report["rejected"] == fixture.rejected
    assert sum(report["duplicates"].values()) == fixture.duplicates
    assert (report["records"], report["accepted"]) == (fixture.records, fixture.accepted)
    assert fixture.records == fixture.accepted + sum(fixture.rejected.values()) + fixture.duplicates
    songs = [(song.artist, song.title, song.year) for song in dataset.songs_in_use()[: len(fixture.songs)]]
    assert songs == list(fixture.songs)
    if fixture.looks_like:
        assert report["looks_like"] == fixture.looks_like
    assert not fixture.warning or any(fixture.warning in warning for warning in report["warnings"])


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_without_lyrics_is_refused_with_a_sentence_that_says_what_to_do(user, name):
    file_name, content, words = REFUSED[name]
    with pytest.raises(Invalid) as refusal:
        services.create_dataset(owner=user, name="Songs", file=SimpleUploadedFile(file_name, content))
    assert words in str(refusal.value) + str(getattr(refusal.value, "errors", ""))
