"""What a version of a dataset holds, counted from its songs, and the row that makes it known."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from training.models import Dataset, DatasetVersion, Song
from training.models.datasets import SongQuerySet
from training.outline import outline
from training.statistics import MOST_NAMES_KEPT, SongStatistics, top, year_histogram

# Shapes and words are told from this many songs: all the words of a million would take minutes, and an edit of one
# song counts its version while a person waits.
SAMPLED_SONGS = 5_000
TEXTS_AT_ONCE = 250
ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """What is to be known of a version: `SongStatistics.to_dict`, and the fingerprint of its texts in their order."""

    statistics: dict
    content_hash: str


def count_version(
    dataset: Dataset, number: int, *, changed: Sequence[Song] = (), breathe: Callable[[], None] = lambda: None
) -> VersionFacts:
    """Count the songs in use of version ``number`` from their rows, in bounded memory.

    Totals are exact; of more than `SAMPLED_SONGS` songs, as many spread evenly tell the shapes.

    Args:
        changed: songs as the next version will have them, which is then what is counted.
        breathe: called every now and then; for an import, which has a lease to renew.
    """
    songs = dataset.songs.of_version(number).in_use()
    if changed:
        songs = ForeseenSongs(songs, changed)
    totals = Totals()
    for page in songs.pages(*Totals.COLUMNS, size=ROWS_AT_ONCE):
        totals.add(page)
        breathe()
    shapes = SongStatistics()
    for row in _sample(songs, totals.songs):
        text, characters, artist, genre, year, language = row
        sections, lines = outline(text)
        shapes.add(
            lines=lines,
            characters=characters,
            artist=artist,
            genre=genre,
            has_sections=any(section["name"] for section in sections),
            year=year,
            language=language,
            section_count=sum(bool(section["name"]) for section in sections),
        )
        breathe()
    exact = totals.to_dict() if totals.songs > SAMPLED_SONGS else {}
    return VersionFacts(shapes.to_dict(totals=exact), totals.content.hexdigest())


def publish_version(
    *,
    dataset: Dataset,
    number: int,
    kind: str,
    made_by=None,
    imported_by=None,
    note: str = "",
    facts: VersionFacts,
) -> DatasetVersion:
    """Make version ``number`` known and the dataset's newest, in the caller's transaction.

    Args:
        kind: one of `DatasetVersion.Kind`; ``imported_by`` is the import that made it, if one did.
        note: what changed, in a sentence.
    Raises: IntegrityError when somebody else has made a version of this number.
    """
    version = DatasetVersion.objects.create(
        dataset=dataset,
        number=number,
        kind=kind,
        made_by=made_by,
        imported_by=imported_by,
        note=note,
        content_hash=facts.content_hash,
        statistics=facts.statistics,
    )
    dataset.version, dataset.statistics, dataset.content_hash = number, facts.statistics, facts.content_hash
    dataset.save(update_fields=["version", "statistics", "content_hash", "updated_at"])
    return version


class ForeseenSongs:
    """The songs in use of a version and, in their places, some as they are going to be; none of them is stored yet."""

    def __init__(self, songs: SongQuerySet, changed: Sequence[Song]) -> None:
        self._others = songs.exclude(ordinal__in=[song.ordinal for song in changed])
        self._changed = sorted((song for song in changed if not song.excluded_as), key=lambda song: song.ordinal)

    def pages(self, *columns: str, size: int) -> Iterator[list[tuple]]:
        """As `SongQuerySet.pages`; a page may be longer by the changed songs between its own."""
        waiting = self._rows(*columns)
        for page in self._others.pages(*columns, size=size):
            last = page[-1][0]
            between = [row for row in waiting if row[0] < last]
            waiting = waiting[len(between) :]
            yield sorted([*page, *between], key=_ordinal)
        if waiting:
            yield waiting

    def at(self, ordinals: Sequence[int], *columns: str) -> list[tuple]:
        """As `SongQuerySet.at`."""
        wanted = set(ordinals)
        between = [row for row in self._rows(*columns) if row[0] in wanted]
        return sorted([*self._others.at(ordinals, *columns), *between], key=_ordinal)

    def _rows(self, *columns: str) -> list[tuple]:
        return [(song.ordinal, *(getattr(song, column) for column in columns)) for song in self._changed]


def _ordinal(row: tuple) -> int:
    return row[0]


class Totals:
    """Sums over the rows of a version; no text is needed for them."""

    COLUMNS = ("text_hash", "line_count", "word_count", "character_count", "artist", "genre", "language", "year")

    def __init__(self) -> None:
        self.songs = self.lines = self.words = self.characters = 0
        self.artists: set[str] = set()
        self.genres: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()
        self.years: Counter[int | None] = Counter()
        self.content = hashlib.sha256()

    def add(self, rows: list[tuple]) -> None:
        """Take in rows of (ordinal, *COLUMNS)."""
        _, hashes, lines, words, characters, artists, genres, languages, years = zip(*rows, strict=True)
        self.songs += len(rows)
        self.lines += sum(lines)
        self.words += sum(words)
        self.characters += sum(characters)
        self.content.update(bytes.fromhex("".join(hashes)))
        if len(self.artists) < MOST_NAMES_KEPT:
            self.artists.update(map(str.casefold, artists))
        if len(self.genres) < MOST_NAMES_KEPT:
            self.genres.update(genres)
        if len(self.languages) < MOST_NAMES_KEPT:
            self.languages.update(map(str.lower, languages))
        self.years.update(years)

    def to_dict(self) -> dict:
        """The totals under the names that `SongStatistics.to_dict` gives them."""
        years = Counter({year: count for year, count in self.years.items() if year is not None})
        return {
            "songs": self.songs,
            "lines": self.lines,
            "words": self.words,
            "characters": self.characters,
            "artists": len(self.artists - {""}),
            "genres": len(self.genres.keys() - {""}),
            "top_genres": top(self.genres),
            "languages": top(self.languages),
            "first_year": min(years, default=None),
            "last_year": max(years, default=None),
            "years": year_histogram(years),
        }


def _sample(songs: SongQuerySet | ForeseenSongs, total: int) -> Iterator[tuple]:
    """At most `SAMPLED_SONGS` songs at even distances, a few at a time."""
    step = max(1, -(-total // SAMPLED_SONGS))
    chosen: list[int] = []
    place = 0
    for page in songs.pages(size=ROWS_AT_ONCE):
        chosen += [ordinal for (ordinal,) in page[-place % step :: step]]
        place += len(page)
    columns = ("text", "character_count", "artist", "genre", "year", "language")
    for start in range(0, len(chosen), TEXTS_AT_ONCE):
        for _, *row in songs.at(chosen[start : start + TEXTS_AT_ONCE], *columns):
            yield tuple(row)
