"""Versions, copies, combining, uploads of several files: by program."""

import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.songs import make_ready_dataset
from tests.training.song_files import VERSES, csv_file, imported, run_waiting_import
from training.models import Dataset, Visibility
from training.services import songs as song_services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

DATASETS = "/api/v1/datasets/"


@pytest.fixture
def dataset(user):
    """Three songs, and a copy of the first."""
    return imported(user, csv_file([*VERSES, ("Salt again", "Somebody", "", VERSES[0][3])]))


class TestVersions:
    def test_versions_are_listed_the_newest_first(self, api, user, dataset, django_assert_max_num_queries):
        song_services.change_song(song=dataset.songs.get(ordinal=2), by=user, title="Renamed")

        with django_assert_max_num_queries(6):  # token, person, its use, the dataset, the count, the versions
            newest, first = api.get(f"{DATASETS}{dataset.pk}/versions/").json()["results"]

        assert (newest["number"], newest["kind"], newest["made_by"]) == (2, "edit", "mara")
        assert (first["number"], first["kind"]) == (1, "import")
        assert newest["statistics"]["songs"] == 3
        assert len(newest["content_hash"]) == 64
        assert "Winter" in newest["note"]

    def test_two_versions_are_compared(self, api, user, dataset):
        song_services.change_song(song=dataset.songs.get(ordinal=2), by=user, text="Another winter")

        told = api.get(f"{DATASETS}{dataset.pk}/versions/compare/", {"older": 1, "newer": 2}).json()

        assert told["counts"] == {"added": 0, "removed": 0, "changed": 1}
        (pair,) = told["changed"]
        assert (pair["older"]["added_in"], pair["newer"]["text"]) == (1, "Another winter")
        assert (told["older"]["number"], told["newer"]["number"]) == (1, 2)

    @pytest.mark.parametrize(
        ("asked", "field"),
        [
            ({}, "older"),
            ({"older": 1}, "newer"),
            ({"older": 1, "newer": 9}, "newer"),
            ({"older": 1, "newer": 1}, "older"),
        ],
    )
    def test_what_cannot_be_compared_is_refused_by_its_field(self, api, dataset, asked, field):
        answer = api.get(f"{DATASETS}{dataset.pk}/versions/compare/", asked)

        assert answer.status_code == 400
        assert field in answer.json()


class TestDuplicates:
    def test_a_group_is_shown_and_taken_back(self, api, dataset):
        (group,) = api.get(f"{DATASETS}{dataset.pk}/duplicates/").json()["results"]
        assert (group["songs_count"], group["copies_count"]) == (2, 1)
        assert [(song["ordinal"], song["excluded_as"]) for song in group["songs"]] == [(1, None), (4, "exact")]

        answer = api.post(f"{DATASETS}{dataset.pk}/duplicates/{group['group']}/restore/")
        assert (answer.status_code, answer.json()["number"], answer.json()["kind"]) == (200, 2, "restore")
        assert answer.json()["statistics"]["songs"] == 4

        again = api.post(f"{DATASETS}{dataset.pk}/duplicates/{group['group']}/restore/")
        assert (again.status_code, again.json()["state"]) == (409, "ready")
        before = api.get(f"{DATASETS}{dataset.pk}/duplicates/", {"version": 1}).json()["results"]
        assert before[0]["copies_count"] == 1

    @pytest.mark.parametrize("group", ["nonsense", "f" * 32, "0", "f" * 5_000])
    def test_a_group_that_is_not_there_is_not_found(self, api, dataset, group):
        assert api.post(f"{DATASETS}{dataset.pk}/duplicates/{group}/restore/").status_code == 404

    def test_others_take_nothing_back(self, api, other_api, dataset):
        (group,) = api.get(f"{DATASETS}{dataset.pk}/duplicates/").json()["results"]
        Dataset.objects.filter(pk=dataset.pk).update(visibility=Visibility.SHARED)

        assert other_api.get(f"{DATASETS}{dataset.pk}/duplicates/").status_code == 200
        assert other_api.post(f"{DATASETS}{dataset.pk}/duplicates/{group['group']}/restore/").status_code == 404

    def test_groups_take_as_many_questions_for_one_as_for_many(self, api, user, django_assert_max_num_queries):
        rows = [(f"{n} {copy}", "", "", f"word{n} and {n}\nmore{n}") for n in range(9) for copy in "ab"]
        many = imported(user, csv_file(rows))

        with django_assert_max_num_queries(
            7
        ):  # token, person, its use, the dataset, the count, the groups, their songs
            assert len(api.get(f"{DATASETS}{many.pk}/duplicates/").json()["results"]) == 9


