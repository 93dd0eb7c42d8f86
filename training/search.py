"""Finding songs by words of their title, artist or text: FTS5 on SQLite, a tsvector per song on PostgreSQL.

    index_import, index_songs   rows of `Song` ──▶ the index, in short transactions
    search                      words of a person ──▶ a narrower queryset

Whatever a person types are words, never an operator: every word is quoted, all of them have to be there, and the last
one may be the beginning of a longer one.
"""

from collections.abc import Callable, Iterable

from django.db import connection, transaction
from django.db.models import Q
from django.db.models.expressions import RawSQL

from training.models import Dataset, Import, Song
from training.models.datasets import SongQuerySet
from training.search_words import without_accents, words_of, words_wanted

# A batch holds SQLite's one write lock for about 20 ms: FTS5 takes in some 13,000 songs a second. PostgreSQL has
# no such lock, and looking for a batch costs it 15 ms.
SONGS_AT_ONCE = {"sqlite": 250, "postgresql": 2000}

_INDEX_IN_SQLITE = """
INSERT INTO training_song_fts (rowid, dataset_id, title, artist, text)
SELECT id, dataset_id, title, artist, text FROM training_song
WHERE id IN ({places})
AND NOT EXISTS (SELECT 1 FROM training_song_fts_docsize known WHERE known.id = training_song.id)
"""
# Words that we part ourselves take half the time of to_tsvector's (150 us a song of 1.2 kB for 280, without the index
# itself), are the same as SQLite's, and no "end.start" becomes the name of a host.
_INDEX_IN_POSTGRESQL = """
INSERT INTO training_songwords (song_id, words)
SELECT id, array_to_tsvector(string_to_array(words, E'\\n')) FROM unnest(%s::bigint[], %s::text[]) AS song (id, words)
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
    size = SONGS_AT_ONCE[connection.vendor]
    while batch := list(songs.filter(record_number__gt=last).values_list("pk", "record_number")[:size]):
        breathe()
        _index([pk for pk, _ in batch])
        count += len(batch)
        last = batch[-1][1]
    return count


def index_songs(songs: Iterable[Song]) -> None:
    """Make these stored songs findable; in the caller's transaction, if there is one."""
    keys = [song.pk for song in songs]
    size = SONGS_AT_ONCE[connection.vendor]
    for start in range(0, len(keys), size):
        _index(keys[start : start + size])


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
    quoted = " & ".join(f"'{without_accents(word.lower())}'" for word in words)
    wanted = f"{_dataset_word(dataset_id)!r} & {quoted}:*"
    return RawSQL("SELECT song_id FROM training_songwords WHERE words @@ %s::tsquery", [wanted])


def _index(keys: list[int]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(_INDEX_IN_SQLITE.format(places=", ".join(["%s"] * len(keys))), keys)
        else:
            songs = Song.objects.filter(pk__in=keys).values_list("pk", "dataset_id", "title", "artist", "text")
            words = {pk: _words(dataset_id, *texts) for pk, dataset_id, *texts in songs}
            cursor.execute(_INDEX_IN_POSTGRESQL, [list(words), list(words.values())])


def _words(dataset_id: str, *texts: str) -> str:
    return "\n".join([_dataset_word(dataset_id), *words_of("\n".join(texts))])


def _dataset_word(dataset_id: str) -> str:
    """A word that no text gives, as it holds a space."""
    return f"in {dataset_id}"
