"""A backup made while everybody goes on comes back whole, on either database, or not at all."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import global_settings
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connection

from tests.conftest import PASSWORD
from tests.processes import ROOT, test_database_url
from tests.training.finished_runs import make_finished_run, make_model
from tests.training.runs import SMALL, claim, make_run
from training import backups, execution, retention, storage
from training.language_model.checkpoint import load_model, weights_sha256
from training.language_model.config import resolve_config
from training.models import Checkpoint, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)
# What a server does after a restore: somebody signs in, the reconciler looks, a worker goes on.
LIFE_AFTERWARDS = """
from django.test import Client
from training import execution, lifecycle, storage
from training.language_model.checkpoint import load_model, weights_sha256
from training.models import TrainingRun

assert Client().login(username="mara", password={password!r}), "nobody can sign in"
TrainingRun.objects.running().update(lease_expires_at=lifecycle.clock.from_now(-60))
lifecycle.reconcile()
claimed = lifecycle.claim({run!r}, worker="training@here", host="here", pid=1)
execution.execute({run!r}, claimed.token)
run = TrainingRun.objects.get(pk={run!r})
assert run.state == "succeeded", run.error
assert run.events.filter(message__startswith="Goes on from step").exists(), "it began anew"
model = run.checkpoints.published().get()
with storage.fetched(model.folder, model.manifest) as folder:
    print("weights", weights_sha256(load_model(folder / storage.MODEL_FILE).network))
