"""Models that came without graphs are made ready to write by a worker, once, and those that can't be say why."""

import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command

from tests.generator.tiny_models import model_bytes, publish
from training import children, lifecycle, preparing, retention, serving, storage, tasks
from training.models import Checkpoint

pytestmark = pytest.mark.django_db
WORKER = "imports@here"


@pytest.fixture
def model(user):
    return publish(user, can_write=False)


@pytest.fixture
def child(monkeypatch):
    """Have the child be a program of the test's own."""

    def use(program: str) -> None:
        monkeypatch.setattr(children, "LOOK_SECONDS", 0.05)
        monkeypatch.setattr(children, "_start", lambda command, _: subprocess.Popen([sys.executable, "-c", program]))

    return use


def spoilt() -> bytes:
    """A model file of which one weight is not a number."""
    content = model_bytes()
    tensors = safetensors.numpy.load(content)
    name = "decoder.bias"
    place = content.index(tensors[name].tobytes())
    return content[:place] + np.float32(np.nan).tobytes() + content[place + 4 :]


def test_a_model_without_graphs_gets_a_folder_with_both(model):
    old = model.folder
    call_command("build_serving_model", model.pk)
    model.refresh_from_db()
    assert model.can_write
    assert model.folder != old
    assert storage.MODEL_FILE in model.manifest["files"]
    storage.verify(model.folder, model.manifest)
    assert not lifecycle.unprepared().exists()


def test_a_model_keeps_the_version_of_the_code_that_made_it(model):
    Checkpoint.objects.filter(pk=model.pk).update(manifest=model.manifest | {"code": "0.0.9+0123456789ab"})
    call_command("build_serving_model", model.pk)
    model.refresh_from_db()
    assert model.can_write
    assert model.code_version == "0.0.9+0123456789ab"


def test_who_reads_the_old_folder_reads_it_to_its_end_and_it_is_swept_later(model, settings):
    old = model.folder
    serving.prepare(model)
    assert default_storage.exists(f"{old}/{storage.MODEL_FILE}")
    settings.ORPHAN_HOURS = 0
    retention.sweep()
    model.refresh_from_db()
    storage.verify(model.folder, model.manifest)


def test_two_that_prepare_the_same_model_leave_one_folder_in_the_row_and_none_lost(model):
    stale = Checkpoint.objects.get(pk=model.pk)
    assert serving.prepare(model) == serving.prepare(stale) == ""
    model.refresh_from_db()
    storage.verify(model.folder, model.manifest)


def test_a_model_of_broken_weights_never_writes_and_says_why(user):
    model = publish(user, spoilt(), can_write=False)
    with pytest.raises(CommandError, match="not a number"):
        call_command("build_serving_model", model.pk)
    model.refresh_from_db()
    assert "not a number" in model.serving_error
    assert not model.can_write
    assert not lifecycle.unprepared().exists()


def test_a_model_that_was_found_damaged_is_made_ready_again_from_its_model_file(user):
    model = publish(user, damaged=True)
    Checkpoint.objects.filter(pk=model.pk).mark_corrupt()
    call_command("build_serving_model", model.pk)
    model.refresh_from_db()
    assert (model.state, model.can_write) == (Checkpoint.State.READY, True)


def test_the_longest_waiting_is_claimed_first_and_by_one_alone(model, user):
    second = publish(user, can_write=False, name="Second")
    assert [lifecycle.claim_unprepared() for _ in range(3)] == [model.pk, second.pk, None]


def test_a_child_that_fails_is_tried_three_times(model, child):
    child("raise SystemExit(1)")
    assert preparing.prepare_all_that_wait(WORKER) == 3
    model.refresh_from_db()
    assert (model.serving_tries, model.serving_held_until) == (3, None)


def test_a_worker_that_shuts_down_hands_back(model, child, monkeypatch):
    lifecycle.worker_beat(WORKER, host="here", pid=1, queues=["imports"])
    child("import time; time.sleep(600)")
    claim_first = lifecycle.claim_unprepared

    def claim_and_drain():
        claimed = claim_first()
        lifecycle.announce_drain(WORKER)
        return claimed

    monkeypatch.setattr(lifecycle, "claim_unprepared", claim_and_drain)
    assert preparing.prepare_all_that_wait(WORKER) == 1
    model.refresh_from_db()
    assert (model.serving_tries, model.serving_held_until) == (0, None)


def test_the_sweep_rings_for_a_model_that_waits_and_nobody_was_told_of(model, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks, "_send", lambda task, *args: sent.append(task.name.split(".")[-1]) or True)
    lifecycle.worker_beat(WORKER, host="here", pid=1, queues=["imports"])
    tasks.reconcile_and_ring(at_once=True)
    assert sent.count("prepare_models") == 1


def test_an_export_that_fails_costs_no_model(tmp_path, monkeypatch):
    def fail(*args, **options):
        (tmp_path / "serving.json").write_text("half")
        raise RuntimeError

    (tmp_path / storage.MODEL_FILE).write_bytes(model_bytes())
    monkeypatch.setattr(serving, "export_model", fail)
    assert "could not be made ready" in serving.add_graphs(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [storage.MODEL_FILE]
