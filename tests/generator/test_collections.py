"""Collections hold lyrics in an order, one of them several times if a person likes."""

import pytest

from generator.models import Collection, Lyric
from generator.services import collections, lyrics, sharing
from training.errors import Conflict, Invalid


@pytest.fixture
def collection(user):
    return collections.create_collection(user=user, name=" June’s   record ", description="For June.\r\n")


def make(user, *texts) -> list[Lyric]:
    return [lyrics.save_lyric(user=user, text=text) for text in texts]


def order(collection) -> list[tuple[int, str]]:
    return [(entry.position, entry.lyric.text) for entry in collection.entries.select_related("lyric")]


@pytest.fixture
def filled(user, collection):
    for lyric in make(user, "a", "b", "c"):
        collections.add_lyric(collection=collection, lyric=lyric)
    return collection


def test_a_name_is_put_on_one_line(collection):
    assert (collection.name, collection.description) == ("June’s record", "For June.")


def test_the_newest_stands_first(user, filled):
    newer = collections.create_collection(user=user, name="Newer")
    counted = Collection.objects.with_counts()
    assert [(one, one.lyrics_count) for one in counted] == [(newer, 0), (filled, 3)]


def test_a_lyric_lies_there_as_often_as_it_was_added(filled):
    again = filled.entries.first().lyric
    entry = collections.add_lyric(collection=filled, lyric=again, position=2)
    assert order(filled) == [(1, "a"), (2, "a"), (3, "b"), (4, "c")]
    assert Collection.objects.with_counts().get().lyrics_count == 4
    collections.remove_entry(entry=entry)
    assert order(filled) == [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.parametrize(
    ("place", "position", "texts"), [(0, 3, "bca"), (2, 1, "cab"), (1, 99, "acb"), (1, 2, "abc"), (0, 2, "bac")]
)
def test_an_entry_moves_and_the_others_make_room(filled, place, position, texts):
    collections.move_entry(entry=filled.entries.all()[place], position=position)
    assert order(filled) == list(enumerate(texts, start=1))


def test_a_deleted_lyric_leaves_no_gap(filled):
    lyrics.delete_lyric(lyric=filled.entries.all()[1].lyric)
    assert order(filled) == [(1, "a"), (2, "c")]


def test_a_deleted_collection_leaves_its_lyrics(filled):
    collections.delete_collection(collection=filled)
    assert Lyric.objects.kept().count() == 3


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", " "), ("name", "x" * 121), ("name", "a\x00"), ("name", 7), ("description", "x" * 2001)],
)
def test_what_cannot_be_stored_is_said_at_its_field(user, collection, field, value):
    with pytest.raises(Invalid) as refused:
        collections.update_collection(collection=collection, **{field: value})
    assert list(refused.value.errors) == [field]


def test_collections_and_their_lyrics_are_limited(user, filled, monkeypatch):
    monkeypatch.setattr(collections, "ENTRIES_LIMIT", 3)
    monkeypatch.setattr(collections, "COLLECTIONS_LIMIT", 1)
    with pytest.raises(Invalid, match="holds 3 lyrics"):
        collections.add_lyric(collection=filled, lyric=filled.entries.first().lyric)
    with pytest.raises(Invalid, match="1 collections"):
        collections.create_collection(user=user, name="More")


def test_what_was_deleted_meanwhile_is_a_conflict(user, filled):
    entry = filled.entries.first()
    (other,) = make(user, "d")
    Lyric.objects.filter(pk=other.pk).delete()
    with pytest.raises(Conflict):
        collections.add_lyric(collection=filled, lyric=other)
    collections.remove_entry(entry=entry)
    with pytest.raises(Conflict):
        collections.move_entry(entry=entry, position=1)
    Collection.objects.all().delete()
    with pytest.raises(Conflict):
        collections.add_lyric(collection=filled, lyric=entry.lyric)
    with pytest.raises(Conflict):
        collections.update_collection(collection=filled, name="Late")
    with pytest.raises(Conflict):
        sharing.share(filled)
