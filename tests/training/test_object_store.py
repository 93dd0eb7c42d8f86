"""A team's object store: nothing half in it, nothing twice, and any machine goes on where another one stopped."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from tests.training.runs import SMALL, claim, make_run
from training import execution, inventory, resuming, retention, storage
from training.language_model.checkpoint import load_model, weights_sha256
from training.language_model.config import resolve_config
from training.language_model.serving_files import ALL_FILES
from training.models import Checkpoint, TrainingRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]
State = TrainingRun.State
FOLDER = "checkpoints/run/12-1-abcdef01"
WEIGHTS = b"\x00weights" * 30_000


def write_model(stage: Path) -> None:
    (stage / storage.MODEL_FILE).write_bytes(WEIGHTS)


def keys_of(published: storage.Published) -> list[str]:
    return sorted(f"{published.folder}/{name}" for name in (*published.manifest["files"], storage.MANIFEST))


# ── Uploads on a bad road ────────────────────────────────────────────────────────────────────────────────────────


def test_an_upload_that_is_cut_and_a_store_that_is_busy_cost_only_time(bucket):
    """F35: cut at half, then refused twice with 503: the upload succeeds, once, under one key."""
    bucket.faults = ["cut", "503", "503"]
    published = storage.publish(FOLDER, write_model)
    assert bucket.faults == []
    assert bucket.keys() == keys_of(published)
    storage.verify(FOLDER, published.manifest)
    assert len(bucket.uploads) == len(bucket.keys()) + 3


def test_of_an_upload_that_fails_for_good_nothing_stays(bucket):
    """F35: no object, no half object, and an error that says the storage is away."""
    bucket.faults = ["", *["cut"] * 4]  # the first file arrives, the second never does
    with pytest.raises(storage.StorageAway):
        storage.publish(FOLDER, write_model)
    assert bucket.keys() == []


def test_no_key_is_ever_written_twice(bucket):
    published = storage.publish(FOLDER, write_model)
    with pytest.raises(OSError, match="already in the storage"):
        storage.publish(FOLDER, lambda stage: (stage / storage.MODEL_FILE).write_bytes(b"other"))
    storage.verify(FOLDER, published.manifest)
    assert bucket.keys() == keys_of(published)


def test_a_store_that_refuses_us_is_away(bucket, settings):
    storage.publish(FOLDER, write_model)
    settings.STORAGES = settings.STORAGES | {"default": bucket.settings() | {}}
    settings.STORAGES["default"]["OPTIONS"]["bucket_name"] = "another"
    with pytest.raises(storage.StorageAway):
        storage.publish("checkpoints/run/13-1-abcdef01", write_model)


def test_what_was_changed_in_the_store_is_refused(bucket):
    published = storage.publish(FOLDER, write_model)
    [summary] = [one for one in bucket.resource().all() if one.key.endswith(storage.MODEL_FILE)]
    summary.Object().put(Body=WEIGHTS[:-1] + b"x")
    with pytest.raises(storage.StorageDamaged, match="differs"):
        storage.verify(FOLDER, published.manifest)
    summary.Object().delete()
    with pytest.raises(storage.StorageDamaged, match="missing"):
        storage.verify(FOLDER, published.manifest)


def test_a_large_file_goes_in_parts_and_comes_back_whole():
    large = b"0123456789abcdef" * (1024 * 1024)  # 16 MiB: two parts
    published = storage.publish(FOLDER, lambda stage: (stage / storage.MODEL_FILE).write_bytes(large))
    with storage.fetched(FOLDER, published.manifest) as folder:
        assert (folder / storage.MODEL_FILE).read_bytes() == large


def test_a_fetched_folder_is_gone_afterwards_and_nothing_lies_in_the_temporary_one(settings, monkeypatch, tmp_path):
    """F32: neither writing nor reading needs room in TMPDIR."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    published = storage.publish(FOLDER, write_model)
    with storage.fetched(FOLDER, published.manifest) as folder:
        assert folder.is_relative_to(settings.MEDIA_ROOT)
    assert not folder.exists()


