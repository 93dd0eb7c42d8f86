"""Files that are not what their names say, and records without an end, without sense or of strange letters."""

import gzip
import json

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.faults.bombs import MEGABYTE, measured
from tests.faults.operations import make_world
from tests.faults.uploading import upload
from tests.training.importers.test_memory import MadeFile
from tests.training.song_files import VERSES, csv_file, imported, run_waiting_import
from training.importers import ParsedSong, iterate_records
from training.models import Dataset

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

# ── F65: kinds of files ──────────────────────────────────────────────────────────────────────────────────────────

NO_SONGS = {
    "a web page": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "a drawing": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(200),
    "a program": b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff" + bytes(100),
    "a script in a drawing in XML": b"<?xml version='1.0'?><svg onload='alert(1)'></svg>",
}


@pytest.mark.parametrize("name", ["songs.csv", "songs.txt", "songs.zip", "songs.jsonl", "song.html"])
@pytest.mark.parametrize("kind", NO_SONGS)
def test_a_file_of_another_kind_is_refused_whatever_it_is_called(api, disk, kind, name):
    """F65: the content decides."""
    answer = upload(api, NO_SONGS[kind], name)
    assert (answer.status_code, list(answer.json())) == (400, ["file"])
    assert disk.is_clean()


def test_an_uploaded_file_is_served_under_no_address(api, signed_in, settings):
    """F65: what was stored is read by the importer alone; a page in a song stays words."""
    upload(api, b'title,lyrics\n<b>x</b>,"<script>alert(1)</script>\nla la"\n', "songs.csv")
    dataset = Dataset.objects.get()
    run_waiting_import(dataset)
    stored = dataset.files.get().file.name
    for address in (f"/media/{stored}", f"/{stored}", f"/static/{stored}", f"/static/../{stored}"):
        assert signed_in.get(address).status_code == 404
    page = signed_in.get(f"/datasets/{dataset.pk}/songs/{dataset.songs.get().pk}/").content
    assert b"<script>alert" not in page
    assert b"<b>x</b>" not in page


def test_a_gzip_file_called_csv_is_read_as_what_it_holds(api):
    """F65: the one disguise that people use."""
    assert upload(api, gzip.compress(csv_file().read()), "songs.csv").status_code == 202
    dataset = Dataset.objects.get()
    run_waiting_import(dataset)
    assert dataset.songs.count() == len(VERSES)


# ── F66, F68, F69: endless and broken records ────────────────────────────────────────────────────────────────────

GOOD_ROW = b'Fine,"la la\nla"\n'
ENDLESS = {
    "200 MB in one line of a table": lambda: MadeFile(
        b"title,lyrics\n" + GOOD_ROW, b"x" * 8192, 25_600, b"\n" + GOOD_ROW
    ),
    "100 MB in one line of JSON": lambda: MadeFile(
        b'{"lyrics": "la la"}\n{"lyrics": "', b"la " * 4096, 8_192, b'"}\n{"lyrics": "la la"}\n'
    ),
    "50 MB in one song of a text": lambda: MadeFile(b"la la\n---\n", b"la " * 341 + b"\n", 51_200, b"---\nla la"),
}


@pytest.mark.parametrize("case", ENDLESS)
def test_an_endless_record_is_one_error_in_bounded_memory(case):
    """F66, F68, F69: and those beside it are read."""
    stream = ENDLESS[case]()
    with measured() as peak:
        items = list(iterate_records(stream))
    assert [isinstance(item, ParsedSong) for item in items] == [True, False, True]
    assert items[1].reason == "oversized"
    assert peak.bytes < 64 * MEGABYTE


