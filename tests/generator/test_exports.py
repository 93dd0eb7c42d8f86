"""Lyrics leave as one file: a lyric, those that were ticked, what a search found, a collection in its order."""

import json

import pytest
from django.urls import reverse

from generator import exports
from generator.api.lyric_serializers import LyricSerializer
from generator.models import Lyric
from generator.services import collections, lyrics

pytestmark = pytest.mark.django_db
ALL = reverse("generator:lyrics-export")
API = reverse("lyrics-export-api")


@pytest.fixture
def kept(user):
    return [
        lyrics.save_lyric(user=user, title=title, text=text, tags=["sea"])
        for title, text in (("Tide", "High at seven\nlow at one"), ("", "Rope and bread"), ("Bees", "a hum\nfor Zoë"))
    ]


def body(client, address: str, query: dict | None = None) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def titles(client, address: str = ALL, **query) -> list[str]:
    return [lyric["title"] for lyric in json.loads(body(client, address, {"format": "json"} | query))]


def test_a_lyric_leaves_as_a_text_file_with_its_title(signed_in, kept):
    answer = signed_in.get(reverse("generator:lyric-export", args=[kept[0].pk]))
    assert b"".join(answer.streaming_content).decode() == "Tide\n\nHigh at seven\nlow at one\n"
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="tide.txt"'
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_what_a_search_finds_leaves_in_the_order_of_the_page(signed_in, kept, other_user):
    lyrics.save_lyric(user=other_user, title="Theirs", text="the sea")
    Lyric.objects.create(owner=kept[0].owner, title="Draft", text="a hum", kept_at=None)
    assert titles(signed_in) == ["Bees", "", "Tide"]
    assert titles(signed_in, order="title", tag="sea") == ["Bees", "", "Tide"]
    assert titles(signed_in, search="hum") == ["Bees"]
    assert titles(signed_in, history="true") == ["Draft"]
    assert titles(signed_in, search="absent") == []
    assert body(signed_in, ALL, {"search": "absent"}) == ""
    assert body(signed_in, ALL) == "Bees\n\na hum\nfor Zoë\n\n\n* * *\n\n\nRope and bread\n\n\n* * *\n\n\n" + (
        "Tide\n\nHigh at seven\nlow at one\n"
    )


def test_ticked_lyrics_leave_alone_and_another_persons_never(signed_in, kept, other_user):
    theirs = lyrics.save_lyric(user=other_user, title="Theirs", text="the sea")
    assert titles(signed_in, lyric=[kept[0].pk, theirs.pk, "\x00", "nothing"]) == ["Tide"]


def test_a_file_of_many_is_made_in_pieces(signed_in, user, monkeypatch):
    monkeypatch.setattr(exports, "LYRICS_AT_ONCE", 2)
    for number in range(5):
        lyrics.save_lyric(user=user, title=f"{number}", text="la")
    assert titles(signed_in) == ["4", "3", "2", "1", "0"]
    assert body(signed_in, ALL).count("* * *") == 4


def test_a_collection_leaves_in_its_order(signed_in, user, kept):
    collection = collections.create_collection(user=user, name="June’s record")
    for lyric in (kept[2], kept[0], kept[2]):
        collections.add_lyric(collection=collection, lyric=lyric)
    address = reverse("generator:collection-export", args=[collection.pk])
    assert titles(signed_in, address) == ["Bees", "Tide", "Bees"]


def test_a_file_says_what_the_api_says_but_for_the_link(signed_in, kept, api):
    assert set(exports.FACTS) == set(LyricSerializer.Meta.fields) - {"share_url"}
    (facts,) = json.loads(body(signed_in, reverse("generator:lyric-export", args=[kept[0].pk]), {"format": "json"}))
    said = api.get(reverse("lyric-api", args=[kept[0].pk])).json()
    moments = {"kept_at", "created_at", "updated_at"}
    assert {name: facts[name] for name in set(facts) - moments} == {name: said[name] for name in set(facts) - moments}


def test_there_is_no_other_kind_of_file(signed_in, kept, api):
    assert signed_in.get(ALL, {"format": "exe"}).status_code == 404
    assert api.get(API, {"format": "jsonl"}).status_code in (400, 404)


def test_the_api_gives_the_same_files(api, kept, other_user):
    lyrics.save_lyric(user=other_user, title="Theirs", text="the sea")
    assert titles(api, API) == ["Bees", "", "Tide"]
    assert titles(api, API, search="hum") == ["Bees"]
    assert titles(api, API, lyric=[kept[1].pk]) == [""]
    assert body(api, API, {"search": "rope"}) == "Rope and bread\n"
    answer = api.get(API, {"bookmarked": "0.9"})
    assert (answer.status_code, list(answer.json())) == (400, ["bookmarked"])


def test_the_page_offers_ticks_when_a_file_is_wanted(signed_in, kept):
    page = signed_in.get(reverse("generator:lyric-list"), {"tag": "sea"}).content.decode()
    assert 'type="checkbox"' not in page
    page = signed_in.get(reverse("generator:lyric-list"), {"tag": "sea", "export": "true"}).content.decode()
    assert page.count('name="lyric"') == 3
    assert '<input type="hidden" name="tag" value="sea">' in page
