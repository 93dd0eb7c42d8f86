"""Datasets by program, as the contract says."""

import csv
import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.songs import make_ready_dataset
from tests.training.song_files import VERSES, csv_file, imported, run_waiting_import, unsure_file
from training.models import Dataset

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

DATASETS = "/api/v1/datasets/"


def upload(api, file=None, **fields):
    headers = fields.pop("headers", {})
    body = {"name": "Harbour songs", "file": file or csv_file(), **fields}
    return api.post(DATASETS, body, format="multipart", headers=headers)


def test_an_upload_is_accepted_and_says_where_it_is(api):
    answer = upload(api, description="From the choir")

    assert answer.status_code == 202
    assert answer.json()["state"] == "importing"
    assert answer.json()["mapping"]["lyrics"] == "lyrics"
    assert answer.headers["Location"].endswith(f"{DATASETS}{answer.json()['id']}/")
    assert api.get(answer.headers["Location"]).json()["progress"]["state"] == "queued"


def test_a_finished_import_shows_the_fields_of_the_contract(api, user):
    dataset = imported(user, csv_file([*VERSES, VERSES[0], ("Empty", "", "", "")]))

    body = api.get(f"{DATASETS}{dataset.pk}/").json()

    assert body["state"] == "ready"
    assert body["version"] == 1
    assert body["report"]["records"] == 5
    assert body["report"]["rejected"] == {"empty": 1}
    assert body["report"]["duplicates"] == {"exact": 1, "normalised": 0, "near": 0}
    assert {"songs", "lines", "words", "characters", "artists", "genres", "with_sections"} <= set(body["statistics"])
    assert len(body["content_hash"]) == 64


def test_mapping_and_options_come_as_json_in_the_form(api):
    table = csv_file(header=("a", "b", "c", "d"))
    answer = upload(
        api, table, mapping=json.dumps({"lyrics": "d", "title": "a"}), options=json.dumps({"delimiter": ","})
    )

    assert answer.status_code == 202
    assert answer.json()["mapping"] == {"lyrics": "d", "title": "a"}


