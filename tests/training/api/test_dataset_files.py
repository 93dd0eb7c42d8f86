"""Every kind of file and of letters, sent by program, read by the real importer, to a dataset that is ready."""

import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.training.runs import make_run
from tests.training.song_files import VERSES, csv_file, imported, run_waiting_import
from training.models import Dataset

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

DATASETS = "/api/v1/datasets/"
TITLES = ["Café on the Quay", "Mañana, Maybe", "Über the Hill"]
WORDS = [
    "Coffee goes cold in the harbour rain\nand “the second”, longer line — of it",
    "Tomorrow, you said, with a hat in your hand\nand “perhaps” was a longer line — than that",
    "Nobody climbs it with both of their shoes\nor “never” on longer lines — like these",
]
SONGS = list(zip(TITLES, WORDS, strict=True))


def comma_table() -> str:
    return "title,lyrics\n" + "".join(f'"{title}","{words}"\n' for title, words in SONGS)


def tab_table() -> str:
    return "title\tlyrics\n" + "".join(f'{title}\t"{words}"\n' for title, words in SONGS)


def json_lines() -> str:
    return "".join(json.dumps({"title": t, "lyrics": w}, ensure_ascii=False) + "\n" for t, w in SONGS)


def text_with_heads() -> str:
    return "".join(f"-{title}-\n\n{words}\n\n" for title, words in SONGS)


def zip_of_texts() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as folder:
        for title, words in SONGS:
            folder.writestr(f"{title}.txt", words)
    return archive.getvalue()


def upload_and_import(api, content: bytes, name: str, **fields) -> tuple[Dataset, dict]:
    file, options = (
        SimpleUploadedFile(name, content),
        json.dumps({"near_duplicates": False}),
    )  # the songs are much alike
    answer = api.post(DATASETS, {"name": "Songs", "file": file, "options": options, **fields}, format="multipart")
    assert answer.status_code == 202, answer.content
    dataset = Dataset.objects.get(pk=answer.json()["id"])
    run_waiting_import(dataset)
    return dataset, api.get(f"{DATASETS}{dataset.pk}/").json()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize(
    ("write", "name", "kind"),
    [(comma_table, "s.csv", "csv"), (tab_table, "s.tsv", "tsv"), (json_lines, "s.jsonl", "jsonl")],
)
def test_each_table_in_each_encoding_gives_the_same_songs(api, write, name, kind, encoding):
    dataset, told = upload_and_import(api, write().encode(encoding), name)

    assert (told["state"], told["format"], told["report"]["accepted"]) == ("ready", kind, 3)
    assert list(dataset.songs_in_use().values_list("title", flat=True)) == TITLES
    assert "longer line" in dataset.songs_in_use().first().text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_text_with_heads_gives_its_songs(api, encoding):
    dataset, told = upload_and_import(api, text_with_heads().encode(encoding), "songs.txt")

    assert (told["state"], told["format"]) == ("ready", "txt")
    assert list(dataset.songs_in_use().values_list("title", flat=True)) == TITLES


def test_a_zip_of_texts_names_its_songs_after_its_files(api):
    dataset, told = upload_and_import(api, zip_of_texts(), "songs.zip")

    assert (told["state"], told["format"]) == ("ready", "zip")
    assert set(dataset.songs_in_use().values_list("title", flat=True)) == set(TITLES)


def test_reading_with_other_columns_makes_the_next_version_and_keeps_the_first(api, user):
    dataset = imported(user)
    answer = api.post(f"{DATASETS}{dataset.pk}/mapping/", {"mapping": {"lyrics": "lyrics", "title": "artist"}})
    assert answer.status_code == 202
    run_waiting_import(dataset)

    told = api.get(f"{DATASETS}{dataset.pk}/").json()
    assert (told["state"], told["version"], told["mapping"]["title"]) == ("ready", 2, "artist")
    songs = api.get(f"{DATASETS}{dataset.pk}/songs/").json()["results"]
    assert [song["title"] for song in songs] == [artist for _, artist, _, _ in VERSES]
    assert list(dataset.songs.of_version(1).values_list("title", flat=True)) == [title for title, *_ in VERSES]


def test_a_dataset_that_a_run_uses_stays(api, ready_dataset):
    make_run(ready_dataset)
    answer = api.delete(f"{DATASETS}{ready_dataset.pk}/")

    assert answer.status_code == 409
    assert answer.json()["state"] == "ready"
    assert Dataset.objects.filter(pk=ready_dataset.pk).exists()


def test_a_key_is_its_owners_alone(api, other_api):
    sent = {"format": "multipart", "headers": {"Idempotency-Key": "once"}}
    mine = api.post(DATASETS, {"name": "x", "file": csv_file()}, **sent)
    theirs = other_api.post(DATASETS, {"name": "x", "file": csv_file()}, **sent)

    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.json()["id"] != theirs.json()["id"]


@pytest.mark.parametrize("key", ["k" * 201, "a\x7fb"])
def test_a_key_that_cannot_be_kept_is_refused(api, key):
    answer = api.post(DATASETS, {"name": "x", "file": csv_file()}, format="multipart", headers={"Idempotency-Key": key})

    assert answer.status_code == 400
    assert not Dataset.objects.exists()
