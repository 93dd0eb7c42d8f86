"""Song files for tests, and an import that runs here and now instead of in a worker."""

import csv
import io
import json

from django.core.files.uploadedfile import SimpleUploadedFile

from training import ingest, lifecycle
from training.models import Dataset, Import
from training.services import datasets as services

VERSES = [
    ("Salt on the Stair", "The Millrace", "Shanty", "There's salt on the stair\nand a rope in my hand"),
    ("Winter Has a Key", "Ada Quill", "Hymn", "[Verse 1]\nWinter has a key\nto every door\n\n[Chorus]\nLet it in"),
    ("Nine Bells", "Tom Ferriday", "Shanty", "Nine bells, no boat\nnine bells, no shore"),
]


def csv_file(rows=VERSES, header=("title", "artist", "genre", "lyrics"), name="songs.csv", encoding="utf-8"):
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(header)
    writer.writerows(rows)
    return SimpleUploadedFile(name, table.getvalue().encode(encoding), content_type="text/csv")


def jsonl_file(songs: list[dict], name="songs.jsonl"):
    return SimpleUploadedFile(name, "\n".join(map(json.dumps, songs)).encode(), content_type="application/json")


def unsure_file():
    """A table whose column names say nothing about which one holds the lyrics."""
    rows = [
        (f"name {number}", f"The first line of {number}\nand then a second, longer line\nand a third")
        for number in range(9)
    ]
    return csv_file(rows, header=("alpha", "beta"), name="unsure.csv")


def run_waiting_import(dataset: Dataset) -> Import:
    """Do what a worker does when it is rung for the dataset's newest import."""
    job = dataset.imports.first()
    token = lifecycle.claim_import(job.pk)
    assert token is not None
    ingest.run_import(job.pk, token)
    job.refresh_from_db()
    dataset.refresh_from_db()
    return job


def imported(owner, file=None, **fields) -> Dataset:
    """A dataset made by the real service and read by the real importer."""
    dataset = services.create_dataset(owner=owner, **{"name": "Harbour songs", "file": file or csv_file(), **fields})
    run_waiting_import(dataset)
    return dataset
