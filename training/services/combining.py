"""One dataset made from others, by filter and weight."""

import math
from dataclasses import dataclass
from numbers import Real

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from training import combining, importers, lifecycle, tasks
from training.errors import Invalid
from training.exports import SONG_COLUMNS
from training.importers.cleaning import SWITCHES
from training.models import Dataset
from training.services import quota
from training.services.datasets import check_quota, checked_key, checked_texts, made_with

MOST_SOURCES = 20
LARGEST_WEIGHT = 1000.0
LONGEST_WORDS = 300
LARGEST_NUMBER = 1_000_000
# What can be said about songs that are read from no file of their own.
COMBINE_OPTIONS = ("cleaning", "language", "detect_language", "duplicates", "near_duplicates", "full_text")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Which songs of a dataset's newest version a combined one takes: those in use that pass every filter.

    Attributes:
        weight: what share of them, next to the largest weight of all sources: with 1 and 0.5, all of the one
            and every second song of the other. No song is taken twice.
        artist, genre, language: upper and lower case don't matter; any when empty.
        year_from, year_to: both included; a song without a year passes only where neither is given.
        minimum_lines: how many lyric lines a song has at least.
    """

    dataset: Dataset
    weight: float = 1.0
    artist: str = ""
    genre: str = ""
    language: str = ""
    year_from: int | None = None
    year_to: int | None = None
    minimum_lines: int = 0


def combine_datasets(
    *,
    owner,
    name: str,
    sources: list[Source],
    description: str = "",
    options: dict | None = None,
    idempotency_key: str | None = None,
) -> Dataset:
    """Queue the making of a new dataset from the songs of others, as they are now; it is in state importing.

    Args:
        options: how the songs are imported: `COMBINE_OPTIONS`. Unless it says otherwise they keep their language, and
            are not cleaned once more.
    Raises: Invalid naming each field that is wrong, LimitReached.
    """
    texts = checked_texts(name=name, description=description)
    key = checked_key(idempotency_key)
    if existing := made_with(owner, key):
        return existing
    check_quota(owner)
    recipe = {"sources": _checked_sources(sources, owner)}
    reading = _reading(options or {})
    mapping = reading.pop("mapping")
    dataset = Dataset(owner=owner, idempotency_key=key, format="jsonl", encoding="utf-8", **texts)
    dataset.mapping, dataset.options, dataset.report = mapping, reading, {"warnings": []}
    try:
        with transaction.atomic():
            # Two requests at once may both have found room; the one that comes second here does not any more.
            get_user_model().objects.select_for_update().get(pk=owner.pk)
            check_quota(owner)
            quota.check_room(owner, 0)  # how large its file will be, nobody knows before it is gathered
            dataset.save(force_insert=True)
            job = lifecycle.queue_import(dataset=dataset, file=None, mapping=mapping, options=reading, recipe=recipe)
            tasks.ring_for_import(job.pk)
    except IntegrityError:
        if existing := made_with(owner, key):
            return existing  # the same request arrived twice at once
        raise
    dataset.refresh_from_db()
    return dataset


def count_songs(*, sources: list[Source]) -> int:
    """How many songs the sources give as they are now, those that two of them name counted twice."""
    largest = max((source.weight for source in sources), default=1.0)
    return sum(
        int(
            combining.filtered(source.dataset.songs_in_use(), _in_recipe(source, source.dataset)).count()
            * source.weight
            / largest
        )
        for source in sources
    )


def _reading(options: dict) -> dict:
    """The options under which the gathered file is read, its columns among them. Raises: Invalid."""
    if unknown := options.keys() - set(COMBINE_OPTIONS):
        refusal = f"There is no such option here, but {', '.join(COMBINE_OPTIONS)}."
        raise Invalid({str(name)[: importers.SHOWN_CHARACTERS]: [refusal] for name in unknown})
    mapping = {role: role for role in SONG_COLUMNS if role in importers.ROLES}
    usual = {"detect_language": False, "cleaning": dict.fromkeys(SWITCHES, False)}
    given = {"format": "jsonl", "encoding": "utf-8", "mapping": mapping}
    try:
        return importers.ImportOptions.from_dict({**usual, **options, **given}).to_dict()
    except importers.InvalidOptions as refusal:
        raise Invalid(refusal.errors) from None


def _checked_sources(sources: list[Source], owner) -> list[dict]:
    """The sources as a recipe keeps them, each with the version it takes from. Raises: Invalid."""
    if not 1 <= len(sources) <= MOST_SOURCES:
        raise Invalid({"sources": [f"Choose from 1 to {MOST_SOURCES} datasets."]})
    keys = [source.dataset.pk for source in sources]
    readable = {dataset.pk: dataset for dataset in Dataset.objects.visible_to(owner).filter(pk__in=keys)}
    problems = [
        f"Source {place}: {problem}"
        for place, source in enumerate(sources, start=1)
        for problem in _problems(source, readable.get(source.dataset.pk))
    ]
    if problems:
        raise Invalid({"sources": problems})
    recipe = [_in_recipe(source, readable[source.dataset.pk]) for source in sources]
    if not any(
        combining.filtered(readable[source["dataset"]].songs_in_use(source["version"]), source).exists()
        for source in recipe
    ):
        raise Invalid({"sources": ["None of these datasets has a song that you ask for."]})
    return recipe


def _problems(source: Source, dataset: Dataset | None) -> list[str]:
    """Everything that is wrong with a source, a sentence each."""
    if dataset is None:
        return ["There is no such dataset."]
    found = [] if dataset.version else [f"“{dataset.name}” has no songs yet."]
    if not _is_number(source.weight, Real) or not 0 < source.weight <= LARGEST_WEIGHT:
        found.append(f"The weight has to be above 0 and at most {LARGEST_WEIGHT:,.0f}.")
    for words in (source.artist, source.genre, source.language):
        if not isinstance(words, str) or len(words) > LONGEST_WORDS or not _is_storable(words):
            found.append(f"Artist, genre and language are at most {LONGEST_WORDS} letters each.")
            break
    numbers = [number for number in (source.year_from, source.year_to, source.minimum_lines) if number is not None]
    if not all(_is_number(number, int) and 0 <= number <= LARGEST_NUMBER for number in numbers):
        found.append("Years and lines are whole numbers, from 0 on.")
    return found


def _in_recipe(source: Source, dataset: Dataset) -> dict:
    return {
        "dataset": dataset.pk,
        "version": dataset.version,
        "weight": float(source.weight),
        "artist": source.artist.strip(),
        "genre": source.genre.strip(),
        "language": source.language.strip(),
        "year_from": source.year_from,
        "year_to": source.year_to,
        "minimum_lines": source.minimum_lines,
    }


def _is_number(value, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and (isinstance(value, int) or math.isfinite(value))


def _is_storable(text: str) -> bool:
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text)
