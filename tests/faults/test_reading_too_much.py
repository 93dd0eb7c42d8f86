"""Patterns, pages and searches of any size: answered or refused, and never dear."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generator.models import Lyric
from tests.faults.operations import operations, reading_operations
from training.models import Checkpoint, Dataset, Rejection, TrainingRun

pytestmark = pytest.mark.django_db

LARGEST_PAGE = 100


def pages_of(world: dict[str, str]) -> list[str]:
    """The pages that take something from their address's query."""
    dataset, run = world["datasets"], world["runs"]
    return [
        *("/datasets/", "/runs/", "/models/", "/races/", "/lyrics/", "/write/", "/write/side-by-side/"),
        *(f"/datasets/{dataset}/{part}/" for part in ("songs", "duplicates", "versions", "versions/compare", "train")),
        *("/runs/compare/", f"/runs/{run}/", f"/races/{world['races']}/", "/datasets/combine/"),
    ]


PAGE_PARAMETERS = ("q", "search", "page", "from", "after", "state", "artist", "genre", "run", "like", "model", "loss")


# ── F98: patterns ────────────────────────────────────────────────────────────────────────────────────────────────

BACKTRACKING = "^(a+)+$"


@pytest.mark.parametrize("operation", reading_operations(), ids=lambda operation: operation.path)
def test_no_parameter_of_the_api_is_a_pattern(api, world, operation):
    """F98: no value reaches the database as a regular expression, and no field has a lookup for one."""
    lookups = ["name__regex", "name__iregex", "text__regex", "owner__username__regex", "title__iregex"]
    with CaptureQueriesContext(connection) as asked:
        for name in [*operation.parameters, *lookups]:
            answer = api.get(operation.address(world), {name: BACKTRACKING})
            assert answer.status_code in (200, 400, 404), (name, answer.status_code)
    assert not [query["sql"] for query in asked if is_pattern_query(query["sql"])]


def test_no_parameter_of_a_page_is_a_pattern(signed_in, world):
    """F98: nor has a page one."""
    with CaptureQueriesContext(connection) as asked:
        for page in pages_of(world):
            answer = signed_in.get(page, dict.fromkeys(PAGE_PARAMETERS, BACKTRACKING))
            assert answer.status_code in (200, 400, 404), (page, answer.status_code)
    assert not [query["sql"] for query in asked if is_pattern_query(query["sql"])]


def is_pattern_query(sql: str) -> bool:
    return any(operator in sql for operator in (" REGEXP ", " ~ ", " ~* ", "regexp_match", "SIMILAR TO"))


# ── F99: pages ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def crowded(user, world) -> dict[str, str]:
    """More of everything than a page may hold."""
    many = range(LARGEST_PAGE + 5)
    dataset = Dataset.objects.get(pk=world["datasets"])
    run = TrainingRun.objects.get(pk=world["runs"])
    Dataset.objects.bulk_create(Dataset(owner=user, name=f"d{number}") for number in many)
    Lyric.objects.bulk_create(Lyric(owner=user, text=f"line {number}") for number in many)
    song = dataset.songs.first()
    for number in many:
        song.pk, song.ordinal = None, 1000 + number
        song.save(force_insert=True)
    TrainingRun.objects.bulk_create(copy_of(run, id=f"run{number}", state="cancelled") for number in many)
    model = Checkpoint.objects.get(pk=world["models"])
    Checkpoint.objects.bulk_create(
        copy_of(model, id=f"model{number}", run_id=None, folder=f"models/{number}") for number in many
    )
    job = dataset.imports.create(version=1, state="succeeded", mapping={}, options={}, bytes_total=0)
    Rejection.objects.bulk_create(
        Rejection(imported_by=job, record_number=number, line=number, reason="empty") for number in many
    )
    return world


def copy_of(row, **changes):
    columns = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return type(row)(**(columns | changes))


@pytest.mark.parametrize("operation", reading_operations("page_size"), ids=lambda operation: operation.path)
def test_no_page_is_longer_than_the_longest(api, crowded, operation):
    """F99: whatever page size is asked for, at most a hundred rows come."""
    for size in ("1000000000", "9" * 400, "-1", "0", "1e9", "²", "a\0b"):
        answer = api.get(operation.address(crowded), {"page_size": size})
        assert answer.status_code in (200, 400), (size, answer.status_code)
        if answer.status_code == 200:
            assert len(answer.json()["results"]) <= LARGEST_PAGE


@pytest.mark.parametrize("operation", reading_operations("page"), ids=lambda operation: operation.path)
def test_a_page_that_is_not_there_is_not_found(api, world, operation):
    """F99: a page number beyond the last, or none at all."""
    for page in ("1000000000000", "9" * 400, "0", "-1", "x", "1e12", "a\0b"):
        assert api.get(operation.address(world), {"page": page}).status_code == 404, page


@pytest.mark.parametrize(
    "cursor",
    ["junk", "cD0x", "cj0xJnA9bm90LWEtZGF0ZQ==", "bz05OTk5OTk5OTk5OTk5OTk5OTk5", "%00", "=" * 9000, "cD0lMDA="],
)
def test_a_cursor_that_nobody_gave_is_no_server_error(api, world, cursor):
    """F99: a cursor may hold anything at all."""
    assert api.get("/api/v1/lyrics/", {"cursor": cursor}).status_code in (200, 400, 404)


def test_no_page_of_the_site_falls_over_its_numbers(signed_in, world):
    """F99: pages show their first or last page instead."""
    for page in pages_of(world):
        for number in ("1000000000000", "9" * 5000, "-1", "²"):
            answer = signed_in.get(page, {"page": number, "from": number, "after": number, "page_size": number})
            assert answer.status_code in (200, 400, 404), (page, number[:9])


# ── F100: searches ───────────────────────────────────────────────────────────────────────────────────────────────

SEARCHES = {
    "100 kB": "a" * 100_000,
    "wildcards": "%_%_",
    "a thousand words": " ".join(f"w{number}" for number in range(1000)),
    "a thousand wildcards": " ".join(["%_%"] * 1000),
    "a thousand commas": "a," * 1000,
    "quotes": "\"'` \" ' OR 1=1 -- */ NEAR( * ^ :",
}


@pytest.mark.parametrize("search", SEARCHES)
def test_a_search_of_any_length_is_answered(api, world, search):
    """F100: by every list, without a server error, and without a condition for each of a thousand words."""
    for operation in reading_operations("search"):
        with CaptureQueriesContext(connection) as asked:
            answer = api.get(operation.address(world), {"search": SEARCHES[search]})
        assert answer.status_code in (200, 400), operation.path
        assert max(query["sql"].count(" LIKE ") for query in asked) < 100
        if search == "wildcards":
            found = answer.getvalue() if operation.path.endswith("/export/") else answer.json()["results"]
            assert not found, operation.path


@pytest.mark.parametrize("search", SEARCHES)
def test_a_search_on_a_page_is_answered(signed_in, world, search):
    """F100: the pages too."""
    for page in pages_of(world):
        answer = signed_in.get(page, {"q": SEARCHES[search], "search": SEARCHES[search]})
        assert answer.status_code in (200, 400, 404), page


def test_every_operation_was_looked_at():
    """F98, F99, F100: the lists above come from the schema; one that lost its operations would prove nothing."""
    assert len(operations()) > 40
    assert len(reading_operations("page")) >= 8
    assert len(reading_operations("search")) >= 6
