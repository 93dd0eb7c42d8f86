"""Bells and what they start: losing, doubling or delaying one changes nothing but the time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from celery import current_app
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import transaction

from tests.training.runs import claim, expire_lease, make_run
from training import lifecycle, supervision, tasks
from training.models import Dataset, DatasetFile, Import, TrainingRun, Worker

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def sent(monkeypatch):
    """The messages that reached the broker."""
    messages = []
    monkeypatch.setattr(tasks, "_send", lambda task, *args: messages.append((task.name.split(".")[-1], *args)) or True)
    return messages


@pytest.fixture
def quick_training(monkeypatch):
    """A supervisor that sees its run through in no time."""

    def run(self):
        lifecycle.finish(self.claim.run_id, self.claim.token, "succeeded", message="Done.")

    monkeypatch.setattr(supervision.Supervisor, "run", run)


def make_import(dataset: Dataset) -> Import:
    text = ContentFile(b"title,lyrics\nOne,la la la\n", name="songs.csv")
    file = DatasetFile.objects.create(dataset=dataset, file=text, size_bytes=text.size, sha256="0" * 64)
    return lifecycle.queue_import(dataset=dataset, file=file, mapping={}, options={})


@pytest.mark.django_db(transaction=True)
def test_a_bell_rings_after_the_commit_and_not_without_one(sent):
    with transaction.atomic():
        tasks.ring_for_training()
        assert sent == []
    assert sent == [("train_next",)]
    with transaction.atomic():
        tasks.ring_for_import("abc")
        transaction.set_rollback(True)
    assert sent == [("train_next",)]


def test_a_broker_that_is_away_costs_a_warning_and_nothing_else(monkeypatch, caplog):
    monkeypatch.setattr(current_app.conf, "broker_write_url", "redis://127.0.0.1:1/0")
    assert not tasks._send(tasks.train_next)
    assert not tasks._send(tasks.import_dataset, "abc")
    assert "could not be rung" in caplog.text


def test_fifty_bells_start_one_attempt(ready_dataset, quick_training, sent):
    run = make_run(ready_dataset)
    for _ in range(50):
        tasks.train_next.apply()
    run.refresh_from_db()
    assert (run.state, run.attempts) == ("succeeded", 1)
    assert sent == []  # nobody waits behind it


@pytest.mark.django_db(transaction=True)
def test_who_has_trained_rings_for_the_next_in_line(ready_dataset, quick_training, sent):
    make_run(ready_dataset), make_run(ready_dataset)
    tasks.train_next.apply()
    assert sent == [("train_next",)]


def test_a_worker_that_shuts_down_takes_nothing_new(ready_dataset, quick_training, sent, monkeypatch):
    make_run(ready_dataset)
    monkeypatch.setattr(lifecycle, "is_draining", lambda worker: True)
    tasks.train_next.apply()
    assert TrainingRun.objects.get().state == "queued"


def test_fifty_bells_read_a_file_once(ready_dataset):
    job = make_import(ready_dataset)
    for _ in range(50):
        tasks.import_dataset.apply([job.pk])
    job.refresh_from_db()
    ready_dataset.refresh_from_db()
    assert (job.state, job.attempts) == ("succeeded", 1)
    assert (ready_dataset.state, ready_dataset.version) == ("ready", 2)


def test_a_sweep_rings_for_what_waits_unheard(ready_dataset, sent):
    run, job = make_run(ready_dataset), make_import(ready_dataset)
    Import.objects.update(rung_at=None)
    Worker.objects.all().delete()
    lifecycle.worker_beat("a", host="h", pid=1, queues=["training", "imports"])
    tasks.maintenance_reconcile.apply()
    assert sent == [("train_next",), ("import_dataset", job.pk), ("maintenance_sweep",)]
    tasks.maintenance_reconcile.apply()
    assert len(sent) == 3
    assert run.attempts == 0


def test_a_sweep_stops_ringing_at_the_first_bell_that_nobody_hears(ready_dataset, monkeypatch):
    make_run(ready_dataset), make_run(ready_dataset)
    lifecycle.worker_beat("a", host="h", pid=1, queues=["training"], processes=2)
    tried = []
    monkeypatch.setattr(tasks, "_send", lambda *bell: tried.append(bell))
    tasks.reconcile_and_ring()
    assert len(tried) == 1


def test_the_command_sweeps_and_says_what_it_did(ready_dataset, sent, capsys):
    run = make_run(ready_dataset)
    call_command("reconcile")
    assert "Nothing was amiss" in capsys.readouterr().out
    claim(run)
    expire_lease(run)
    call_command("reconcile")
    assert run.pk in capsys.readouterr().out


def test_tasks_go_to_their_own_queues():
    routes = {name: current_app.amqp.router.route({}, name)["queue"].name for name in current_app.tasks}
    assert routes["training.tasks.train_next"] == "training"
    assert routes["training.tasks.import_dataset"] == "imports"
    assert routes["training.tasks.maintenance_reconcile"] == "maintenance"


def test_whoever_rings_never_loads_torch():
    modules = "training.tasks, training.streaming, training.services.runs, training.services.models, training.storage"
    code = f"import django; django.setup(); import sys, {modules}; assert 'torch' not in sys.modules"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "lyricsite.settings"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, timeout=120)