# ── The sweep ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_objects_that_no_row_names_and_uploads_that_nobody_ended_go_after_a_day(bucket, settings):
    storage.publish(FOLDER, write_model)
    unended = default_storage.bucket.Object("checkpoints/run/13-1-0/model.safetensors")
    unended.initiate_multipart_upload()  # begun in 2010, says this server of all of them
    assert retention.sweep().orphans == 0
    unended.initiate_multipart_upload()
    settings.ORPHAN_HOURS = -0.001  # tomorrow has come
    swept = retention.sweep()
    assert (swept.orphans, swept.stages) == (1, 1)
    assert bucket.keys() == []
    assert not list(default_storage.bucket.multipart_uploads.all())


def test_a_store_names_what_nobody_has_touched_since(bucket):
    storage.publish(FOLDER, write_model)
    assert [one.folder for one in retention.orphans(timezone.now() + timedelta(hours=1))] == [FOLDER]
    assert retention.orphans(timezone.now() - timedelta(hours=1)) == []


# ── Runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def make_longer_run(ready_dataset):
    values = SMALL | {"steps": 24, "evaluations": 4, "dropout": 0.3, "learning_rate": 0.02}
    config = resolve_config(architecture="lstm", overrides=values).to_dict()
    return lambda: make_run(ready_dataset, config=config)


def train(run, *, until=10**6) -> TrainingRun:
    told = iter(range(10**6))
    execution.execute(run.pk, claim(run).token, is_asked_to_stop=lambda: next(told) >= until)
    run.refresh_from_db()
    return run


def weights_of(run) -> str:
    model = run.checkpoints.published().get()
    with storage.fetched(model.folder, model.manifest) as folder:
        return weights_sha256(load_model(folder / storage.MODEL_FILE).network)


def test_another_machine_goes_on_bit_by_bit_where_one_stopped(make_longer_run, settings, tmp_path, bucket):
    whole, run = train(make_longer_run()), make_longer_run()
    for machine in ("first", "second"):
        settings.MEDIA_ROOT = tmp_path / machine  # they share the store and nothing else
        train(run, until=8)
    settings.MEDIA_ROOT = tmp_path / "third"
    train(run)
    assert (run.state, run.attempts) == (State.SUCCEEDED, 3)
    assert weights_of(run) == weights_of(whole)
    assert not run.events.filter(kind="warning").exists()
    assert run.events.filter(message__startswith="Goes on from step").count() == 2
    # Two models, each with its manifest and all that writing needs.
    assert len(bucket.keys()) == 2 * (2 + len(ALL_FILES))
    assert inventory.take().problems == []


def test_a_damaged_checkpoint_in_the_store_is_passed_over(make_longer_run, settings):
    settings.RESUME_SECONDS = 0
    whole, run = train(make_longer_run()), make_longer_run()
    train(run, until=16)
    newest = Checkpoint.objects.resume_points().filter(run=run).order_by("-step").first()
    default_storage.delete(f"{newest.folder}/{storage.RESUME_FILE}")
    train(run)
    assert weights_of(run) == weights_of(whole)
    assert "is left aside" in run.events.get(kind="warning").message


def test_a_store_that_is_busy_for_a_moment_is_not_noticed(make_longer_run, settings, bucket):
    settings.RESUME_SECONDS = 0
    run = make_longer_run()
    bucket.faults = ["503", "cut", "", "503", "", "cut", "503", "cut"]
    train(run)
    assert run.state == State.SUCCEEDED
    assert not run.events.filter(kind="warning").exists()


def test_a_store_that_stays_away_gives_the_run_back_and_leaves_nothing_half(make_longer_run, settings, bucket):
    settings.RESUME_SECONDS = 0
    run = make_longer_run()
    bucket.faults = ["503"] * 4 * resuming.FAILURES_ALLOWED
    train(run)
    assert (run.state, run.lost_attempts) == (State.QUEUED, 1)
    assert not run.checkpoints.exists()
    assert bucket.keys() == []
    assert "could not be kept" in run.events.filter(kind="warning").first().message
