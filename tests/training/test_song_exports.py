"""Songs that leave the house: streamed, safe to open in a spreadsheet, and the same when they come back."""

import asyncio
import csv
import io
import json

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIRequest
from django.test import RequestFactory
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.questions import questions
from tests.songs import make_ready_dataset
from training import exports
from training.importers import ImportOptions, ParsedSong, inspect, iterate_records
from training.language_model import lyric_text
from training.models import Dataset, Song

pytestmark = pytest.mark.django_db

FIELDS = ("title", "artist", "genre", "year", "language", "text")
FORMULAS = ["=1+1", "'=1", "''=1", "+1", "-1", "@sum", "-", "'", "'-x", "−1"]


def songs_of(user, rows: list[dict]):
    dataset = Dataset.objects.create(owner=user, name="x", state="ready", version=1)
    Song.objects.bulk_create(
        Song(dataset=dataset, ordinal=ordinal, added_in=1, text_hash="0" * 32, **row)
        for ordinal, row in enumerate(rows, start=1)
    )
    return dataset.songs.of_version(1)


def read_back(content: bytes, name: str) -> list[tuple]:
    """The songs as an import of the file would store them, by its own reading."""
    found = inspect(io.BytesIO(content), filename=name, options=ImportOptions())
    assert found.mapping == {role: role for role in ("lyrics", *FIELDS[:-1])}
    records = list(iterate_records(io.BytesIO(content), found.options, filename=name))
    assert all(isinstance(record, ParsedSong) for record in records), records
    return [
        (record.title, record.artist, record.genre, record.year, record.language, lyric_text.normalise(record.text))
        for record in records
    ]


def as_stored(value: str) -> str:
    return " ".join(lyric_text.normalise(value).replace("\t", " ").split())


def is_a_name(value: str) -> bool:
    return value.lower() not in ("na", "n/a", "nan", "null", "none")


names = st.one_of(st.sampled_from(FORMULAS), st.text(max_size=20)).map(as_stored).filter(is_a_name)
texts = st.lists(
    st.one_of(st.sampled_from([*FORMULAS, '"', "a,b;c|d\te", "[Verse 1]", "\u2028", "\x85"]), st.text(max_size=30)),
    max_size=6,
).map(lambda lines: lyric_text.normalise("\n".join([*lines, "and a word"])))
some_songs = st.lists(
    st.fixed_dictionaries(
        {
            "title": names,
            "artist": names,
            "genre": names,
            "year": st.none() | st.integers(1000, 2100),
            "language": st.sampled_from(["", "en", "de", "pt-br"]),
            "text": texts,
        }
    ),
    min_size=1,
    max_size=5,
)
a_formula = [dict.fromkeys(FIELDS, "'=1+1") | {"year": 1999, "language": "en", "text": "=a line\n-another"}]


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=some_songs)
@example(rows=a_formula)
@example(rows=[{**a_formula[0], "text": "'\n=a line under an apostrophe"}])
def test_songs_come_back_as_they_were(user, kind, rows):
    songs = songs_of(user, rows)
    content = b"".join(exports.SONG_FORMATS[kind][0](songs))

    assert read_back(content, f"songs.{kind}") == [tuple(row[field] for field in FIELDS) for row in rows]


@given(text=st.one_of(st.sampled_from(FORMULAS), st.text("'=+-@ax \t\r\n\0", max_size=8)))
def test_no_cell_begins_with_what_a_spreadsheet_runs_nor_with_blanks_before_that(text):
    cell = exports.neutral_cell(text)

    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\0"))
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))


def test_a_table_has_our_header_and_neutral_cells(user):
    songs = songs_of(user, [{"title": "=1+1", "artist": "'@x", "text": "-a\nb", "year": 1999}])

    header, row = csv.reader(io.StringIO(b"".join(exports.songs_csv(songs)).decode(), newline=""))

    assert header == ["ordinal", "title", "artist", "genre", "year", "language", "lyrics"]
    assert row == ["1", "'=1+1", "''@x", "", "1999", "", "'-a\nb"]


def test_a_json_line_has_the_same_keys(user):
    songs = songs_of(user, [{"title": "é", "text": "a\nb"}])

    (line,) = b"".join(exports.songs_jsonl(songs)).decode().splitlines()

    assert json.loads(line) == {
        "ordinal": 1, "title": "é", "artist": "", "genre": "", "year": None, "language": "", "lyrics": "a\nb"
    }  # fmt: skip
    assert "é" in line


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_many_songs_take_few_questions_and_little_memory_and_the_first_comes_at_once(user, kind):
    rows = [{"title": f"t{number}", "text": "la " * 333} for number in range(3_000)]
    songs = songs_of(user, rows)

    with questions() as asked:
        pieces = list(exports.SONG_FORMATS[kind][0](songs))

    assert len(asked) <= 3
    assert len(pieces[kind == "csv"]) < 2 * exports.FIRST_PIECE_BYTES
    assert b"".join(pieces).count(b"\n") == 3_000 + (kind == "csv")
    assert max(map(len, pieces)) <= exports.LARGEST_PIECE_BYTES


def test_a_piece_ends_where_it_is_large_enough(user, monkeypatch):
    monkeypatch.setattr(exports, "FIRST_PIECE_BYTES", 100)
    monkeypatch.setattr(exports, "LARGEST_PIECE_BYTES", 1_000)
    songs = songs_of(user, [{"title": f"t{number}", "text": "la " * 100} for number in range(50)])

    sizes = [len(piece) for piece in exports.songs_jsonl(songs)]

    assert max(sizes) < 1_500
    assert b"".join(exports.songs_jsonl(songs)).count(b"\n") == 50


def test_an_answer_is_sent_while_it_is_made_and_names_the_file(user):
    songs = make_ready_dataset(user).songs_in_use()
    answer = exports.songs_download(RequestFactory().get("/"), songs, kind="csv", name='a"\r\nb 🎵')

    assert answer.streaming
    assert not answer.is_async
    assert answer["Content-Disposition"] == 'attachment; filename="a-b.csv"'
    assert (answer["Content-Type"], answer["Content-Security-Policy"]) == ("text/csv; charset=utf-8", "sandbox")
    assert answer.getvalue().count(b"Nobody") == 24


@pytest.mark.django_db(transaction=True)
def test_under_asgi_the_loop_is_free_while_a_piece_is_made(user):
    songs = make_ready_dataset(user).songs_in_use()
    request = ASGIRequest({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}, None)
    answer = exports.songs_download(request, songs, kind="jsonl", name="x")
    assert answer.is_async

    async def content() -> bytes:
        others = asyncio.ensure_future(asyncio.sleep(0))
        pieces = [piece async for piece in answer]
        assert others.done()
        return b"".join(pieces)

    assert async_to_sync(content)().count(b"\n") == 24
