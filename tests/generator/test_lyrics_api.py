"""Kept lyrics by API, each route with a second person."""

import json
from base64 import b64encode
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generator.models import Lyric
from generator.recipe import Recipe
from generator.services import collections, lyrics, sharing
from tests.generator.tiny_models import publish

ADDRESS = "/api/v1/lyrics/"


@pytest.fixture
def lyric(user):
    return lyrics.save_lyric(user=user, text="Oh my letter, oh my home", title="Home", tags=["sea"], prompt="Oh my")


def address_of(lyric) -> str:
    return f"{ADDRESS}{lyric.pk}/"


def test_a_text_is_kept_with_its_recipe(api, user):
    model = publish(user)
    body = {"text": "oh my\n  home", "prompt": "oh", "recipe": {"temperature": 0.5}, "seed": 41, "model": model.pk}
    answer = api.post(ADDRESS, body)
    assert answer.status_code == 201
    lyric = Lyric.objects.get()
    assert answer["Location"] == address_of(lyric)
    kept = api.get(answer["Location"]).json()
    assert kept == answer.json()
    assert (kept["text"], kept["seed"], kept["model"]) == ("oh my\n  home", 41, model.pk)
    assert kept["recipe"] == Recipe(temperature=0.5, seed=41).to_dict()
    assert kept["model_sha256"] == model.sha256
    assert (kept["bookmarked"], kept["tags"], kept["collections"], kept["share_url"]) == (False, [], [], None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", ""),
        ("text", None),
        ("text", "\x00"),
        ("text", "\ud800"),
        ("text", "x" * 100_001),
        ("title", "x" * 201),
        ("tags", "sea"),
        ("tags", ["x" * 41]),
        ("tags", [""] * 21),
        ("bookmarked", "perhaps"),
        ("recipe", []),
        ("recipe", {"n": 0}),
        ("recipe", {"what": 1}),
        ("seed", 2**70),
        ("model", "nothing"),
        ("prompt", "x" * 5000),
    ],
)
def test_what_cannot_be_kept_is_answered_with_its_field(api, field, value):
    body = json.dumps({"text": "oh my"} | {field: value})
    answer = api.generic("POST", ADDRESS, body, content_type="application/json")
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert not Lyric.objects.exists()


def test_another_persons_model_cannot_be_named(api, other_user):
    answer = api.post(ADDRESS, {"text": "oh my", "model": publish(other_user).pk})
    assert (answer.status_code, list(answer.json())) == (400, ["model"])


def test_title_text_tags_and_bookmark_change_and_nothing_else(api, lyric):
    body = {"title": "A", "text": "b", "tags": ["c"], "bookmarked": True, "seed": 5, "prompt": "no", "id": "mine"}
    answer = api.patch(address_of(lyric), body)
    assert answer.status_code == 200
    lyric.refresh_from_db()
    assert (lyric.title, lyric.text, lyric.tags, lyric.bookmarked) == ("A", "b", ["c"], True)
    assert (lyric.seed, lyric.prompt) == (None, "Oh my")


def test_a_bookmark_is_set_and_taken_away_however_often(api, lyric):
    for _ in range(2):
        assert api.put(f"{address_of(lyric)}bookmark/").json()["bookmarked"] is True
    for _ in range(2):
        assert api.delete(f"{address_of(lyric)}bookmark/").status_code == 204
    lyric.refresh_from_db()
    assert lyric.bookmarked is False


def test_a_deleted_lyric_is_gone(api, lyric):
    assert api.delete(address_of(lyric)).status_code == 204
    assert api.get(address_of(lyric)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", ""), ("patch", ""), ("delete", ""), ("put", "bookmark/"), ("delete", "bookmark/"), ("put", "keep/"),
     ("put", "share/"), ("delete", "share/"), ("post", "reproduce/")],
)  # fmt: skip
def test_another_persons_lyric_is_not_there(other_api, staff_user, lyric, method, path):
    sharing.share(lyric)
    assert getattr(other_api, method)(address_of(lyric) + path).status_code == 404
    assert Lyric.objects.get().share_link == lyric.share_link


def test_a_list_holds_ones_own_alone(api, other_api, lyric):
    assert [found["id"] for found in api.get(ADDRESS).json()["results"]] == [lyric.pk]
    assert other_api.get(ADDRESS).json()["results"] == []


def test_nobody_sees_a_list_without_signing_in(client, lyric):
    assert client.get(ADDRESS).status_code == 401


