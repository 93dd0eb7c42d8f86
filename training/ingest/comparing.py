"""COMPARING: which of the stored songs are copies of others, as `duplicates.CopyFinder` tells.

Done again from its beginning after a kill: the same songs give the same copies.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import islice

from django.db import connection, transaction
from django.db.models import Q

from training.duplicates import Copy, CopyFinder
from training.ingest.hold import Hold
from training.models import Import, Song

FLAGS_AT_ONCE = 500  # rows of one transaction: about 10 ms


def flag_copies(job: Import, hold: Hold, *, near: bool) -> Counter[str]:
    """Flag every copy among the import's songs and give it its group; return how many there are of each kind.

    Songs that the language filter left out are compared with nothing. Raises: LeaseLost, Cancelled.
    """
    finder = CopyFinder(near=near)
    songs = Song.objects.filter(dataset=job.dataset_id, added_in=job.version)
    in_language = songs.filter(~Q(excluded_as=Song.Excluded.LANGUAGE) | Q(excluded_as__isnull=True))
    for page in in_language.pages("text", "text_hash", "normalised_hash"):
        for ordinal, text, text_hash, normalised_hash in page:
            finder.add(ordinal, text=text, text_hash=text_hash, normalised_hash=normalised_hash)
            hold.breathe()

    def texts_of(ordinals: Sequence[int]) -> dict[int, str]:
        hold.breathe()
        return dict(songs.filter(ordinal__in=ordinals).values_list("ordinal", "text"))

    found: Counter[str] = Counter()
    copies_found = iter(finder.copies(texts_of))
    while copies := list(islice(copies_found, FLAGS_AT_ONCE)):
        with transaction.atomic():
            hold.renew()
            _flag(job, copies)
        found.update(copy.kind for copy in copies)
    return found


def _flag(job: Import, copies: list[Copy]) -> None:
    kept = {copy.kept for copy in copies}
    songs = Song.objects.filter(dataset=job.dataset_id, added_in=job.version)
    groups = dict(songs.filter(ordinal__in=kept).values_list("ordinal", "text_hash"))
    flags = [(copy.kind, groups[copy.kept], copy.key) for copy in copies]
    flags += [(None, group, ordinal) for ordinal, group in groups.items()]
    quoted = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {quoted(Song._meta.db_table)} SET excluded_as = %s, duplicate_group = %s "  # noqa: S608
            "WHERE dataset_id = %s AND ordinal = %s AND added_in = %s",
            [(kind, group, job.dataset_id, ordinal, job.version) for kind, group, ordinal in flags],
        )
