"""What nobody should send and somebody does: no parameter and no body makes a server error."""

import json
from urllib.parse import quote

import pytest

from tests.songs import make_ready_dataset
from tests.training.song_files import csv_file, imported
from training.models import Dataset, Rejection

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

DATASETS = "/api/v1/datasets/"
JUNK = [
    "",
    "x",
    "-1",
    "0",
    "1e400",
    "NaN",
    "Infinity",
    "9" * 40,
    "a\0b",
    "\ud800",
    "²",
    "' OR 1=1 --",
    "-",
    "__class__",
]
PARAMETERS = ["page", "page_size", "ordering", "search", "state", "visibility", "from", "format", "cursor"]
SONG_FILTERS = ["genre", "artist", "language", "year", "excluded_as"]


def address(path: str, **parameters: str) -> str:
    """The path with its parameters as a browser would send them, half characters too."""
    pairs = "&".join(f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in parameters.items())
    return f"{path}?{pairs}"


@pytest.mark.parametrize("junk", JUNK)
def test_no_parameter_of_a_list_makes_a_server_error(api, ready_dataset, junk):
    one = f"{DATASETS}{ready_dataset.pk}/"
    lists = [(DATASETS, PARAMETERS), (f"{one}songs/", PARAMETERS + SONG_FILTERS)]
    lists.append((f"{one}rejections/", [*PARAMETERS, "reason"]))
    for path, parameters in lists:
        for parameter in parameters:
            answer = api.get(address(path, **{parameter: junk}))
            assert answer.status_code in (200, 400, 404), (path, parameter)


@pytest.mark.parametrize("field", ["owner__password", "lease_token", "owner__username", "imports__lease_token"])
def test_what_is_not_shown_cannot_be_ordered_by(api, user, field):
    make_ready_dataset(user, name="b")
    make_ready_dataset(user, name="a")
    usual = [row["name"] for row in api.get(DATASETS).json()["results"]]

    assert [row["name"] for row in api.get(DATASETS, {"ordering": field}).json()["results"]] == usual


def test_a_page_holds_at_most_a_hundred(api, user):
    job = imported(user, name="with rejections").imports.get()
    Rejection.objects.bulk_create(
        Rejection(imported_by=job, record_number=number, line=number, reason="empty", message="x")
        for number in range(120)
    )
    many = imported(user, csv_file([(str(n), "", "", f"line {n}\nand another {n}") for n in range(120)]), name="many")
    Dataset.objects.bulk_create(Dataset(owner=user, name=str(number)) for number in range(120))

    for path in ["", f"{job.dataset_id}/rejections/", f"{many.pk}/songs/"]:
        assert len(api.get(f"{DATASETS}{path}", {"page_size": 10_000}).json()["results"]) == 100, path


@pytest.mark.parametrize("rows", [2, 60])
def test_songs_and_rejections_take_as_many_questions_for_two_rows_as_for_sixty(
    api, user, django_assert_max_num_queries, rows
):
    songs = [(str(number), "", "", f"line {number}\nand another {number}") for number in range(rows)]
    dataset = imported(user, csv_file([*songs, *[("Nothing", "", "", "")] * rows]))

    with django_assert_max_num_queries(5):
        assert len(api.get(f"{DATASETS}{dataset.pk}/songs/?page_size=100").json()["results"]) == rows
    with django_assert_max_num_queries(6):
        assert api.get(f"{DATASETS}{dataset.pk}/rejections/?page_size=100").json()["count"] == rows


@pytest.mark.parametrize(
    "mapping",
    [
        "x", 7, None, [], {}, {"lyrics": None}, {"lyrics": 7}, {"lyrics": []}, {"lyrics": {"a": "b"}}, {"lyrics": ""},
        {"nonsense": "lyrics"}, {"lyrics": "l" * 100_000}, {"lyrics": "a\0"}, {"a\0": "lyrics"}, {"lyrics": "\ud800"},
    ],
)  # fmt: skip
def test_no_mapping_makes_a_server_error(api, user, mapping):
    dataset = imported(user)
    body = json.dumps({"mapping": mapping})  # half characters as escapes, the only way they can be sent
    answer = api.generic("POST", f"{DATASETS}{dataset.pk}/mapping/", body, content_type="application/json")

    assert answer.status_code in (202, 400)
    if answer.status_code == 400:
        assert "mapping" in answer.json()


@pytest.mark.parametrize("name", ["format", "encoding", "delimiter", "has_header", "separator", "title_line", "other"])
@pytest.mark.parametrize("value", [None, True, 7, -1.5, "x" * 50_000, [], {}, "a\0b", "\ud800", [[[]]]])
def test_no_option_makes_a_server_error(api, name, value):
    options = json.dumps({name: value})
    answer = api.post(f"{DATASETS}preview/", {"file": csv_file(), "options": options}, format="multipart")

    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("depth", [50, 500, 5_000, 200_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_no_depth_makes_a_server_error(api, user, depth, opening):
    dataset = imported(user)
    nested = opening * depth + "1" + {"[": "]", '{"a":': "}"}[opening] * depth
    body = f'{{"mapping": {nested}, "options": {nested}}}'
    answer = api.generic("POST", f"{DATASETS}{dataset.pk}/mapping/", body, content_type="application/json")
    assert answer.status_code in (400, 413)

    sent = {"name": "x", "file": csv_file(), "options": f'{{"encoding": {nested}}}'}
    assert api.post(DATASETS, sent, format="multipart").status_code in (400, 413)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "junk"])
@pytest.mark.parametrize("path", ["", "preview/", "{}/mapping/"])
def test_other_kinds_of_bodies_are_unsupported(api, ready_dataset, path, kind):
    answer = api.generic("POST", DATASETS + path.format(ready_dataset.pk), "a=b", content_type=kind)

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "body", [b"", b"--x", b"--x\r\nContent-Disposition: form-data\r\n\r\n", b"\xff" * 100, b"--x\r\n\r\n--x--"]
)
@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "multipart/form-data", "multipart/form-data; boundary=\xff"]
)
def test_a_broken_form_is_the_senders_mistake(api, body, kind):
    for path in ("", "preview/"):
        answer = api.generic("POST", DATASETS + path, body, content_type=kind)
        assert answer.status_code == 400


def test_a_method_that_is_not_there_is_said(api, ready_dataset):
    assert api.put(f"{DATASETS}{ready_dataset.pk}/", {}).status_code == 405
    assert api.delete(DATASETS).status_code == 405
    assert api.post(f"{DATASETS}{ready_dataset.pk}/songs/", {}).status_code == 405