def test_lists_are_filtered_searched_and_ordered(api, user):
    model = publish(user)
    first = lyrics.save_lyric(user=user, text="the river", title="B", model=model)
    second = lyrics.save_lyric(user=user, text="the sea", title="A", bookmarked=True, tags=["sea"])

    def ids(query):
        return [found["id"] for found in api.get(f"{ADDRESS}?{query}").json()["results"]]

    assert ids("bookmarked=true") == [second.pk]
    assert ids("bookmarked=false") == [first.pk]
    assert ids(f"model={model.pk}") == [first.pk]
    assert ids("search=RIVER") == [first.pk]
    assert ids("search=riv") == [first.pk]
    assert ids("tag=sea") == [second.pk]
    assert ids("tag=se") == []
    assert ids("ordering=title") == [second.pk, first.pk]
    assert ids("ordering=created_at") == [first.pk, second.pk]


def test_a_longer_list_asks_the_database_no_more(api, user):
    collection = collections.create_collection(user=user, name="Sea songs")
    asked = []
    for number in range(4):
        lyric = lyrics.save_lyric(user=user, text=f"line {number}")
        collections.add_lyric(collection=collection, lyric=lyric)
        with CaptureQueriesContext(connection) as queries:
            assert len(api.get(ADDRESS).json()["results"]) == number + 1
        asked.append(len(queries))
    assert len(set(asked[1:])) == 1  # the first time the token's use is noted too


def test_the_cursor_passes_every_lyric_once(api, user):
    made = [lyrics.save_lyric(user=user, text=f"line {number}").pk for number in range(7)]
    seen, address = [], f"{ADDRESS}?page_size=3"
    while address:
        page = api.get(address).json()
        seen += [found["id"] for found in page["results"]]
        address = page["next"]
    assert seen == made[::-1]


def test_history_is_listed_where_it_is_asked_for_and_kept_by_a_put(api, user, lyric):
    unkept = Lyric.objects.create(owner=user, text="written", kept_at=None)

    def ids(query=""):
        return {found["id"] for found in api.get(f"{ADDRESS}?{query}").json()["results"]}

    assert ids() == ids("kept=true") == {lyric.pk}
    assert ids("kept=false") == {unkept.pk}
    assert ids("kept=any") == {lyric.pk, unkept.pk}
    assert api.get(address_of(unkept)).json()["kept_at"] is None
    kept = [api.put(f"{address_of(unkept)}keep/").json()["kept_at"] for _ in range(2)]
    assert kept[0] == kept[1] is not None
    assert ids() == {lyric.pk, unkept.pk}


def test_a_link_is_given_taken_back_and_new_the_next_time(api, client, lyric):
    links = []
    for _ in range(2):
        link = api.put(f"{address_of(lyric)}share/").json()["share_url"]
        assert api.put(f"{address_of(lyric)}share/").json()["share_url"] == link
        assert api.get(address_of(lyric)).json()["share_url"] == link
        assert client.get(link).status_code == 200
        assert api.delete(f"{address_of(lyric)}share/").status_code == 204
        assert client.get(link).status_code == 404
        links.append(link)
    assert links[0] != links[1]
    assert api.get(address_of(lyric)).json()["share_url"] is None


@pytest.mark.parametrize(
    "query",
    [*("cursor=nonsense", "page_size=-1", "ordering=owner", "search=%00", "model=%00", "tag=%00", "kept=maybe"),
     *("tag=" + "x" * 50, "search=%22", "search=" + "x" * 300, "tag=%F0%9F%8C%8A")],
)  # fmt: skip
def test_a_strange_query_is_no_error_of_ours(api, lyric, query):
    assert api.get(f"{ADDRESS}?{query}").status_code in (200, 400, 404)


@pytest.mark.parametrize("place", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "10000-01-01", "soon"])
def test_a_cursor_at_a_time_that_is_none_finds_nothing(api, lyric, place):
    cursor = b64encode(urlencode({"p": place}).encode()).decode()
    assert api.get(ADDRESS, {"cursor": cursor}).status_code in (200, 400, 404)


@pytest.mark.parametrize("word", ["0.9", "yes", "none", "\x00", "2"])
def test_what_is_neither_true_nor_false_is_no_bookmark(api, word):
    answer = api.get(ADDRESS, {"bookmarked": word})
    assert (answer.status_code, list(answer.json())) == (400, ["bookmarked"])


@pytest.mark.parametrize(("word", "count"), [("true", 1), ("True", 1), ("1", 1), ("false", 2), ("0", 2), ("", 3)])
def test_bookmarks_are_asked_for_in_plain_words(api, user, word, count):
    for bookmarked in (True, False, False):
        lyrics.save_lyric(user=user, text="the sea", bookmarked=bookmarked)
    assert len(api.get(ADDRESS, {"bookmarked": word}).json()["results"]) == count