def test_the_same_key_gives_the_same_dataset(api):
    first = upload(api, headers={"Idempotency-Key": "once"})
    again = upload(api, headers={"Idempotency-Key": "once"})

    assert first.json()["id"] == again.json()["id"]
    assert Dataset.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"mapping": "not json"}, "mapping"),
        ({"mapping": "[]"}, "mapping"),
        ({"mapping": '{"lyrics": "a\\u0000"}'}, "mapping"),
        ({"mapping": '{"lyrics": "\\ud800"}'}, "mapping"),
        ({"options": '{"encoding": NaN}'}, "options"),
        ({"mapping": '{"lyrics": "nope"}'}, "mapping"),
        ({"options": '{"encoding": "rot13"}'}, "encoding"),
        ({"file": ""}, "file"),
        ({"file": SimpleUploadedFile("a.csv", b"")}, "file"),
        ({"file": SimpleUploadedFile("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(50))}, "file"),
    ],
)
def test_bad_input_is_named_at_its_field(api, fields, wrong):
    answer = api.post(DATASETS, {"name": "x", "file": csv_file(), **fields}, format="multipart")

    assert answer.status_code == 400
    assert list(answer.json()) == [wrong]
    assert all(isinstance(message, str) for message in answer.json()[wrong])


def test_too_deep_a_mapping_is_no_server_error(api):
    assert upload(api, mapping="[" * 100_000).status_code == 400


def test_an_upload_that_is_no_form_is_an_unsupported_type(api):
    assert api.post(DATASETS, {"name": "x"}, format="json").status_code == 415


def test_a_file_over_the_limit_is_too_large(api, settings):
    settings.UPLOAD_LIMIT_BYTES = 20
    answer = upload(api)

    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


def test_a_used_up_quota_says_when_to_try_again(api, settings):
    settings.DATASETS_PER_USER = 0
    answer = upload(api)

    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_a_preview_stores_nothing(api):
    answer = api.post(f"{DATASETS}preview/", {"file": csv_file()}, format="multipart")

    assert answer.status_code == 200
    body = answer.json()
    assert (body["format"], body["encoding"]) == ("csv", "utf-8")
    assert body["columns"] == ["title", "artist", "genre", "lyrics"]
    assert body["songs"][0]["title"] == "Salt on the Stair"
    assert not Dataset.objects.exists()


def test_a_dataset_that_waits_for_its_columns_is_confirmed_without_a_new_upload(api):
    waiting = upload(api, unsure_file()).json()
    assert waiting["state"] == "needs_mapping"

    answer = api.post(f"{DATASETS}{waiting['id']}/mapping/", {"mapping": {"lyrics": "beta", "title": "alpha"}})
    assert answer.status_code == 202
    assert answer.json()["state"] == "importing"

    dataset = Dataset.objects.get()
    run_waiting_import(dataset)
    assert api.get(f"{DATASETS}{dataset.pk}/songs/").json()["results"][0]["title"] == "name 0"


def test_a_second_import_while_one_goes_on_is_a_conflict(api):
    dataset = upload(api).json()["id"]
    answer = api.post(f"{DATASETS}{dataset}/mapping/", {"mapping": {"lyrics": "lyrics"}})

    assert answer.status_code == 409
    assert answer.json()["state"] == "importing"


def test_an_import_is_cancelled_once(api):
    dataset = upload(api).json()["id"]

    answer = api.post(f"{DATASETS}{dataset}/cancel/")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    again = api.post(f"{DATASETS}{dataset}/cancel/")
    assert (again.status_code, again.json()["state"]) == (409, "cancelled")


def test_songs_page_by_ordinal(api, ready_dataset):
    songs = f"{DATASETS}{ready_dataset.pk}/songs/"
    page = api.get(songs, {"from": 11, "page_size": 10}).json()
    assert [song["ordinal"] for song in page["results"]] == list(range(11, 21))

    following = api.get(page["next"]).json()
    assert [song["ordinal"] for song in following["results"]] == [21, 22, 23, 24]
    assert following["next"] is None
    before = api.get(page["previous"]).json()
    assert [song["ordinal"] for song in before["results"]] == list(range(1, 11))
    assert before["previous"] is None


@pytest.mark.parametrize("first", ["0", "-1", "x", "9" * 30, "²"])
def test_an_ordinal_that_is_none_is_refused(api, ready_dataset, first):
    assert api.get(f"{DATASETS}{ready_dataset.pk}/songs/", {"from": first}).status_code == 400


def test_songs_are_searched_and_filtered(api, user):
    dataset = imported(user, csv_file([*VERSES, VERSES[0]]))
    songs = f"{DATASETS}{dataset.pk}/songs/"

    assert [song["title"] for song in api.get(songs, {"search": "bells"}).json()["results"]] == ["Nine Bells"]
    copies = api.get(songs, {"excluded_as": "exact"}).json()["results"]
    assert [(song["ordinal"], song["excluded_as"]) for song in copies] == [(4, "exact")]
    assert api.get(songs, {"excluded_as": "nonsense"}).status_code == 400
    assert api.get(songs, {"search": "\0"}).status_code in (200, 400)


def test_a_song_has_the_fields_of_the_contract(api, user):
    dataset = imported(user)
    song = api.get(f"{DATASETS}{dataset.pk}/songs/", {"from": 2}).json()["results"][0]

    assert song["title"] == "Winter Has a Key"
    assert song["sections"] == [{"name": "Verse 1", "lines": 2}, {"name": "Chorus", "lines": 1}]
    assert song["excluded_as"] is None
    assert {"id", "artist", "genre", "year", "language", "text", "duplicate_group"} <= set(song)


def test_rejections_are_listed_and_downloaded_without_formulas(api, user):
    # Only a broken record shows a snippet, and it may begin with anything.
    broken = SimpleUploadedFile(
        "s.jsonl", b'{"title": "a", "lyrics": "one\\ntwo"}\n=cmd()\n{"title": "b", "lyrics": ""}'
    )
    dataset = imported(user, broken)
    rejections = f"{DATASETS}{dataset.pk}/rejections/"

    body = api.get(rejections).json()
    assert body["count"] == 2
    assert [(row["line"], row["reason"]) for row in body["results"]] == [(2, "malformed"), (3, "empty")]

    answer = api.get(rejections, {"format": "csv"})
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert rows[0]["snippet"] == "'=cmd()"
    assert rows[1]["line"] == "3"


def test_a_dataset_is_renamed_and_shared(api, ready_dataset):
    answer = api.patch(f"{DATASETS}{ready_dataset.pk}/", {"name": "New", "visibility": "shared"})

    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["visibility"]) == ("New", "shared")


