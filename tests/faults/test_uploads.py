"""How files arrive and leave: cut off, twice, at once, under strange names, and never as a formula."""

import csv
import io
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync

from lyricsite.asgi import application
from tests.conftest import api_client
from tests.faults.operations import make_world, reading_operations
from tests.faults.uploading import DATASETS, upload
from tests.training.finished_runs import make_finished_run
from tests.training.runs import in_threads
from tests.training.song_files import csv_file, run_waiting_import
from training.models import Dataset, DatasetFile, Import, Rejection, Song, TrainingRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

# ── F72, F73: how it arrives ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", [DATASETS, f"{DATASETS}preview/", "/datasets/add/"])
def test_a_connection_cut_in_the_middle_leaves_neither_row_nor_file(api, disk, path):
    """F72: half a form with a file, then nobody."""
    head = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nCut\r\n--x\r\nContent-Disposition: form-data; '
    head += b'name="file"; filename="songs.csv"\r\n\r\ntitle,lyrics\n'
    parts = iter([head, *[b'Song,"la la"\n' * 10_000] * 40])
    token = api._credentials["HTTP_AUTHORIZATION"].encode()
    told = []

    async def receive():
        body = next(parts, None)
        gone = {"type": "http.disconnect"}
        return gone if body is None else {"type": "http.request", "body": body, "more_body": True}

    async def send(message):
        told.append(message)

    headers = [(b"host", b"testserver"), (b"authorization", token), (b"content-length", b"99999999"),
               (b"content-type", b"multipart/form-data; boundary=x")]  # fmt: skip
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers, "root_path": "",
             "scheme": "http", "server": ("testserver", 80), "client": ("::1", 1), "http_version": "1.1"}  # fmt: skip
    async_to_sync(application)(scope, receive, send)
    assert told == []
    assert not Dataset.objects.exists()
    assert not DatasetFile.objects.exists()
    assert disk.is_clean()


def test_the_same_file_again_is_said_to_be_a_second_one(api, other_api):
    """F73: to whoever has it already, and to nobody else."""
    content = csv_file().read()
    first = upload(api, content, "songs.csv", name="First").json()
    again = upload(api, content, "songs.csv", name="Again").json()
    theirs = upload(other_api, content, "songs.csv", name="Theirs").json()
    assert not any("same file" in warning for warning in first["report"]["warnings"])
    assert any("First" in warning and "same file" in warning for warning in again["report"]["warnings"])
    assert theirs["report"] == first["report"]
    dataset = Dataset.objects.get(pk=again["id"])
    run_waiting_import(dataset)
    assert any("same file" in warning for warning in dataset.report["warnings"])


@pytest.mark.django_db(transaction=True)
def test_the_same_file_twice_at_once_is_one_dataset_and_one_that_says_so(user, other_user):
    """F73: two requests at the same moment, and a third by somebody else."""
    content = csv_file().read()
    people = (user, user, other_user)
    answers = in_threads(*(lambda person=person: upload(api_client(person), content, "songs.csv") for person in people))
    assert [answer.status_code for answer in answers] == [202] * 3
    notes = [sum("same file" in warning for warning in answer.json()["report"]["warnings"]) for answer in answers]
    assert sorted(notes[:2]) == [0, 1]
    assert notes[2] == 0
    assert Import.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_no_quota_is_stretched_by_uploading_at_once(user, settings, disk):
    """F94: eight uploads at once where three datasets may stay."""
    settings.DATASETS_PER_USER = 3
    content = csv_file().read()
    answers = in_threads(*[lambda: upload(api_client(user), content, "songs.csv")] * 8)
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 5
    assert Dataset.objects.count() == len(disk.files()) == 3


