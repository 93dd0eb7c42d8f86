"""Songs of a dataset: find them, change them, leave them out and take them back."""

import re
import unicodedata

from django.db.models import QuerySet

from training import search
from training.duplicates import normalised_hash, text_hash
from training.errors import Invalid
from training.importers.limits import Limits
from training.language_model import lyric_text
from training.models import Dataset, DatasetVersion, Song
from training.models.datasets import SongQuerySet
from training.outline import count_words, outline
from training.services.versions import replace_songs

IN_USE, LEFT_OUT = "in_use", "left_out"
EXCLUSIONS = (IN_USE, LEFT_OUT, *Song.Excluded.values)  # what `search_songs` understands as ``excluded``
EARLIEST_YEAR, LATEST_YEAR = 1000, 2100
LONGEST_NAMES = {"title": 300, "artist": 300, "genre": 100, "language": 35}
EDITABLE = ("text", "title", "artist", "genre", "year", "language")
_NOT_IN_A_NAME = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


def search_songs(
    *,
    dataset: Dataset,
    version: int | None = None,
    words: str = "",
    genre: str = "",
    artist: str = "",
    language: str = "",
    excluded: str = "",
) -> SongQuerySet:
    """Return the songs of a version (the newest when None) in their order, narrowed by all that is given.

    Args:
        words: all of them stand in title, artist or text; the last one may be the beginning of a word.
        excluded: ``in_use``, ``left_out`` or one of `Song.Excluded`; all songs when empty.
    Raises: Invalid for an unknown ``excluded``.
    """
    number = dataset.version if version is None else version
    songs = dataset.songs.of_version(number).order_by("ordinal")
    wanted = {"genre": genre, "artist": artist, "language": language}
    songs = songs.filter(**{field: value for field, value in wanted.items() if value})
    if excluded in (IN_USE, LEFT_OUT):
        songs = songs.filter(excluded_as__isnull=excluded == IN_USE)
    elif excluded in Song.Excluded.values:
        songs = songs.filter(excluded_as=excluded)
    elif excluded:
        raise Invalid({"excluded": [f"This has to be one of {', '.join(EXCLUSIONS)}."]})
    return search.search(songs, words, dataset=dataset, version=number) if words.strip() else songs


def change_song(*, song: Song, by, excluded: bool | None = None, **fields) -> Song:
    """Change a song in the dataset's next version, and return its new row; the same row if nothing differs.

    Args:
        excluded: True leaves the song out by hand; False takes it back into use, whatever left it out.
        fields: text, title, artist, genre, year, language, each as it is to be.
    Raises: Invalid naming each field that is wrong; Conflict while an import is going on, or when the song was
        changed meanwhile.
    """
    changes = _checked(fields) | _exclusion(song, excluded)
    differing = {field: value for field, value in changes.items() if getattr(song, field) != value}
    if not differing:
        return song
    dataset = song.dataset
    made = replace_songs(
        dataset=dataset,
        choose=lambda songs: songs.filter(pk=song.pk),
        change=lambda row: _apply(row, differing),
        by=by,
        note=_note(song, differing),
    )
    return dataset.songs.of_version(made.number).get(ordinal=song.ordinal)


def change_songs(*, dataset: Dataset, songs: QuerySet, by, excluded: bool) -> DatasetVersion:
    """Leave these songs out by hand, or take them back into use, all in one next version.

    Raises: Conflict when none of them is there to change, or while an import is going on.
    """
    chosen = songs.order_by().values("pk")
    count = songs.filter(excluded_as__isnull=excluded).count()
    words = "Left out" if excluded else "Took back"
    return replace_songs(
        dataset=dataset,
        choose=lambda current: current.filter(pk__in=chosen, excluded_as__isnull=excluded),
        change=lambda row: _apply(row, {"excluded_as": Song.Excluded.PERSON if excluded else None}),
        by=by,
        note=f"{words} {count:,} {'song' if count == 1 else 'songs'}.",
    )


def _exclusion(song: Song, excluded: bool | None) -> dict:
    if excluded is None or excluded == bool(song.excluded_as):
        return {}  # a copy that is left out stays what it is when a person leaves it out too
    return {"excluded_as": Song.Excluded.PERSON if excluded else None}


def _apply(song: Song, changes: dict) -> None:
    """Write the changes onto a row, with everything that is counted from its text."""
    if "text" in changes:
        text = changes["text"]
        sections, lines = outline(text)
        song.raw_text = song.raw_text or song.text  # as it stood in the file, which no change by hand can lose
        song.sections = sections
        song.line_count, song.word_count, song.character_count = len(lines), count_words(lines), len(text)
        song.text_hash, song.normalised_hash = text_hash(text), normalised_hash(text)
    if "language" in changes:
        song.language_confidence = None  # said by a person, not detected
    for field, value in changes.items():
        setattr(song, field, value)


def _note(song: Song, changes: dict) -> str:
    name = f"“{song}”" if song.title else f"Song {song.ordinal:,}"
    said = []
    if "excluded_as" in changes:
        said.append("left out" if changes["excluded_as"] else "taken back")
    if edited := [field for field in changes if field != "excluded_as"]:
        said.append(f"{', '.join(edited)} changed")
    return f"{name}: {'; '.join(said)}."


def _checked(fields: dict) -> dict:
    """The fields as they are stored. Raises: Invalid."""
    errors, checked = {}, {}
    for field, value in fields.items():
        try:
            checked[field] = _checked_field(field, value)
        except ValueError as problem:
            errors[field] = [str(problem)]
    if errors:
        raise Invalid(errors)
    return checked


def _checked_field(field: str, value):
    if field not in EDITABLE:
        raise ValueError("A song has no such field to change.")
    if field == "year":
        return _checked_year(value)
    if not isinstance(value, str):
        raise ValueError("This has to be text.")
    if _NOT_STORABLE.search(value):
        raise ValueError("This contains characters that cannot be stored.")
    return _checked_text(value) if field == "text" else _checked_name(field, value)


def _checked_year(value) -> int | None:
    if value is None or value == "":
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not EARLIEST_YEAR <= value <= LATEST_YEAR:
        raise ValueError(f"This has to be a year from {EARLIEST_YEAR} to {LATEST_YEAR}.")
    return value


def _checked_name(field: str, value: str) -> str:
    name = unicodedata.normalize("NFC", _NOT_IN_A_NAME.sub(" ", value).strip())
    if len(name) > LONGEST_NAMES[field]:
        raise ValueError(f"Use at most {LONGEST_NAMES[field]:,} characters.")
    return name.lower() if field == "language" else name


def _checked_text(value: str) -> str:
    longest = Limits().song_characters
    if len(value) > longest:
        raise ValueError(f"A song may have at most {longest:,} characters.")
    text = lyric_text.normalise(value)
    if not count_words(outline(text).lines):
        raise ValueError("There are no words in this song.")
    return text