@pytest.mark.parametrize("songs", [50_000, pytest.param(1_000_000, marks=pytest.mark.fault)])
def test_songs_of_one_line_are_read_one_by_one(songs):
    """F69: a text of a million songs."""
    stream = MadeFile(b"", b"la la la\n---\n" * 1000, songs // 1000, b"")
    with measured() as peak:
        count = sum(isinstance(item, ParsedSong) for item in iterate_records(stream))
    assert count == songs
    assert peak.bytes < 64 * MEGABYTE


DEEP = '{"lyrics": ' + "[" * 100_000 + "]" * 100_000 + "}"
POISON = {
    "nested too deeply": "[" * 100_000,
    "a number of five thousand digits": "9" * 5000,
    "a number beyond every other": "1e999",
    "no number": "NaN",
    "half a character": '"\\ud800"',
    "NUL": '"a\\u0000b"',
    "a list": '["a", ["b"]]',
    "an object": '{"a": {"b": 1}, "a": 2}',
    "null": "null",
}


def fields_with_bodies() -> list:
    """Method, path and fields of every operation that takes JSON."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    found = []
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body:
                name = body["schema"].get("$ref", "").rpartition("/")[2]
                fields = schema["components"]["schemas"].get(name, {}).get("properties", {})
                found.append(pytest.param(method, path, list(fields), id=f"{method} {path}"))
    return found


@pytest.mark.parametrize(("method", "path", "fields"), fields_with_bodies())
def test_no_json_in_any_field_of_any_operation_is_a_server_error(user, api, method, path, fields):
    """F68: the bodies that break parsers and databases, at every field and as the whole."""
    noun = path.removeprefix("/api/v1/").split("/", 1)[0]
    world = make_world(user)
    address = path.format(id=world.get(noun, "nothing"), **world)
    for kind, value in POISON.items():
        for body in (value, *(f'{{"{field}": {value}}}' for field in fields)):
            answer = api.generic(method.upper(), address, body, content_type="application/json")
            assert answer.status_code < 500, (kind, body[:60])
            if body == value and kind != "an object":
                assert answer.status_code in (400, 404, 429), (kind, answer.status_code)


@pytest.mark.parametrize("name", ["songs.jsonl", "songs.json"])
def test_the_same_bodies_in_a_file_are_rows_that_are_left_out(api, name):
    """F68: each is one error or one song without that value, and the rest is imported."""
    good = '{"title": "Fine", "lyrics": "la la\\nla la la"}'
    bad = [f'{{"title": {value}, "lyrics": "li li {number}\\nli"}}' for number, value in enumerate(POISON.values())]
    lines = [good, *bad, good.replace("la", "lo"), '{"lyrics": "a", "lyrics": "lu lu\\nlu"}']
    answer = upload(api, "\n".join(lines).encode(), name, options=json.dumps({"near_duplicates": False}))
    assert answer.status_code == 202, answer.content
    dataset = Dataset.objects.get()
    run_waiting_import(dataset)
    texts = [song.text for song in dataset.songs_in_use()]
    assert {"la la\nla la la", "lo lo\nlo lo lo", "lu lu\nlu"} <= set(texts)
    assert dataset.report["records"] == len(lines)


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"title,lyrics\n", "a.csv", "No song was found"),
        (b"", "a.csv", "empty"),
        (b"\n\n \n", "a.txt", "white space"),
        (b"[]", "a.json", ""),
        (b"---\n---\n", "a.txt", ""),
        (b"\xef\xbb\xbf", "a.txt", "white space"),
        (b"lyrics,lyrics\n", "a.csv", "No song was found"),
        (b",,\n,,\n", "a.csv", ""),
    ],
)
def test_a_file_without_a_song_ends_with_a_sentence(api, content, name, words):
    """F66, F69: a header alone, nothing, white space."""
    answer = upload(api, content, name)
    if answer.status_code == 400:
        assert words in answer.json()["file"][0]
        return
    dataset = Dataset.objects.get()
    assert answer.json()["state"] in ("importing", "needs_mapping")
    if answer.json()["state"] == "importing":
        run_waiting_import(dataset)
        assert (dataset.state, bool(dataset.error)) == (Dataset.State.FAILED, True)


# ── F70: letters ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_strange_letters_are_stored_composed_shown_apart_and_their_twins_counted(signed_in, user):
    """F70: overrides of direction, joiners, stacked accents, and the same words composed and decomposed."""
    rows = [
        ("\u202eevil", "Zero\u200bwidth", "", "caf\u00e9 on the quay\nla\u0300 la"),
        ("Twin", "", "", "cafe\u0301 on the quay\nl\u00e0 la"),
        ("Z\u0335\u0336\u0337\u0338a\u0300\u0301\u0302\u0303lgo" + "\u0316" * 40, "", "", "two\nlines of it"),
        ("Family", "", "", "\U0001f468\u200d\U0001f469\u200d\U0001f467 sings\nand dances"),
    ]
    dataset = imported(user, csv_file(rows))
    assert dataset.report["duplicates"]["exact"] == 1
    texts = list(dataset.songs.values_list("text", flat=True))
    assert texts[0] == texts[1] == "caf\u00e9 on the quay\nl\u00e0 la"
    assert "\u200d" in texts[3]
    page = signed_in.get(f"/datasets/{dataset.pk}/songs/").content.decode()
    for song in dataset.songs.all():
        assert f"<bdi>{song.title}</bdi>" in page
