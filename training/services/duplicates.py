"""Copies of a song in a dataset: groups to look at, and a way back."""

from collections.abc import Iterable

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from training.errors import Conflict
from training.models import Dataset, DatasetVersion, Song
from training.services.versions import replace_songs

COPIES = (Song.Excluded.EXACT, Song.Excluded.NORMALISED, Song.Excluded.NEAR)
SONGS_SHOWN = 50  # of one group: a stub may stand in a file ten thousand times


def duplicate_groups(*, dataset: Dataset, version: int | None = None) -> QuerySet:
    """The groups of songs that are copies of each other in a version (the newest when None), most copies first.

    Returns: a queryset of dictionaries: ``duplicate_group``; ``songs``, how many it has; ``copies``, how many of them
        are left out as copies. A group that was taken back has none of those and stays, as its songs still belong on
        one side of a split.
    """
    songs = dataset.songs.of_version(dataset.version if version is None else version)
    return (
        songs.exclude(duplicate_group="")
        .order_by()
        .values("duplicate_group")
        .annotate(songs=Count("pk"), copies=Count("pk", filter=Q(excluded_as__in=COPIES)))
        .filter(songs__gt=1)
        .order_by("-copies", "-songs", "duplicate_group")
    )


def songs_of_groups(dataset: Dataset, groups: Iterable[str], *, version: int | None = None) -> dict[str, list[Song]]:
    """At most `SONGS_SHOWN` songs of each group, the kept one first, then those in use, then in their order."""
    found: dict[str, list[Song]] = {group: [] for group in groups}
    in_order = [F("excluded_as").asc(nulls_first=True), "ordinal"]
    songs = (
        dataset.songs.of_version(dataset.version if version is None else version)
        .filter(duplicate_group__in=[group for group in found if group])
        .exclude(duplicate_group="")
        .annotate(place=Window(RowNumber(), partition_by="duplicate_group", order_by=in_order))
        .filter(place__lte=SONGS_SHOWN)
        .defer("raw_text")
        .order_by("duplicate_group", "place")
    )
    for song in songs:
        found[song.duplicate_group].append(song)
    for group, members in found.items():
        members.sort(key=lambda song: (song.excluded_as is not None, song.text_hash != group, song.ordinal))
    return found


def restore_group(*, dataset: Dataset, group: str, by) -> DatasetVersion:
    """Take all copies of a group back into use, in the dataset's next version.

    Raises: Conflict when none of the group is left out as a copy, or while an import is going on.
    """
    copies = dataset.songs.of_version(dataset.version).filter(duplicate_group=group, excluded_as__in=COPIES)
    count = copies.exclude(duplicate_group="").count()
    if not count:
        raise Conflict("All songs of this group are in use.", state=dataset.state)

    def take_back(song: Song) -> None:
        song.excluded_as = None

    return replace_songs(
        dataset=dataset,
        choose=lambda songs: songs.filter(duplicate_group=group, excluded_as__in=COPIES),
        change=take_back,
        by=by,
        note=f"Took back {count:,} {'copy' if count == 1 else 'copies'} of one song.",
        kind=DatasetVersion.Kind.RESTORE,
    )