class TestCombine:
    def test_a_dataset_is_made_from_others(self, api, user, dataset):
        ready = make_ready_dataset(user)
        body = {
            "name": "Both",
            "sources": [{"dataset": dataset.pk, "genre": "shanty"}, {"dataset": ready.pk, "weight": 0.5}],
            "options": {"duplicates": False},
        }
        answer = api.post(f"{DATASETS}combine/", body)

        assert (answer.status_code, answer.json()["state"]) == (202, "importing")
        assert answer["Location"].endswith(f"{DATASETS}{answer.json()['id']}/")
        run_waiting_import(Dataset.objects.get(pk=answer.json()["id"]))
        told = api.get(answer["Location"]).json()
        assert (told["state"], told["report"]["accepted"]) == ("ready", 2 + 12)

    def test_the_same_key_gives_the_same_dataset(self, api, dataset):
        body = {"name": "x", "sources": [{"dataset": dataset.pk}]}
        first, again = (api.post(f"{DATASETS}combine/", body, headers={"Idempotency-Key": "once"}) for _ in range(2))

        assert first.json()["id"] == again.json()["id"]

    def test_the_datasets_of_others_are_not_there(self, other_api, dataset):
        answer = other_api.post(f"{DATASETS}combine/", {"name": "x", "sources": [{"dataset": dataset.pk}]})

        assert answer.status_code == 400
        assert answer.json() == {"sources": [f"There is no dataset {dataset.pk}."]}

    @pytest.mark.parametrize(
        "change",
        [
            {"sources": []}, {"sources": None}, {"sources": "x"}, {"sources": [7]}, {"sources": [{}]}, {"name": ""},
            {"sources": [{"dataset": "a\0"}]}, {"sources": [{"dataset": "nope"}]}, {"sources": [{"dataset": []}]},
            {"weight": 0}, {"weight": "NaN"}, {"weight": "Infinity"}, {"weight": "1e400"}, {"weight": None},
            {"artist": "a" * 301}, {"year_from": 10**40}, {"year_to": "x"}, {"minimum_lines": -1}, {"genre": "none"},
            {"generes": "shanty"}, {"year_to": 10**400}, {"weight": 10**400},
            {"options": []}, {"options": {"cleaning": 7}}, {"description": "d" * 2001},
        ],
    )  # fmt: skip
    def test_what_cannot_be_combined_is_refused(self, api, dataset, change):
        body = {"name": "x", "sources": [{"dataset": dataset.pk}]}
        is_of_source = not change.keys() & {"sources", "name", "options", "description"}
        body = {**body, "sources": [{"dataset": dataset.pk, **change}]} if is_of_source else {**body, **change}

        assert api.post(f"{DATASETS}combine/", body).status_code == 400
        assert Dataset.objects.count() == 1

    def test_another_kind_of_body_and_of_request_are_refused(self, api):
        assert api.generic("POST", f"{DATASETS}combine/", "a=b", content_type="text/plain").status_code == 415
        assert api.get(f"{DATASETS}combine/").status_code == 405


class TestUploads:
    def test_several_files_are_read_as_one(self, api):
        files = [
            csv_file(VERSES[:2], name="one.csv"),
            SimpleUploadedFile("two.txt", b"Nine bells, no boat\nnine bells, no shore"),
        ]
        answer = api.post(DATASETS, {"name": "Two", "file": files}, format="multipart")

        assert answer.status_code == 202, answer.content
        dataset = Dataset.objects.get(pk=answer.json()["id"])
        run_waiting_import(dataset)
        assert dataset.songs_in_use().count() == 3

    @pytest.mark.parametrize("files", [[], "", ["x"], [io.BytesIO(b"")]])
    def test_what_is_no_file_is_refused_by_its_field(self, api, files):
        for path in ("", "preview/"):
            answer = api.post(f"{DATASETS}{path}", {"name": "x", "file": files}, format="multipart")
            assert answer.status_code == 400
            assert all(isinstance(message, str) for message in answer.json()["file"])

    def test_a_preview_says_what_it_looks_like_and_what_is_cleaned(self, api):
        rows = [(*VERSES[0][:3], "Caf&eacute; on the quay<br>and the sea"), VERSES[1]]
        table = csv_file([(a, t, "/x", w) for t, a, _, w in rows], header=("artist", "song", "link", "text"))
        told = api.post(f"{DATASETS}preview/", {"file": table}, format="multipart").json()

        assert told["looks_like"]
        assert told["cleaning"]["markup"]["songs"] == 1
        assert told["cleaning"]["markup"]["places"] >= 2
        assert told["encoding_samples"] == []

        off = json.dumps({"cleaning": {"markup": False}})
        table.seek(0)
        told = api.post(f"{DATASETS}preview/", {"file": table, "options": off}, format="multipart").json()
        assert "markup" not in told["cleaning"]

    def test_a_preview_shows_how_its_encoding_reads(self, api):
        table = csv_file([("Über", "", "", "Wir gehen über den Fluß")], encoding="cp1252")
        told = api.post(f"{DATASETS}preview/", {"file": table}, format="multipart").json()

        assert any("über" in line for line in told["encoding_samples"])
