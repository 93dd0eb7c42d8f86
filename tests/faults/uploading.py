"""Sending files to the API, and what a refusal of one looks like."""

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.training.song_files import run_waiting_import
from training.models import Dataset
from training.services import datasets

DATASETS = "/api/v1/datasets/"


def upload(api, content: bytes, filename: str = "songs.zip", **fields):
    body = {"name": "Songs", "file": SimpleUploadedFile(filename, content), **fields}
    return api.post(DATASETS, body, format="multipart")


def assert_refused(answer) -> None:
    """A 400 at once, or an import that fails with a sentence: a quick look does not read all of every member."""
    if answer.status_code == 400:
        assert list(answer.json()) == ["file"]
        assert not Dataset.objects.exists()
        return
    assert answer.status_code == 202
    dataset = Dataset.objects.get()
    run_waiting_import(dataset)
    assert (dataset.state, dataset.songs.count(), bool(dataset.error)) == (Dataset.State.FAILED, 0, True)
    datasets.delete_dataset(dataset=dataset)
