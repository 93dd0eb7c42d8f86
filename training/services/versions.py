"""The versions of a dataset: how the next one comes to be, which there are, and what lies between two of them.

    songs of version 4 ──choose, change──▶ rows added in 5 ──count──▶ DatasetVersion 5, the dataset's newest

A version never changes. A song that is changed gets a new row, valid from the next version on, in the same place; its
old row ends there, and goes on being what every run of an older version sees.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce

from training import search, versions
from training.errors import Conflict, Invalid
from training.models import Dataset, DatasetVersion, Import, Song
from training.models.datasets import SongQuerySet

GOING_ON = (Import.State.QUEUED, Import.State.RUNNING)
SONGS_AT_ONCE = 250
# The next version is counted before the lock is taken where no more songs change than this: they are held in memory.
MOST_FORESEEN = 1000
SONGS_LISTED = 100
LONGEST_NOTE = 300


@dataclass(frozen=True)
class VersionComparison:
    """What lies between two versions; each list holds at most `SONGS_LISTED` songs, ``counts`` tells them all.

    Attributes:
        changed: pairs of a song as it was and as it is.
        counts: how many were ``added``, ``removed`` and ``changed``.
        statistics: ``older`` and ``newer``, each as `DatasetVersion.statistics`.
    """

    older: DatasetVersion
    newer: DatasetVersion
    added: list[Song]
    removed: list[Song]
    changed: list[tuple[Song, Song]]
    counts: dict[str, int]
    statistics: dict[str, dict]


def versions_of(*, dataset: Dataset) -> QuerySet[DatasetVersion]:
    """The versions of a dataset, the newest first."""
    return dataset.versions.select_related("made_by").order_by("-number")


def replace_songs(
    *,
    dataset: Dataset,
    choose: Callable[[SongQuerySet], SongQuerySet],
    change: Callable[[Song], None],
    by,
    note: str,
    kind: str = DatasetVersion.Kind.EDIT,
) -> DatasetVersion:
    """Make the next version of ``dataset``, in which the chosen songs are changed.

    Two changes at once make two versions, one after the other. Counting a version of 100,000 songs takes a second, in
    which nobody else has to wait: it is done on the songs as they are going to be, before anything is locked.

    Args:
        choose: picks songs out of those of the newest version, all in one transaction.
        change: writes the new values onto a song.
        note: what changed, in a sentence.
    Raises: Conflict when the dataset is not ready, or no song is there to change any more.
    """
    as_it_is = Dataset.objects.filter(pk=dataset.pk).first()
    _refuse_unless_ready(as_it_is)
    foreseen = _foresee(as_it_is, choose, change)
    try:
        with transaction.atomic():
            locked = _held(dataset)
            number = locked.version + 1
            chosen = list(choose(locked.songs.of_version(locked.version)).values_list("pk", flat=True))
            if not chosen:
                raise Conflict("Nothing is left to change here: it was changed meanwhile.", state=locked.state)
            for start in range(0, len(chosen), SONGS_AT_ONCE):
                _write_anew(chosen[start : start + SONGS_AT_ONCE], number, change)
            made = versions.publish_version(
                dataset=locked,
                number=number,
                kind=kind,
                made_by=by,
                note=note[:LONGEST_NOTE],
                facts=foreseen.get(number) or versions.count_version(locked, number),
            )
    except IntegrityError:
        raise Conflict("This dataset was changed at the same moment. Try again.", state=dataset.state) from None
    dataset.refresh_from_db()
    return made


def compare_versions(*, dataset: Dataset, older: int, newer: int) -> VersionComparison:
    """Say which songs were added, removed and changed between two versions; songs are known by their place.

    Raises: Invalid when there is no such version, or ``older`` is not the older one.
    """
    before, after = _version(dataset, "older", older), _version(dataset, "newer", newer)
    if older >= newer:
        raise Invalid({"older": ["This has to be the older one of the two versions."]})
    ended = _with_nulls(dataset.songs.of_version(older).filter(removed_in__lte=newer))
    begun = _with_nulls(dataset.songs.of_version(newer).filter(added_in__gt=older))
    same_place = {"ordinal": OuterRef("ordinal")}
    added = begun.filter(~Exists(ended.filter(**same_place)))
    removed = ended.filter(~Exists(begun.filter(**same_place)))
    same_values = {field: OuterRef(field) for field in TELLING_FIELDS}
    changed = begun.filter(Exists(ended.filter(**same_place)), ~Exists(ended.filter(**same_place, **same_values)))
    as_is = list(changed[:SONGS_LISTED])
    as_was = {song.ordinal: song for song in ended.filter(ordinal__in=[song.ordinal for song in as_is])}
    return VersionComparison(
        older=before,
        newer=after,
        added=list(added[:SONGS_LISTED]),
        removed=list(removed[:SONGS_LISTED]),
        changed=[(as_was[song.ordinal], song) for song in as_is],
        counts={"added": added.count(), "removed": removed.count(), "changed": changed.count()},
        statistics={"older": before.statistics, "newer": after.statistics},
    )


# What makes two rows of one place different to a person or to a network. NULL equals nothing, so two are stood in for.
TELLING_FIELDS = ("text_hash", "title", "artist", "genre", "language", "some_year", "some_exclusion")


def _with_nulls(songs: SongQuerySet) -> SongQuerySet:
    return songs.annotate(
        some_year=Coalesce("year", Value(-1)), some_exclusion=Coalesce("excluded_as", Value(""))
    ).order_by("ordinal")


def _version(dataset: Dataset, field: str, number: int) -> DatasetVersion:
    found = dataset.versions.filter(number=number).first()
    if found is None:
        raise Invalid({field: [f"There is no version {number} of this dataset."]})
    return found


def _held(dataset: Dataset) -> Dataset:
    """The dataset's row, locked to the end of the transaction and ready for a change. Raises: Conflict."""
    locked = Dataset.objects.select_for_update().filter(pk=dataset.pk).first()
    _refuse_unless_ready(locked)
    return locked


def _refuse_unless_ready(dataset: Dataset | None) -> None:
    if dataset is None:
        raise Conflict("This dataset was deleted meanwhile.")
    if dataset.imports.filter(state__in=GOING_ON).exists():
        raise Conflict("This dataset is being imported right now. Cancel that or wait.", state=dataset.state)
    if dataset.state != Dataset.State.READY:
        raise Conflict("Only a dataset that is ready can be changed.", state=dataset.state)


def _foresee(
    dataset: Dataset, choose: Callable[[SongQuerySet], SongQuerySet], change: Callable[[Song], None]
) -> dict[int, versions.VersionFacts]:
    """The facts of the next version by its number; nothing where many songs change, or none."""
    songs = list(choose(dataset.songs.of_version(dataset.version))[: MOST_FORESEEN + 1])
    if not 1 <= len(songs) <= MOST_FORESEEN:
        return {}
    for song in songs:
        change(song)
    return {dataset.version + 1: versions.count_version(dataset, dataset.version, changed=songs)}


def _write_anew(keys: list[int], number: int, change: Callable[[Song], None]) -> None:
    """End the rows of ``keys`` before version ``number``, and write changed ones that begin there."""
    songs = list(Song.objects.filter(pk__in=keys))
    Song.objects.filter(pk__in=keys).update(removed_in=number)
    for song in songs:
        change(song)
        song.pk, song.added_in, song.imported_by_id = None, number, None
        song._state.adding = True
    Song.objects.bulk_create(songs)
    search.index_songs(songs)