@pytest.mark.django_db(transaction=True)
def test_no_room_is_stretched_by_uploading_at_once(user, settings, disk):
    """F94: eight uploads at once where there is room for three."""
    content = csv_file().read()
    settings.STORAGE_PER_USER_BYTES = 4 * len(content) - 1
    answers = in_threads(*[lambda: upload(api_client(user), content, "songs.csv")] * 8)
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 5
    assert Dataset.objects.count() == len(disk.files()) == 3


# ── F76, F79: what leaves again ──────────────────────────────────────────────────────────────────────────────────

FORMULAS = ("=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", '"=1', "=cmd|' /C calc'!A0")


def tables_of(world: dict[str, str]) -> list[str]:
    """Every address that answers with a table."""
    api = [one.address(world) for one in reading_operations("format") if "text/csv" in one.content_types]
    addresses = [f"{address}?format=csv" for address in api if not address.endswith("/compare/")]
    ended = TrainingRun.objects.filter(state="succeeded").values_list("pk", flat=True)
    both = "&".join(f"run={pk}" for pk in ended)
    return addresses + [f"/api/v1/runs/compare/?{both}&format=csv&table={table}" for table in ("scores", "curves")]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_table_that_leaves_holds_a_formula(user, api, formula):
    """F76: not in songs, nor in what was left out, nor in the tables of runs and races."""
    world = make_world(user)
    make_finished_run(Dataset.objects.get())
    Dataset.objects.update(name=formula)
    TrainingRun.objects.update(name=formula)
    Song.objects.filter(dataset=world["datasets"]).update(title=formula, artist=formula, genre=formula, text=formula)
    job = Import.objects.create(dataset_id=world["datasets"], version=1, state="succeeded", bytes_total=0)
    Rejection.objects.create(imported_by=job, record_number=1, line=1, column=formula, reason="empty", snippet=formula)
    tables = tables_of(world)
    assert len(tables) >= 5
    for address in tables:
        answer = api.get(address)
        assert answer.status_code == 200, address
        table = answer.getvalue().decode()
        for row in csv.reader(io.StringIO(table, newline="")):
            assert not [cell for cell in row if is_formula(cell)], address


def is_formula(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\0"))
    return False


NAMES = {
    "a header in it": ('a\\"\r\nX-Y: z.csv', None),
    "three hundred letters": ("n" * 300 + ".csv", None),
    "a picture": ("\U0001f3b5 song.csv", "\U0001f3b5 song.csv"),
    "folders above": ("../../../etc/passwd.csv", "passwd.csv"),
    "folders of another system": ("..\\..\\boot.csv", "boot.csv"),
    "two dots": ("..", None),
    "NUL": ("a\0b.csv", None),
    "an override": ("\u202evsc.exe.csv", None),
}


@pytest.mark.parametrize("kind", NAMES)
def test_a_file_name_is_a_word_and_never_a_path_or_a_header(api, disk, kind):
    """F79: the file is stored under a name of ours, and what leaves is named safely."""
    name, shown = NAMES[kind]
    body = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + name.replace("\r\n", " ").encode()[:100]
    body += b'\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode() + b'"\r\n\r\n'
    body += b'title,lyrics\nOne,"la la\nla"\n' + b"\r\n--x--\r\n"
    answer = api.generic("POST", DATASETS, body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code in (202, 400)
    assert "X-Y" not in answer
    if answer.status_code == 400:
        assert disk.is_clean()
        return
    dataset = Dataset.objects.get()
    stored = dataset.files.get()
    assert shown is None or stored.original_name == shown
    assert stored.original_name.isprintable()
    assert [path.name for path in disk.files()] == [Path(stored.file.name).name]
    assert stored.file.name.startswith("uploads/")
    run_waiting_import(dataset)
    for kind_of_file in ("csv", "jsonl"):
        header = api.get(f"{DATASETS}{dataset.pk}/export/?format={kind_of_file}")["Content-Disposition"]
        assert header.startswith('attachment; filename="')
        assert header.isascii()
        assert not set(header) & set("\r\n\0/\\")
        assert header.count('"') == 2
