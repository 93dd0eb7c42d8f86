"""Finding songs by words of their title, artist or text: FTS5 on SQLite, a tsvector per song on PostgreSQL.

    index_import, index_songs   rows of `Song` ──▶ the index, in short transactions
    search                      words of a person ──▶ a narrower queryset

Whatever a person types are words, never an operator: every word is quoted, all of them have to be there, and the last
one may be the beginning of a longer one. SQLite also finds "café" for "cafe"; PostgreSQL's ``simple`` does not.
"""

import re
from collections.abc import Callable, Iterable

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.expressions import RawSQL

from training.models import Dataset, Import, Song
from training.models.datasets import SongQuerySet

# A batch holds SQLite's one write lock for about 20 ms: FTS5 takes in some 13,000 songs a second.
SONGS_AT_ONCE = 250
MOST_WORDS = 20
LONGEST_WORD = 100

# A word is what stands between spaces and punctuation. Of ASCII it holds letters and digits alone, so that nothing
# a person types can close a quote or be an operator.
_WORD = re.compile(r"[^\s\x00-/:-@\[-`{-\xbf\u2000-\u206f\u3000-\u303f\ud800-\udfff]+")
# PostgreSQL's parser takes "end.start" for the name of a host and "and/or" for a file: these signs only part words.
_PARTING = "'’.,;:!?/\\@_-+&=#%~<>"

_INDEX_IN_SQLITE = """
INSERT INTO training_song_fts (rowid, dataset_id, title, artist, text)
SELECT id, dataset_id, title, artist, text FROM training_song
WHERE id IN ({places})
AND NOT EXISTS (SELECT 1 FROM training_song_fts_docsize known WHERE known.id = training_song.id)
"""
# Without positions, which nobody asks for. The dataset is a word that no text gives, as it holds a space.
_INDEX_IN_POSTGRESQL = """
INSERT INTO training_songwords (song_id, words)
SELECT id, array_to_tsvector(ARRAY['in ' || dataset_id]) || strip(to_tsvector('simple',
    translate(title || ' ' || artist || ' ' || text, %s, %s)))
FROM training_song
WHERE id = ANY(%s)
AND NOT EXISTS (SELECT 1 FROM training_songwords known WHERE known.song_id = training_song.id)
ON CONFLICT DO NOTHING
"""


def index_import(job: Import, *, breathe: Callable[[], None] = lambda: None) -> int:
    """Make the songs that ``job`` wrote findable, and return how many it has.

    May be done again after it was killed: songs that are in the index stay as they are.

    Args:
        breathe: called between two short transactions, by a worker that has a lease to renew.
    """
    songs = Song.objects.filter(imported_by=job).order_by("record_number")
    count = last = 0
    while batch := list(songs.filter(record_number__gt=last).values_list("pk", "record_number")[:SONGS_AT_ONCE]):
        breathe()
        _index([pk for pk, _ in batch])
        count += len(batch)
        last = batch[-1][1]
    return count


def index_songs(songs: Iterable[Song]) -> None:
    """Make these stored songs findable; in the caller's transaction, if there is one."""
    keys = [song.pk for song in songs]
    for start in range(0, len(keys), SONGS_AT_ONCE):
        _index(keys[start : start + SONGS_AT_ONCE])


def search(songs: SongQuerySet, words: str, *, dataset: Dataset, version: int) -> SongQuerySet:
    """Return those of a version's ``songs`` that hold all of ``words``, of which the last may be a beginning.

    Without a letter or digit in ``words`` no song is found. Where the import made no index, the letters are looked for
    in each song, which takes a second for some ten thousand of them.
    """
    wanted = words_wanted(words)
    if not wanted:
        return songs.none()
    if not is_indexed(dataset, version):
        return songs.filter(*(_holds(word) for word in wanted))
    return songs.filter(pk__in=_found(dataset.pk, wanted))


def words_wanted(words: str) -> list[str]:
    """The words that somebody looks for, out of whatever was typed: at most `MOST_WORDS`."""
    found = (word[:LONGEST_WORD] for word in _WORD.findall(words))
    return [word for word in found if any(map(str.isalnum, word))][:MOST_WORDS]


def is_indexed(dataset: Dataset, version: int) -> bool:
    """Whether the import whose songs ``version`` has was told to make them findable; songs changed since then are."""
    imports = dataset.imports.filter(state=Import.State.SUCCEEDED, version__lte=version).order_by("-version")
    return bool(imports.values_list("options__full_text", flat=True).first())


def _holds(word: str) -> Q:
    return Q(title__icontains=word) | Q(artist__icontains=word) | Q(text__icontains=word)


def _found(dataset_id: str, words: list[str]) -> RawSQL:
    """The keys of the songs of a dataset that hold the words, as a subquery."""
    if connection.vendor == "sqlite":
        quoted = " AND ".join(f'"{word}"' for word in words)
        wanted = f'dataset_id : "{dataset_id}" AND {{title artist text}} : ({quoted} *)'
        return RawSQL("SELECT rowid FROM training_song_fts WHERE training_song_fts MATCH %s", [wanted])
    quoted = " & ".join(f"'{word}'" for word in words)
    statement = "SELECT song_id FROM training_songwords WHERE words @@ (%s::tsquery && to_tsquery('simple', %s))"
    return RawSQL(statement, [f"'in {dataset_id}'", f"{quoted}:*"])  # noqa: S611


def _index(keys: list[int]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(_INDEX_IN_SQLITE.format(places=", ".join(["%s"] * len(keys))), keys)
        else:
            cursor.execute(_INDEX_IN_POSTGRESQL, [_PARTING, " " * len(_PARTING), keys])
