"""One dataset made from others: what is asked for, what is gathered, what becomes of it."""

import json

import pytest

from tests.songs import make_ready_dataset
from tests.training.song_files import csv_file, imported, run_waiting_import
from training import combining
from training.errors import Invalid, LimitReached
from training.importers import ImportRefused
from training.models import Dataset, Visibility
from training.services import combining as services
from training.services import datasets as dataset_services
from training.services import songs as song_services
from training.services.combining import Source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

HEADER = ("title", "artist", "genre", "year", "lyrics")


def numbered(owner, name: str, count: int) -> Dataset:
    """Songs "name 1", "name 2" …: alternately folk and rock, from 1971 on, each with as many lines as its number."""
    rows = [
        (
            f"{name} {n}",
            f"Artist {n % 3}",
            ("Rock", "Folk")[n % 2],
            1970 + n,
            "\n".join(f"{name} {n} {line}" for line in range(n)),
        )
        for n in range(1, count + 1)
    ]
    return imported(owner, csv_file(rows, header=HEADER), name=name, options={"duplicates": False})


def gathered(dataset: Dataset) -> list[dict]:
    file = combining.gather(dataset.imports.get())
    with file.file.open("rb") as stream:
        return [json.loads(line) for line in stream]


def titles(user, *sources: Source) -> list[str]:
    dataset = services.combine_datasets(owner=user, name="Both", sources=list(sources))
    return [song["title"] for song in gathered(dataset)]


@pytest.fixture
def harbour(user):
    return numbered(user, "Harbour", 6)


@pytest.fixture
def valley(user):
    return numbered(user, "Valley", 4)


def test_a_combined_dataset_is_queued_with_its_recipe(user, harbour, valley, doorbells):
    sources = [Source(dataset=harbour, genre="folk"), Source(dataset=valley, weight=0.5)]
    dataset = services.combine_datasets(owner=user, name="Both", sources=sources, description="Water and land")

    job = dataset.imports.get()
    assert (dataset.state, dataset.description, dataset.format) == ("importing", "Water and land", "jsonl")
    assert job.file is None
    assert [source["dataset"] for source in job.recipe["sources"]] == [harbour.pk, valley.pk]
    assert doorbells[-1] == job.pk


def test_all_songs_of_all_sources_are_taken_where_nothing_else_is_said(user, harbour, valley):
    assert titles(user, Source(dataset=harbour), Source(dataset=valley)) == [
        *[f"Harbour {n}" for n in range(1, 7)],
        *[f"Valley {n}" for n in range(1, 5)],
    ]


@pytest.mark.parametrize(
    ("only", "numbers"),
    [
        ({"genre": "folk"}, [1, 3, 5]),
        ({"artist": "ARTIST 0"}, [3, 6]),
        ({"year_from": 1973}, [3, 4, 5, 6]),
        ({"year_to": 1972}, [1, 2]),
        ({"year_from": 1972, "year_to": 1972}, [2]),
        ({"minimum_lines": 5}, [5, 6]),
        ({"genre": "rock", "minimum_lines": 3}, [4, 6]),
    ],
)
def test_filters_choose_songs(user, harbour, only, numbers):
    source = Source(dataset=harbour, **only)

    assert titles(user, source) == [f"Harbour {n}" for n in numbers]
    assert services.count_songs(sources=[source]) == len(numbers)


def test_weights_are_shares_next_to_the_largest(user, harbour, valley):
    sources = [Source(dataset=harbour, weight=0.5), Source(dataset=valley, weight=1)]

    assert titles(user, *sources) == ["Harbour 2", "Harbour 4", "Harbour 6", *[f"Valley {n}" for n in range(1, 5)]]
    assert services.count_songs(sources=sources) == 7
    assert titles(user, Source(dataset=harbour, weight=0.1)) == [f"Harbour {n}" for n in range(1, 7)]


def test_no_song_is_taken_twice(user, harbour):
    assert titles(user, Source(dataset=harbour, minimum_lines=5), Source(dataset=harbour)) == [
        "Harbour 5", "Harbour 6", "Harbour 1", "Harbour 2", "Harbour 3", "Harbour 4"
    ]  # fmt: skip


def test_songs_that_are_left_out_and_later_changes_are_not_taken(user, harbour):
    song_services.change_song(song=harbour.songs.get(ordinal=1), by=user, excluded=True)
    dataset = services.combine_datasets(owner=user, name="Both", sources=[Source(dataset=harbour)])
    song_services.change_song(song=harbour.songs.get(ordinal=2), by=user, title="Changed too late")

    assert [song["title"] for song in gathered(dataset)] == [f"Harbour {n}" for n in range(2, 7)]