@pytest.mark.parametrize("body", [{"visibility": "world"}, {"name": ""}, {"name": "n" * 121}, {"name": None}])
def test_a_change_that_breaks_a_rule_is_refused(api, ready_dataset, body):
    assert api.patch(f"{DATASETS}{ready_dataset.pk}/", body).status_code == 400


@pytest.mark.parametrize("field", ["state", "version", "owner", "content_hash", "statistics"])
def test_what_the_platform_knows_cannot_be_written(api, ready_dataset, field):
    before = api.get(f"{DATASETS}{ready_dataset.pk}/").json()[field]
    api.patch(f"{DATASETS}{ready_dataset.pk}/", {field: "tom"})

    assert api.get(f"{DATASETS}{ready_dataset.pk}/").json()[field] == before


def test_a_dataset_is_deleted(api, ready_dataset):
    assert api.delete(f"{DATASETS}{ready_dataset.pk}/").status_code == 204
    assert api.get(f"{DATASETS}{ready_dataset.pk}/").status_code == 404


def test_the_list_shows_ones_own_and_what_is_shared(api, user, other_user):
    make_ready_dataset(user, name="mine")
    make_ready_dataset(other_user, name="theirs")
    make_ready_dataset(other_user, name="shared", visibility="shared")

    names = {row["name"]: row["owner"] for row in api.get(DATASETS).json()["results"]}

    assert names == {"mine": "mara", "shared": "tom"}


def test_the_list_is_filtered_searched_and_ordered(api, user):
    make_ready_dataset(user, name="b songs")
    make_ready_dataset(user, name="a songs", description="salt")
    Dataset.objects.create(owner=user, name="c waits", state="needs_mapping")

    def names(**parameters):
        return [row["name"] for row in api.get(DATASETS, parameters).json()["results"]]

    assert names(state="ready", ordering="name") == ["a songs", "b songs"]
    assert names(search="salt") == ["a songs"]
    assert names(ordering="-name", page_size=1) == ["c waits"]
    assert api.get(DATASETS, {"state": "nonsense"}).status_code == 400


def test_the_list_asks_the_database_equally_often_for_one_and_for_many(api, user, django_assert_max_num_queries):
    for number in range(5):
        make_ready_dataset(user, name=str(number))
    with django_assert_max_num_queries(6):
        assert api.get(DATASETS).json()["count"] == 5


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("patch", ""),
        ("delete", ""),
        ("post", "mapping/"),
        ("post", "cancel/"),
        ("get", "songs/"),
        ("get", "rejections/"),
        ("get", "rejections/?format=csv"),
    ],
)
def test_what_is_not_yours_is_not_there(other_api, ready_dataset, method, path):
    answer = getattr(other_api, method)(f"{DATASETS}{ready_dataset.pk}/{path}", {} if method != "get" else None)

    assert answer.status_code == 404
    assert answer.headers["X-Request-ID"]


@pytest.mark.parametrize(("method", "path"), [("patch", ""), ("delete", ""), ("post", "mapping/"), ("post", "cancel/")])
def test_what_is_shared_can_be_read_and_not_changed(other_api, ready_dataset, method, path):
    Dataset.objects.update(visibility="shared")

    assert other_api.get(f"{DATASETS}{ready_dataset.pk}/songs/").json()["results"]
    assert getattr(other_api, method)(f"{DATASETS}{ready_dataset.pk}/{path}", {}).status_code == 404


def test_without_a_token_nothing_is_told(client, ready_dataset):
    answer = client.get(f"{DATASETS}{ready_dataset.pk}/")

    assert answer.status_code == 401
    assert "Bearer" in answer.headers["WWW-Authenticate"]
