"""COUNTING: the older version's end, and which languages are in use; the rest is `versions.count_version`."""

from django.db import transaction
from django.db.models import Count

from training.ingest.counts import Counts
from training.ingest.hold import Hold
from training.models import Import, Song

SONGS_AT_ONCE = 2000


def close_older_version(job: Import, hold: Hold) -> None:
    """Say of every song of the version before that the import's version has it no more, a few at a time.

    Until that version is published this changes nothing: a song is valid to *before* ``removed_in``.
    """
    older = Song.objects.of_version(job.version).filter(dataset=job.dataset_id, added_in__lt=job.version)
    for page in older.pages(size=SONGS_AT_ONCE):
        with transaction.atomic():
            hold.renew()
            first, last = page[0][0], page[-1][0]
            older.filter(ordinal__range=(first, last)).update(removed_in=job.version)


def count_languages(job: Import, counts: Counts) -> None:
    """Count the languages of the songs in use, where copies or a filter left any of the stored ones out."""
    if counts.accepted == counts.stored:
        return
    in_use = Song.objects.filter(dataset=job.dataset_id, added_in=job.version).in_use()
    found = in_use.order_by().values_list("language").annotate(songs=Count("pk")).order_by("-songs", "language")
    counts.languages.clear()
    for language, songs in found.iterator():
        counts.add_language(language, songs)