def test_gathering_again_gives_the_same_file(user, harbour):
    dataset = services.combine_datasets(owner=user, name="Both", sources=[Source(dataset=harbour)])
    breaths = []

    first = combining.gather(dataset.imports.get(), breathe=lambda: breaths.append(1))
    again = combining.gather(dataset.imports.get())

    assert (again.pk, dataset.files.count(), breaths) == (first.pk, 1, [1])
    twin = services.combine_datasets(owner=user, name="Twin", sources=[Source(dataset=harbour)])
    assert combining.gather(twin.imports.get()).sha256 == first.sha256


def test_a_source_that_is_gone_or_shared_no_more_ends_the_gathering(user, other_user):
    theirs = numbered(other_user, "Theirs", 2)
    Dataset.objects.filter(pk=theirs.pk).update(visibility=Visibility.SHARED)
    dataset = services.combine_datasets(owner=user, name="Both", sources=[Source(dataset=theirs)])
    Dataset.objects.filter(pk=theirs.pk).update(visibility=Visibility.PRIVATE)

    with pytest.raises(ImportRefused):
        combining.gather(dataset.imports.get())
    assert not dataset.files.exists()


def test_the_songs_of_others_are_not_taken(user, other_user, harbour):
    with pytest.raises(Invalid) as refusal:
        services.combine_datasets(owner=other_user, name="Mine?", sources=[Source(dataset=harbour)])
    assert refusal.value.errors == {"sources": ["Source 1: There is no such dataset."]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"weight": 0}, {"weight": -1}, {"weight": float("nan")}, {"weight": float("inf")}, {"weight": 1e9},
        {"weight": "1"}, {"weight": True}, {"artist": None}, {"genre": "g" * 301}, {"language": "\0"},
        {"artist": "\ud800"}, {"year_from": "1999"}, {"year_to": 10**40}, {"year_from": 10**400},
        {"minimum_lines": -1}, {"minimum_lines": 1.5},
    ],
)  # fmt: skip
def test_what_no_song_can_be_chosen_by_is_refused(user, ready_dataset, wrong):
    with pytest.raises(Invalid) as refusal:
        services.combine_datasets(owner=user, name="x", sources=[Source(dataset=ready_dataset, **wrong)])
    assert list(refusal.value.errors) == ["sources"]


def test_no_source_too_many_sources_and_no_song_are_refused(user, ready_dataset):
    source = Source(dataset=ready_dataset)
    empty = Source(dataset=Dataset.objects.create(owner=user, name="empty"))
    for sources in ([], [source] * 21, [Source(dataset=ready_dataset, year_from=1999)], [empty]):
        with pytest.raises(Invalid):
            services.combine_datasets(owner=user, name="x", sources=sources)
    with pytest.raises(Invalid) as refusal:
        services.combine_datasets(owner=user, name="x", sources=[source], options={"near_duplicates": "perhaps"})
    assert "near_duplicates" in refusal.value.errors
    for option in ("near_duplicate", "format", "mapping"):
        with pytest.raises(Invalid) as refusal:
            services.combine_datasets(owner=user, name="x", sources=[source], options={option: False})
        assert list(refusal.value.errors) == [option]
    assert Dataset.objects.filter(owner=user).count() == 2


def test_a_combined_dataset_counts_as_one_of_a_persons(user, ready_dataset, settings):
    settings.DATASETS_PER_USER = 1

    with pytest.raises(LimitReached):
        services.combine_datasets(owner=user, name="x", sources=[Source(dataset=ready_dataset)])


def test_the_same_key_gives_the_same_dataset(user, ready_dataset):
    first, again = (
        services.combine_datasets(owner=user, name="x", sources=[Source(dataset=ready_dataset)], idempotency_key="once")
        for _ in range(2)
    )
    assert first.pk == again.pk


def test_a_combined_dataset_is_imported_to_its_end_and_can_be_read_again(user, harbour):
    ready = make_ready_dataset(user)
    dataset = services.combine_datasets(
        owner=user, name="Both", sources=[Source(dataset=harbour), Source(dataset=ready)], options={"duplicates": False}
    )
    job = run_waiting_import(dataset)

    assert (job.state, dataset.state, dataset.version) == ("succeeded", "ready", 1)
    fields = ("title", "artist", "genre", "year", "language", "text", "text_hash")
    expected = [*harbour.songs.values_list(*fields), *ready.songs.values_list(*fields)]
    assert list(dataset.songs_in_use().values_list(*fields)) == expected

    dataset_services.import_again(dataset=dataset)
    run_waiting_import(dataset)
    assert (dataset.version, dataset.songs_in_use().count()) == (2, 30)
