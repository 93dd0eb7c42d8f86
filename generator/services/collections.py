"""What people do with collections: make, name, fill, put in order, delete. Pages and API call these."""

from django.db import transaction
from django.utils import timezone

from generator.models import Collection, CollectionEntry, Lyric
from generator.services.lyrics import keep_lyric
from generator.services.places import number
from training.errors import Conflict, Invalid

NAME_LIMIT = 120
DESCRIPTION_LIMIT = 2000
COLLECTIONS_LIMIT = 200
ENTRIES_LIMIT = 500


def create_collection(*, user, name: str, description: str = "") -> Collection:
    """An empty collection of ``user``. Raises: Invalid naming each field that is wrong."""
    fields = checked_fields(name=name, description=description)
    if Collection.objects.owned_by(user).count() >= COLLECTIONS_LIMIT:
        raise Invalid({"name": [f"You have {COLLECTIONS_LIMIT} collections, the most there may be. Delete one first."]})
    return Collection.objects.create(owner=user, **fields)


def update_collection(*, collection: Collection, **changes) -> Collection:
    """Change name or description. Raises: Invalid; Conflict when it was deleted meanwhile."""
    fields = checked_fields(**changes) | {"updated_at": timezone.now()}
    if not Collection.objects.filter(pk=collection.pk).update(**fields):
        raise _gone()
    for name, value in fields.items():
        setattr(collection, name, value)
    return collection


def delete_collection(*, collection: Collection) -> None:
    """Delete a collection; its lyrics stay."""
    collection.delete()


@transaction.atomic
def add_lyric(*, collection: Collection, lyric: Lyric, position: int | None = None) -> CollectionEntry:
    """Lay a lyric into a collection, at its end or at ``position`` (from 1), and so keep it.

    A lyric may lie there several times. Raises: Invalid when the collection is full; Conflict when either was deleted.
    """
    entries = _locked_entries(collection)
    if len(entries) >= ENTRIES_LIMIT:
        raise Invalid({"lyric": [f"This collection holds {ENTRIES_LIMIT} lyrics, the most there may be."]})
    keep_lyric(lyric=lyric)
    if not Lyric.objects.select_for_update().filter(pk=lyric.pk).exists():
        raise Conflict("This lyric was deleted meanwhile.", state="deleted")
    entry = CollectionEntry.objects.create(collection=collection, lyric=lyric, position=len(entries) + 1)
    return _placed(entry, entries, position or entry.position)


@transaction.atomic
def move_entry(*, entry: CollectionEntry, position: int) -> CollectionEntry:
    """Move an entry to ``position``, from 1; beyond the end it becomes the last. Raises: Conflict when it is gone."""
    others = [other for other in _locked_entries(entry.collection) if other != entry]
    if not CollectionEntry.objects.filter(pk=entry.pk).exists():
        raise Conflict("This was taken out meanwhile.", state="deleted")
    return _placed(entry, others, position)


@transaction.atomic
def remove_entry(*, entry: CollectionEntry) -> None:
    """Take an entry out of its collection; the lyric stays, and so do its other places."""
    others = [other for other in _locked_entries(entry.collection) if other != entry]
    CollectionEntry.objects.filter(pk=entry.pk).delete()
    number(others)


def _placed(entry: CollectionEntry, others: list[CollectionEntry], position: int) -> CollectionEntry:
    others.insert(position - 1, entry)
    number(others)
    entry.refresh_from_db(fields=["position"])
    return entry


def _locked_entries(collection: Collection) -> list[CollectionEntry]:
    """The entries in their order, while nobody else changes them."""
    if not Collection.objects.select_for_update().filter(pk=collection.pk).values("pk").first():
        raise _gone()
    return list(collection.entries.all())


def _gone() -> Conflict:
    return Conflict("This collection was deleted meanwhile.", state="deleted")


def checked_fields(**values) -> dict:
    """Name and description as they can be stored. Raises: Invalid naming each that is wrong."""
    checked, errors = {}, {}
    for field, value in values.items():
        try:
            checked[field] = CHECKS[field](value)
        except ValueError as error:
            errors[field] = [str(error)]
    if errors:
        raise Invalid(errors)
    return checked


def _storable(value) -> str:
    if not isinstance(value, str):
        raise ValueError("Give a text.")
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("NUL and half characters are not allowed.")
    return value


def _name(value) -> str:
    name = " ".join(_storable(value).split())
    if not 1 <= len(name) <= NAME_LIMIT:
        raise ValueError(f"Give a name of 1 to {NAME_LIMIT} characters.")
    return name


def _description(value) -> str:
    description = _storable(value).replace("\r\n", "\n").strip()
    if len(description) > DESCRIPTION_LIMIT:
        raise ValueError(f"At most {DESCRIPTION_LIMIT:,} characters.")
    return description


CHECKS = {"name": _name, "description": _description}
