"""What is kept of checkpoints: the last three, models and what is referred to; what no row names goes after a day."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from tests.training.finished_runs import make_finished_run, make_model
from tests.training.runs import claim, make_run
from training import inventory, lifecycle, retention, storage
from training.models import Checkpoint, RunEvent, SingleFlight, TrainingRun
from training.services.checkpoints import set_pin
from training.services.models import delete_model

pytestmark = pytest.mark.django_db
DAY = 24 * 3600


@pytest.fixture
def run(ready_dataset):
    return make_run(ready_dataset)


def make_point(run, step: int, **fields) -> Checkpoint:
    """A checkpoint of a run as its worker keeps it, with real files."""
    published = storage.publish(
        f"checkpoints/{run.pk}/{step}-1-{os.urandom(4).hex()}",
        lambda folder: (folder / storage.RESUME_FILE).write_bytes(b"weights %d" % step),
        main=storage.RESUME_FILE,
    )
    columns = {
        "owner": run.owner,
        "run": run,
        "dataset": run.dataset,
        "name": run.name,
        "step": step,
        "folder": published.folder,
        "manifest": published.manifest,
        "sha256": published.sha256,
        "size_bytes": published.size_bytes,
        "architecture": "lstm",
        "tokenizer": "char",
        "parameters": 1,
        "vocabulary_size": 1,
    }
    return Checkpoint.objects.create(**(columns | fields))


def steps_of(run) -> list[int]:
    return sorted(run.checkpoints.values_list("step", flat=True))


def folders() -> set[str]:
    return {found.folder for found in storage.found_folders()}


def age(path: Path, seconds: float = 2 * DAY) -> None:
    """Let a file or folder, and what is in it, have been written so long ago."""
    then = time.time() - seconds
    for one in [*path.rglob("*"), path]:
        os.utime(one, (then, then))


def path_of(folder: str) -> Path:
    return Path(default_storage.path(folder))


def test_of_three_hundred_checkpoints_the_last_three_stay_with_the_best_the_pinned_and_the_needed(run, ready_dataset):
    """F37: exactly the last three, the best, two pinned and one that a run starts from remain on disk and in rows."""
    make_point(run, 17, is_best=True)
    make_run(ready_dataset, starts_from=make_point(run, 40), starts_from_name="needed")
    for step in range(100, 400):
        point = make_point(run, step)
        if step in (110, 150):
            set_pin(checkpoint=point, is_pinned=True)
        retention.rotate(run.pk)
    assert steps_of(run) == [17, 40, 110, 150, 397, 398, 399]
    assert folders() == set(run.checkpoints.values_list("folder", flat=True))
    assert Checkpoint.objects.count() == 7


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled"])
def test_a_pin_outlives_the_run_and_once_it_is_out_the_sweep_comes_by(run, state):
    claimed = claim(run)
    make_point(run, 3)
    point = set_pin(checkpoint=make_point(run, 4), is_pinned=True)
    with transaction.atomic():
        if state == "succeeded":
            retention.mark_ended(run.pk)
        lifecycle.finish(run.pk, claimed.token, state, message="It ended.")
    TrainingRun.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(days=400))
    retention.sweep()
    assert (steps_of(run), folders()) == ([4], {point.folder})
    set_pin(checkpoint=point, is_pinned=False)
    retention.sweep()
    assert (Checkpoint.objects.count(), folders()) == (0, set())


def test_whatever_takes_the_place_of_a_pinned_checkpoint_is_pinned(run):
    set_pin(checkpoint=make_point(run, 4), is_pinned=True)
    make_point(run, 5)
    assert [retention.free_step(run.pk, step) for step in (4, 5, 6)] == [True, False, False]


def test_steps_that_are_made_again_are_held_by_no_pin(run):
    for step in (3, 4, 5):
        set_pin(checkpoint=make_point(run, step), is_pinned=True)
    retention.let_go(run.pk, behind=3)
    assert steps_of(run) == [3]


def test_a_damaged_checkpoint_is_none_of_the_three(run):
    for step in range(5):
        make_point(run, step, state=Checkpoint.State.CORRUPT if step == 4 else Checkpoint.State.READY)
    retention.rotate(run.pk)
    assert steps_of(run) == [1, 2, 3]


def test_other_runs_keep_theirs(run, ready_dataset):
    other = make_run(ready_dataset)
    for step in range(5):
        make_point(run, step)
        make_point(other, step)
    retention.rotate(run.pk)
    assert (steps_of(run), steps_of(other)) == ([2, 3, 4], [0, 1, 2, 3, 4])


def test_models_stay_whatever_their_run_comes_to(ready_dataset):
    model = make_model(make_finished_run(ready_dataset))
    retention.let_go(model.run_id)
    retention.rotate(model.run_id)
    retention.sweep()
    storage.verify(model.folder, model.manifest)
    assert Checkpoint.objects.get() == model


def test_whoever_dies_while_taking_away_is_ended_by_the_sweep(run, monkeypatch):
    for step in range(5):
        make_point(run, step)

    def dies(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "remove", dies)
    with pytest.raises(KeyboardInterrupt):
        retention.rotate(run.pk)
    monkeypatch.undo()
    assert len(folders()) == 5
    assert retention.sweep().checkpoints == 2
    assert folders() == set(run.checkpoints.values_list("folder", flat=True))
    assert Checkpoint.objects.count() == retention.KEPT


def test_a_storage_that_is_away_keeps_rows_and_files_for_the_next_time(run, monkeypatch):
    make_point(run, 1)

    def away(*args):
        raise storage.StorageAway("The storage does not answer.")

    monkeypatch.setattr(storage, "remove", away)
    retention.let_go(run.pk)
    assert Checkpoint.objects.get().state == Checkpoint.State.DELETING
    monkeypatch.undo()
    retention.sweep()
    assert not Checkpoint.objects.exists()


@pytest.mark.parametrize(
    ("state", "days", "kept"),
    [
        ("succeeded", 0, False),
        ("failed", 0, True),
        ("cancelled", 6, True),
        ("failed", 8, False),
        ("cancelled", 8, False),
    ],
)
def test_an_ended_run_keeps_what_it_may_be_tried_again_from_for_a_week(run, state, days, kept):
    claimed = claim(run)
    point = make_point(run, 4)
    lifecycle.finish(run.pk, claimed.token, state, message="It ended.")
    TrainingRun.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(days=days, minutes=1))
    retention.sweep()
    assert Checkpoint.objects.filter(pk=point.pk).exists() == kept
    assert (point.folder in folders()) == kept


def test_what_belonged_to_a_deleted_run_goes(run):
    set_pin(checkpoint=make_point(run, 3), is_pinned=True)
    make_point(run, 4)
    run.delete()
    retention.sweep()
    assert not Checkpoint.objects.exists()
    assert not folders()


# ── Files that no row names ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["12-1-abcdef01", "12-1-abcdef01.tmp"])
def test_a_folder_that_no_row_names_goes_after_a_day(run, name):
    known = make_point(run, 4)
    orphan = path_of(f"checkpoints/{run.pk}/{name}")
    orphan.mkdir()
    (orphan / "half.safetensors").write_bytes(b"half")
    assert not retention.sweep()
    for folder in (orphan, path_of(known.folder)):
        age(folder)
    swept = retention.sweep()
    assert (swept.orphans, swept.orphan_bytes) == (1, 4)
    assert folders() == {known.folder}


def test_an_empty_folder_goes_too(run):
    orphan = path_of(f"checkpoints/{run.pk}/1-1-0.tmp")
    orphan.mkdir(parents=True)
    age(orphan)
    assert retention.sweep().orphans == 1
    assert not orphan.parent.exists()


def test_an_upload_without_a_dataset_goes_after_a_day(ready_dataset):
    known = ready_dataset.files.create(file=ContentFile(b"songs", name="songs.txt"), size_bytes=5, sha256="")
    young = default_storage.save("uploads/2026/11/young.upload", ContentFile(b"x"))
    old = default_storage.save("uploads/2026/11/old.upload", ContentFile(b"x"))
    for name in (known.file.name, old):
        age(path_of(name))
    assert retention.sweep().uploads == 1
    assert [default_storage.exists(name) for name in (known.file.name, young, old)] == [True, True, False]


def test_a_staging_folder_of_a_killed_process_goes_after_a_day(settings):
    with storage.staging_folder() as stage:
        assert not retention.sweep()
        age(stage)
        assert retention.sweep().stages == 1


def test_the_small_talk_of_a_run_goes_a_month_after_its_end(ready_dataset):
    run = make_finished_run(ready_dataset)
    told = run.events.count()
    retention.sweep()
    assert run.events.count() == told
    TrainingRun.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(days=31))
    retention.sweep()
    assert set(run.events.values_list("kind", flat=True)) == {RunEvent.Kind.STATE}


# ── While a backup copies files ──────────────────────────────────────────────────────────────────────────────────


def test_while_a_backup_copies_files_none_is_removed(run, ready_dataset):
    upload = ready_dataset.files.create(file=ContentFile(b"songs", name="songs.txt"), size_bytes=5, sha256="").file.name
    for step in range(5):
        make_point(run, step)
    retention.hold()
    retention.rotate(run.pk)
    assert not retention.sweep()
    retention.remove_uploads([upload])
    assert len(folders()) == 5
    assert default_storage.exists(upload)
    retention.end_hold()
    retention.sweep()
    assert len(folders()) == retention.KEPT


def test_the_hold_of_a_backup_that_died_ends_by_itself(run):
    retention.hold()
    SingleFlight.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    assert not retention.is_held()
    retention.hold()
    assert retention.is_held()


def test_a_model_deleted_meanwhile_is_gone_for_people_and_its_files_go_later(ready_dataset):
    model = make_model(make_finished_run(ready_dataset))
    retention.hold()
    delete_model(model=model)
    assert not Checkpoint.objects.published().exists()
    assert default_storage.exists(model.model_file)
    retention.end_hold()
    retention.sweep()
    assert not Checkpoint.objects.exists()
    assert not default_storage.exists(model.model_file)


# ── Looking at every file ────────────────────────────────────────────────────────────────────────────────────────


def verify(capsys) -> str:
    call_command("verify_storage")
    return capsys.readouterr().out


def test_a_storage_where_all_is_well_is_said_to_be_so(run, ready_dataset, capsys):
    make_point(run, 4)
    make_model(make_finished_run(ready_dataset))
    assert "0 missing, 0 mismatched; 0 folders" in verify(capsys)


def test_what_is_missing_or_changed_is_named_and_ends_with_an_error(run, ready_dataset, capsys):
    gone, changed, damaged_before = make_point(run, 4), make_point(run, 5), make_point(run, 6, state="corrupt")
    model = make_model(make_finished_run(ready_dataset))
    (path_of(gone.folder) / storage.RESUME_FILE).unlink()
    for one in (changed, damaged_before):
        (path_of(one.folder) / storage.RESUME_FILE).write_bytes(b"other")
    path_of(model.model_file).write_bytes(b"other")
    with pytest.raises(CommandError, match="3 files"):
        call_command("verify_storage")
    said = capsys.readouterr().out
    assert "1 missing, 2 mismatched" in said
    assert f"checkpoint {gone.pk}" in said
    assert f"model {model.pk}" in said
    assert f"checkpoint {damaged_before.pk}" not in said


def test_uploads_are_looked_at_as_well(ready_dataset):
    ready_dataset.files.create(file=ContentFile(b"songs", name="songs.txt"), size_bytes=5, sha256="0" * 64)
    assert inventory.take().mismatched == 1


def test_a_sweep_may_be_asked_for_at_once(run, capsys):
    orphan = path_of(f"checkpoints/{run.pk}/1-1-0")
    orphan.mkdir(parents=True)
    age(orphan)
    call_command("verify_storage", "--sweep")
    assert "1 folders that no row has named" in capsys.readouterr().out
    assert not orphan.exists()


def test_a_sweep_is_due_once_an_hour_for_whoever_asks_first(db):
    assert [retention.sweep_is_due() for _ in range(3)] == [True, False, False]
    SingleFlight.objects.filter(name=retention.SWEEP).update(held_until=timezone.now() - timedelta(seconds=1))
    assert [retention.sweep_is_due() for _ in range(3)] == [True, False, False]
