"""Several files uploaded together, and folders, through the door that pages, API and commands share."""

import hashlib
import zipfile
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from tests.training.song_files import csv_file, jsonl_file, run_waiting_import
from training import bundles
from training.errors import Invalid, TooLarge
from training.models import Dataset, DatasetFile
from training.reading_limits import limits_for
from training.services import datasets as services

pytestmark = pytest.mark.django_db


def text_file(name: str, text: str = "la la\nla") -> ContentFile:
    return ContentFile(text.encode(), name)


def test_several_files_are_stored_as_one_and_read_in_their_order(user, doorbells):
    files = [text_file("Winter.txt"), jsonl_file([{"title": "Two", "lyrics": "lo lo\nlo"}]), csv_file()]

    dataset = services.create_dataset(owner=user, name="Mixed", file=files)
    run_waiting_import(dataset)

    titles = [song.title for song in dataset.songs_in_use().order_by("ordinal")]
    assert titles == ["Winter", "Two", "Salt on the Stair", "Winter Has a Key", "Nine Bells"]
    stored = dataset.files.get()
    assert stored.original_name == "Winter.txt and 2 more.zip"
    content = stored.file.read()
    assert (stored.size_bytes, stored.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    stored.file.seek(0)
    with zipfile.ZipFile(stored.file) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_one_file_in_a_list_is_stored_as_it_is(user, doorbells):
    dataset = services.create_dataset(owner=user, name="One", file=[csv_file()])

    assert (dataset.format, dataset.files.get().original_name) == ("csv", "songs.csv")


def test_no_file_is_asked_for(user, doorbells):
    with pytest.raises(Invalid) as refusal:
        services.create_dataset(owner=user, name="None", file=[])
    assert list(refusal.value.errors) == ["file"]


def test_names_are_words_of_the_bundle_and_never_paths(user, doorbells, settings):
    files = [text_file(name, f"la {name}\nla") for name in ("../../a.txt", "/etc/a.txt", "a.txt", "..\\b\0.txt")]

    dataset = services.create_dataset(owner=user, name="Names", file=files)

    with zipfile.ZipFile(dataset.files.get().file) as archive:
        assert archive.namelist() == ["a.txt", "a (2).txt", "a (3).txt", "b.txt"]
    assert len([path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]) == 1


def test_the_limit_is_that_of_all_files_together(user, doorbells, settings):
    settings.UPLOAD_LIMIT_BYTES = 100
    files = [text_file(f"{n}.txt", "x" * 60) for n in range(2)]

    with pytest.raises(TooLarge):
        services.create_dataset(owner=user, name="Much", file=files)
    with pytest.raises(TooLarge):
        services.preview_upload(owner=user, file=files)
    assert not Dataset.objects.exists()


def test_a_preview_of_several_files_shows_how_they_belong_together(user):
    artists = text_file("artists-data.csv", "Artist,Link\nThe Millrace,/mill/\n")
    lyrics = text_file("lyrics-data.csv", 'ALink,SName,SLink,Lyric\n/mill/,Salt,/s/,"la la\nla"\n')

    found = services.preview_upload(owner=user, file=[artists, lyrics])

    assert [song.artist for song in found.songs] == ["The Millrace"]
    assert "Vagalume" in found.looks_like
    assert not DatasetFile.objects.exists()


def test_the_same_files_make_the_same_bundle():
    first, second = (bundles.one_file([text_file("a.txt"), text_file("b.txt")]).read() for _ in range(2))
    assert first == second


def test_what_an_operator_brings_is_read_within_an_operators_limits(user, settings, tmp_path):
    settings.OPERATOR_ARCHIVE_MEMBERS = 7
    (tmp_path / "a.txt").write_text("la la\nla")

    job = services.import_in_foreground(owner=user, name="Folder", file=tmp_path)

    assert job.state == "succeeded"
    assert limits_for(job.file).archive_members == 7
    uploaded = DatasetFile(dataset=job.dataset, file="uploads/x.upload")
    assert limits_for(uploaded).archive_members == 1000


def test_a_folder_over_the_operators_limit_is_refused_with_the_number(user, settings, tmp_path):
    settings.OPERATOR_ARCHIVE_MEMBERS = 2
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text("la")

    with pytest.raises(Invalid, match="3 members; at most 2"):
        services.import_in_foreground(owner=user, name="Folder", file=tmp_path)


def test_staff_may_bring_larger_archives(user, staff_user, settings):
    settings.STAFF_UPLOAD_LIMIT_BYTES = 77
    stored = DatasetFile(dataset=Dataset(owner=staff_user), file="uploads/x.upload")
    assert limits_for(stored).archive_bytes == 77
    stored.dataset.owner = user
    assert limits_for(stored).archive_bytes == 1_000_000_000