"""


@pytest.fixture
def run(ready_dataset):
    values = SMALL | {"steps": 24, "evaluations": 4, "dropout": 0.3, "learning_rate": 0.02}
    return make_run(ready_dataset, config=resolve_config(architecture="lstm", overrides=values).to_dict())


def train(run, *, until=10**6) -> TrainingRun:
    told = iter(range(10**6))
    execution.execute(run.pk, claim(run).token, is_asked_to_stop=lambda: next(told) >= until)
    run.refresh_from_db()
    return run


def weights_of(run) -> str:
    model = run.checkpoints.published().get()
    with storage.fetched(model.folder, model.manifest) as folder:
        return weights_sha256(load_model(folder / storage.MODEL_FILE).network)


@contextmanager
def new_server(folder: Path) -> Iterator["Server"]:
    """An empty database and an empty storage, of the same kind as the test's."""
    if connection.vendor == "sqlite":
        yield Server(f"sqlite:///{folder / 'restored.sqlite3'}", folder)
        return
    name = f"{connection.settings_dict['NAME']}_restored"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}"')
    try:
        yield Server(f"{test_database_url().rpartition('/')[0]}/{name}", folder)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class Server:
    """Commands on another database and storage, each in a process of its own."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.media = folder / "restored-media"
        told = {"DATABASE_URL": database_url, "SECRET_KEY": project.SECRET_KEY, "MEDIA_ROOT": str(self.media)}
        self.environment = os.environ | told | {"OMP_NUM_THREADS": "1"}

    def manage(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )


@pytest.fixture
def server(tmp_path):
    with new_server(tmp_path) as made:
        yield made


@pytest.fixture
def mara(user, settings):
    """Her password as a server keeps it, not as most tests do."""
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    user.set_password(PASSWORD)
    user.save()


@pytest.mark.usefixtures("mara")
def test_a_restored_server_lets_people_in_and_its_runs_go_on_bit_by_bit(run, ready_dataset, server, tmp_path):
    """F43, without the load: all files are there, login works, the run resumes and ends with the same weights."""
    whole = train(make_run(ready_dataset, config=run.config))
    train(run, until=8)
    call_command("backup", tmp_path / "backup")
    done = server.manage("restore", str(tmp_path / "backup"))
    assert done.returncode == 0, done.stderr
    assert "0 missing, 0 mismatched" in done.stdout
    after = server.manage("shell", "-c", LIFE_AFTERWARDS.format(password=PASSWORD, run=run.pk))
    assert after.returncode == 0, after.stderr
    assert after.stdout.split()[-1] == weights_of(whole)


def test_a_backup_is_only_restored_into_an_empty_place(run, server, tmp_path):
    train(run, until=8)
    call_command("backup", tmp_path / "backup")
    server.media.mkdir()
    (server.media / "uploads").mkdir()
    (server.media / "uploads" / "a.txt").write_text("mine")
    refused = server.manage("restore", str(tmp_path / "backup"))
    assert refused.returncode == 1
    assert "empty storage" in refused.stderr
    with pytest.raises(CommandError, match="database is not empty"):
        call_command("restore", tmp_path / "backup")
    assert TrainingRun.objects.filter(pk=run.pk).exists()


def test_a_backup_holds_every_file_that_its_rows_name(run, ready_dataset, tmp_path):
    make_model(make_finished_run(ready_dataset))
    train(run, until=8)
    (Path(storage.default_storage.path(f"checkpoints/{run.pk}")) / "9-9-9.tmp").mkdir()
    made = backups.make(tmp_path / "backup")
    files = {
        path.relative_to(tmp_path / "backup" / "files").as_posix() for path in (tmp_path / "backup/files").rglob("*.*")
    }
    for row in Checkpoint.objects.all():
        assert {f"{row.folder}/{name}" for name in row.manifest["files"]} <= files
    assert not any(".tmp" in name for name in files)
    assert made.files == len(files)
    assert not retention.is_held()


def test_what_is_let_go_of_while_files_are_copied_is_in_the_backup(run, tmp_path, monkeypatch):
    train(run, until=8)
    point = Checkpoint.objects.resume_points().first()
    copy_files = backups._copy_files

    def let_go_first(target):
        retention.let_go(run.pk)
        return copy_files(target)

    monkeypatch.setattr(backups, "_copy_files", let_go_first)
    backups.make(tmp_path / "backup")
    assert (tmp_path / "backup/files" / point.folder / storage.RESUME_FILE).exists()
    retention.sweep()
    assert not storage.default_storage.exists(f"{point.folder}/{storage.RESUME_FILE}")


def test_half_a_backup_is_never_taken_for_one(run, tmp_path, monkeypatch):
    def full(target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "_copy_files", full)
    with pytest.raises(CommandError, match="No space"):
        call_command("backup", tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
    assert not retention.is_held()
    monkeypatch.undo()
    call_command("backup", tmp_path / "backup")
    with pytest.raises(CommandError, match="never written over"):
        call_command("backup", tmp_path / "backup")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda about: about | {"vendor": "oracle"}, "The backup is of oracle"),
        (lambda about: about | {"format": 9}, "format 9"),
        (lambda about: about | {"database_sha256": "0" * 64}, "checksum differs"),
        (lambda about: {"what": "else"}, "no backup"),
    ],
)
def test_what_is_no_sound_backup_of_this_kind_is_refused(run, tmp_path, change, sentence):
    backups.make(tmp_path / "backup")
    about = tmp_path / "backup" / backups.ABOUT
    about.write_text(json.dumps(change(json.loads(about.read_text()))))
    with pytest.raises(backups.BackupFailed, match=sentence):
        backups.read(tmp_path / "backup")


def test_a_folder_that_is_none_is_refused(db, tmp_path):
    with pytest.raises(CommandError, match="no backup"):
        call_command("restore", tmp_path)


@pytest.mark.skipif("sqlite" not in project.DATABASES["default"]["ENGINE"], reason="looks into SQLite's file")
def test_the_snapshot_of_sqlite_is_one_sound_file(run, tmp_path):
    backups.make(tmp_path / "backup")
    with sqlite3.connect(tmp_path / "backup" / "database.sqlite3") as snapshot:
        assert snapshot.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert snapshot.execute("SELECT count(*) FROM training_trainingrun").fetchone() == (1,)
