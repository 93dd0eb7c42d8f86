"""Checkpoints under every fault: what was whole stays whole, the run goes on from it, and leftovers go."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from tests.conftest import PASSWORD
from tests.faults import pace, tiny_runs
from tests.needs import lacking
from tests.processes import ROOT, wait_until
from tests.training.test_backups import LIFE_AFTERWARDS, new_server
from training import execution, lifecycle, retention, storage
from training.language_model.checkpoint import load_model, weights_sha256
from training.models import Checkpoint, TrainingRun
from training.services.models import delete_model

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]
State = TrainingRun.State
# Long enough that the second checkpoint comes before its end, with all that a resumption could get wrong.
LONG = tiny_runs.BRIEF | {
    "steps": 1600,
    "epochs": 1000,
    "patience": 0,
    "evaluations": 6,
    "dropout": 0.2,
    "sample_tokens": 0,
}
FAULT_POINTS = [
    "checkpoint.before_stage",
    "checkpoint.mid_write",
    "checkpoint.before_fsync",
    "checkpoint.before_rename",
    "checkpoint.after_rename",
    "checkpoint.after_row",
    "checkpoint.mid_rotation",
]


def points_of(run):
    return Checkpoint.objects.resume_points().ready().filter(run=run).order_by("-step")


def weights_of(run) -> str:
    model = run.checkpoints.published().get()
    with storage.fetched(model.folder, model.manifest) as folder:
        return weights_sha256(load_model(folder / storage.MODEL_FILE).network)


def folders() -> set[str]:
    return {found.folder for found in storage.found_folders()}


def sweep_tomorrow(settings) -> retention.Swept:
    """What the sweep of the day after takes away."""
    settings.ORPHAN_HOURS = -1
    return retention.sweep()


@pytest.fixture(scope="module")
def golden():
    """The weights of `LONG`, trained once without any fault."""
    return {}


def train_here(run) -> TrainingRun:
    """Train the run in this process, which renews no lease."""
    claimed = lifecycle.claim(run.pk, worker="the test", host="here", pid=os.getpid())
    TrainingRun.objects.filter(pk=run.pk).update(lease_expires_at=timezone.now() + timedelta(hours=1))
    execution.execute(run.pk, claimed.token)
    return tiny_runs.fresh(run)


@pytest.fixture
def golden_weights(golden, platform, ready_dataset) -> str:
    if not golden:
        run = train_here(tiny_runs.queue_run(ready_dataset, LONG))
        golden["weights"] = weights_of(run)
    return golden["weights"]


@pytest.mark.parametrize("point", FAULT_POINTS)
def test_a_training_killed_while_it_keeps_a_checkpoint_goes_on_from_the_one_before(
    platform, ready_dataset, golden_weights, settings, point
):
    """F30: kill -9 at each place; the previous checkpoint loads, the run ends the same, leftovers go."""
    platform.ensure_worker()
    passage = 2 if "rotation" not in point else 4  # there is one before it, and one too many for the rotation
    platform.arm(point, f"kill9@{passage}")
    run = tiny_runs.queue_run(ready_dataset, LONG)
    platform.ring()
    wait_until(lambda: platform.has_struck(point), what=f"the fault {point}")
    wait_until(lambda: tiny_runs.fresh(run).lost_attempts == 1, what="the loss to be noticed")
    for row in points_of(run):
        storage.verify(row.folder, row.manifest)
    tiny_runs.wait_for_state(run, State.SUCCEEDED, State.FAILED, seconds=pace.limit(600))
    assert run.state == State.SUCCEEDED, run.error
    assert run.attempts == 2
    assert run.events.filter(message__startswith="Goes on from step").count() == 1
    assert not run.events.filter(kind="warning").exists()
    assert weights_of(run) == golden_weights
    sweep_tomorrow(settings)
    assert folders() == set(Checkpoint.objects.values_list("folder", flat=True))


# ── A full disk ──────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def small_disk(folder: Path, megabytes: int):
    """A file system of so many megabytes at ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        lacking(f"A small disk can't be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.provokes("No space left on device")
def test_a_full_disk_fails_the_run_in_words_and_keeps_what_was_whole(platform, ready_dataset):
    """F31: an 8 MB disk for checkpoints; the last whole one stays, nothing half lies there, pages go on."""
    root = platform.media / storage.ROOT
    shutil.rmtree(root, ignore_errors=True)
    with small_disk(root, 8):
        platform.ensure_web()
        platform.ensure_worker()
        run = tiny_runs.queue_run(ready_dataset, LONG | {"steps": 200_000, "hidden_size": 128, "evaluations": 1})
        platform.ring()
        wait_until(points_of(run).exists, what="a checkpoint")
        filler = root / "filler"
        with filler.open("wb") as file:
            file.write(b"x" * (shutil.disk_usage(root).free - 16 * 1024))
        tiny_runs.wait_for_state(run, State.FAILED)
        assert run.error_code == "storage_full"
        assert "no room" in run.error
        assert run.events.filter(state="failed").count() == 1
        kept = list(points_of(run))
        assert kept
        for row in kept:
            storage.verify(row.folder, row.manifest)
        assert folders() == {row.folder for row in kept}
        assert platform.status("/healthz") == 200
        retention.let_go(run.pk)  # the disk goes with them


# ── In use ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_model_that_is_deleted_while_it_writes_writes_to_the_end(platform, ready_dataset, settings):
    """F38: the stream from a model completes although the model goes meanwhile; its files go too."""
    platform.ensure_web()
    run = train_here(tiny_runs.queue_run(ready_dataset, tiny_runs.BRIEF))
    model = run.checkpoints.published().get()
    body = {"model": model.pk, "prompt": "Down by the river", "stream": True, "max_tokens": 400, "seed": 7}
    with (
        platform.session(ready_dataset.owner) as client,
        client.stream("POST", "/lyrics/generate/", json=body) as answer,
    ):
        assert answer.status_code == 200
        lines = answer.iter_lines()
        next(line for line in lines if line.startswith("event: token"))
        delete_model(model=model)
        assert any(line.startswith("event: done") for line in lines)
    assert not Checkpoint.objects.filter(pk=model.pk).exists()
    assert not default_storage.exists(model.model_file)


# ── Backup under load ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def signing_in(user, settings):
    """A password as a server keeps it."""
    from django.conf import global_settings

    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    user.set_password(PASSWORD)
    user.save()


@pytest.mark.usefixtures("signing_in")
def test_a_backup_made_while_a_run_trains_and_turns_its_checkpoints_over_is_restored_whole(
    platform, ready_dataset, golden_weights, tmp_path
):
    """F43: backup under load, restored into an empty place: nothing missing, login works, the run goes on."""
    platform.ensure_worker()
    run = tiny_runs.queue_run(ready_dataset, LONG)
    platform.ring()
    wait_until(points_of(run).exists, what="a checkpoint")
    made = subprocess.run(
        [sys.executable, "manage.py", "backup", tmp_path / "backup"],
        cwd=ROOT, env=platform.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert tiny_runs.fresh(run).state == State.RUNNING, "the backup was not made under load"
    with new_server(tmp_path) as server:
        begun = timezone.now()
        restored = server.manage("restore", str(tmp_path / "backup"))
        pace.note("F43 restore, s", round((timezone.now() - begun) / timedelta(seconds=1), 1))
        assert restored.returncode == 0, restored.stderr
        assert "0 missing, 0 mismatched" in restored.stdout
        after = server.manage("shell", "-c", LIFE_AFTERWARDS.format(password=PASSWORD, run=run.pk))
        assert after.returncode == 0, after.stderr
        assert after.stdout.split()[-1] == golden_weights
    tiny_runs.wait_for_state(run, State.SUCCEEDED, seconds=pace.limit(600))
    assert weights_of(run) == golden_weights
