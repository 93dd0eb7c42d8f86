"""The order of what lies in a collection: places are numbered from 1."""

from collections.abc import Iterable, Sequence

from generator.models import CollectionEntry

ROWS_AT_ONCE = 100


def number(entries: Sequence[CollectionEntry]) -> None:
    """Give the entries of one collection the places that they have in ``entries``."""
    moved = []
    for position, entry in enumerate(entries, start=1):
        if entry.position != position:
            entry.position = position
            moved.append(entry)
    CollectionEntry.objects.bulk_update(moved, ["position"], batch_size=ROWS_AT_ONCE)


def close_gaps(collections: Iterable[str]) -> None:
    """Number the entries of these collections again, after some are gone."""
    for collection in collections:
        number(list(CollectionEntry.objects.filter(collection=collection)))
