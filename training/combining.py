"""A dataset made from others: its songs are gathered into a file, which is then imported like any other.

recipe of an import ──each source: its songs in use, filtered, a share of them──▶ JSON lines in storage
"""

import hashlib
import json
import tempfile
import uuid
from collections.abc import Callable, Iterator

from django.core.files.base import File

from training.exports import SONG_COLUMNS
from training.importers import ImportRefused
from training.models import Dataset, DatasetFile, Import
from training.models.datasets import SongQuerySet

SONGS_AT_ONCE = 100
_COLUMNS = ("title", "artist", "genre", "year", "language", "text")


def gather(job: Import, *, breathe: Callable[[], None] = lambda: None) -> DatasetFile:
    """Write the songs that the import's recipe chooses into storage, and return that file; the same songs each time.

    Args:
        breathe: called every hundred songs, by a worker that has a lease to renew.
    Raises: ImportRefused when a dataset is gone or no song is chosen.
    """
    name = f"combined {job.pk}.jsonl"
    if gathered := job.dataset.files.filter(original_name=name).first():
        return gathered  # an attempt before this one came so far
    with tempfile.TemporaryFile() as file:
        digest, count = hashlib.sha256(), 0
        for count, values in enumerate(_chosen_songs(job, breathe), start=1):
            line = json.dumps(dict(zip(SONG_COLUMNS, (count, *values), strict=True)), ensure_ascii=False) + "\n"
            file.write(line.encode())
            digest.update(line.encode())
        if not count:
            raise ImportRefused("None of these datasets has a song that was asked for.")
        size_bytes = file.tell()
        file.seek(0)
        field = DatasetFile._meta.get_field("file")
        stored = field.storage.save(field.generate_filename(None, f"{uuid.uuid4().hex}.upload"), File(file))
    return DatasetFile.objects.create(
        dataset=job.dataset, file=stored, original_name=name, size_bytes=size_bytes, sha256=digest.hexdigest()
    )


def filtered(songs: SongQuerySet, source: dict) -> SongQuerySet:
    """Those of ``songs`` that a source of a recipe asks for.

    Args:
        source: artist, genre and language (empty: any), year_from, year_to (None: any), minimum_lines.
    """
    conditions = {
        "artist__iexact": source["artist"],
        "genre__iexact": source["genre"],
        "language__iexact": source["language"],
        "year__gte": source["year_from"],
        "year__lte": source["year_to"],
        "line_count__gte": source["minimum_lines"],
    }
    return songs.filter(**{condition: value for condition, value in conditions.items() if value})


def _chosen_songs(job: Import, breathe: Callable[[], None]) -> Iterator[tuple]:
    """The values of the chosen songs, source by source; no song of a dataset twice, though two sources name it."""
    sources = job.recipe["sources"]
    largest = max(source["weight"] for source in sources)
    taken: dict[str, set[int]] = {}
    for source in sources:
        dataset = Dataset.objects.visible_to(job.dataset.owner).filter(pk=source["dataset"]).first()
        if dataset is None:
            raise ImportRefused("One of the datasets to combine is gone, or no longer shared with you.")
        before = taken.setdefault(dataset.pk, set())
        songs = filtered(dataset.songs_in_use(source["version"]), source)
        for ordinal, *values in _share_of(songs, source["weight"] / largest, before, breathe):
            before.add(ordinal)
            yield tuple(values)


def _share_of(songs: SongQuerySet, share: float, without: set[int], breathe: Callable[[], None]) -> Iterator[tuple]:
    """``share`` (0 to 1) of the songs, at even distances, without those that were taken before."""
    place = 0
    for page in songs.pages(*_COLUMNS, size=SONGS_AT_ONCE):
        breathe()
        for song in page:
            if song[0] in without:
                continue
            if int((place + 1) * share) > int(place * share):
                yield song
            place += 1
