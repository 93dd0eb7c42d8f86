"""Collections by API, each route with a second person."""

import json

import pytest

from generator.models import Collection, Lyric
from generator.services import collections, lyrics

ADDRESS = "/api/v1/collections/"


@pytest.fixture
def lyric(user):
    return lyrics.save_lyric(user=user, text="Oh my letter, oh my home", title="Home")


@pytest.fixture
def collection(user):
    return collections.create_collection(user=user, name="Sea songs")


@pytest.fixture
def entry(collection, lyric):
    return collections.add_lyric(collection=collection, lyric=lyric)


def address_of(collection) -> str:
    return f"{ADDRESS}{collection.pk}/"


def test_a_collection_is_made_named_and_deleted(api):
    answer = api.post(ADDRESS, {"name": "Sea songs", "description": "Salt."})
    assert answer.status_code == 201
    made = api.get(answer["Location"]).json()
    assert made == answer.json()
    assert (made["name"], made["description"], made["lyrics_count"], made["share_url"]) == (
        "Sea songs",
        "Salt.",
        0,
        None,
    )
    assert api.patch(answer["Location"], {"name": "Tides"}).json()["name"] == "Tides"
    assert api.delete(answer["Location"]).status_code == 204
    assert api.get(answer["Location"]).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", None), ("name", "x" * 121), ("name", "\x00"), ("name", "\ud800"), ("name", ["a"]),
     ("description", "x" * 2001), ("description", {})],
)  # fmt: skip
def test_what_cannot_be_stored_is_answered_with_its_field(api, field, value):
    body = json.dumps({"name": "Sea songs"} | {field: value})
    answer = api.generic("POST", ADDRESS, body, content_type="application/json")
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert not Collection.objects.exists()


def test_a_lyric_lies_there_several_times_each_with_its_own_id(api, collection, lyric):
    address = f"{address_of(collection)}lyrics/"
    first, second = (api.post(address, {"lyric": lyric.pk}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]
    listed = api.get(address).json()["results"]
    assert [(row["position"], row["lyric"]["id"]) for row in listed] == [(1, lyric.pk), (2, lyric.pk)]
    assert api.get(address_of(collection)).json()["lyrics_count"] == 2
    assert api.get(f"/api/v1/lyrics/{lyric.pk}/").json()["collections"] == [collection.pk]
    assert api.delete(first["Location"]).status_code == 204
    assert [row["id"] for row in api.get(address).json()["results"]] == [second.json()["id"]]
    assert Lyric.objects.get() == lyric


def test_a_lyric_moves_to_its_place(api, user, collection, entry):
    address = f"{address_of(collection)}lyrics/"
    other = lyrics.save_lyric(user=user, text="the sea")
    added = api.post(address, {"lyric": other.pk, "position": 1}).json()
    assert [row["id"] for row in api.get(address).json()["results"]] == [added["id"], entry.pk]
    assert api.patch(f"{address}{added['id']}/", {"position": 99}).json()["position"] == 2
    assert [row["id"] for row in api.get(address).json()["results"]] == [entry.pk, added["id"]]


def test_a_change_that_says_nothing_leaves_a_lyric_where_it_is(api, collection, entry):
    answer = api.patch(f"{address_of(collection)}lyrics/{entry.pk}/", {})
    assert (answer.status_code, answer.json()["position"]) == (200, entry.position)


@pytest.mark.parametrize("position", [0, -1, "x", 2**40, None, 1.5])
def test_no_place_is_said_at_its_field(api, collection, entry, lyric, position):
    body = {"position": position}
    answer = api.patch(f"{address_of(collection)}lyrics/{entry.pk}/", body)
    assert (answer.status_code, list(answer.json())) == (400, ["position"])
    answer = api.post(f"{address_of(collection)}lyrics/", body | {"lyric": lyric.pk})
    assert (answer.status_code, list(answer.json())) == (400, ["position"])


def test_another_persons_lyric_cannot_be_added(api, other_user, collection):
    theirs = lyrics.save_lyric(user=other_user, text="of Tom")
    answer = api.post(f"{address_of(collection)}lyrics/", {"lyric": theirs.pk})
    assert (answer.status_code, list(answer.json())) == (400, ["lyric"])


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", ""), ("patch", ""), ("delete", ""), ("put", "share/"), ("delete", "share/"), ("get", "lyrics/"),
     ("post", "lyrics/"), ("get", "lyrics/{entry}/"), ("patch", "lyrics/{entry}/"), ("delete", "lyrics/{entry}/")],
)  # fmt: skip
def test_another_persons_collection_is_not_there(other_api, other_user, collection, entry, method, path):
    own = lyrics.save_lyric(user=other_user, text="of Tom")
    address = address_of(collection) + path.format(entry=entry.pk)
    body = {"name": "Mine", "lyric": own.pk, "position": 1}
    assert getattr(other_api, method)(address, *([] if method == "get" else [body])).status_code == 404
    assert collection.entries.get() == entry
    assert Collection.objects.get(name="Sea songs").share_link is None


def test_an_entry_is_not_found_in_another_collection(api, user, entry):
    other = collections.create_collection(user=user, name="Other")
    assert api.get(f"{address_of(other)}lyrics/{entry.pk}/").status_code == 404


def test_a_list_holds_ones_own_alone(api, other_api, client, collection):
    assert [row["id"] for row in api.get(ADDRESS).json()["results"]] == [collection.pk]
    assert other_api.get(ADDRESS).json()["count"] == 0
    assert client.get(ADDRESS).status_code == 401


@pytest.mark.parametrize("query", ["search=%00", "page=9", "page_size=-1", "ordering=owner", "search=sea"])
def test_a_strange_query_is_no_error_of_ours(api, collection, query):
    assert api.get(f"{ADDRESS}?{query}").status_code in (200, 400, 404)
