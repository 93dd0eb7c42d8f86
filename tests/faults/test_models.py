"""Model files that are none, and people, datasets and runs that go while something is on its way."""

import json
import os
from pathlib import Path

import pytest
import torch
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from tests.generator.tiny_models import model_bytes, publish
from tests.training.finished_runs import make_finished_run, make_model, make_running_run
from tests.training.runs import SMALL, claim, make_run
from training import execution, lifecycle, retention, serving, storage
from training.language_model.checkpoint import load_model
from training.language_model.config import resolve_config
from training.language_model.errors import CheckpointError
from training.models import Checkpoint, Dataset, TrainingRun

pytestmark = pytest.mark.django_db
State = TrainingRun.State
API = "/api/v1"


class Touch:
    """What a pickle does when it is loaded: it runs a program of its writer's choice."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "the pickle was loaded"


@pytest.fixture(params=["zip", "plain"])
def pickled(request, tmp_path, marker) -> bytes:
    """A file as `torch.save` writes it, in the new and the old format, that touches the marker when it is loaded."""
    path = tmp_path / "model.pt"
    torch.save({"weights": Touch(marker)}, path, _use_new_zipfile_serialization=request.param == "zip")
    return path.read_bytes()


def refused_everywhere(api, model: Checkpoint) -> str:
    """What the API says when it is asked to write with the model; nothing may be an error of the server."""
    asked = {"model": model.pk, "prompt": "Down by the river"}
    for stream in (False, True):
        answer = api.post(f"{API}/lyrics/generate/", asked | {"stream": stream})
        assert answer.status_code == 409
    for address in (f"{API}/models/{model.pk}/", f"{API}/models/", f"{API}/models/{model.pk}/download/"):
        assert api.get(address).status_code < 500
    return answer.json()["detail"]


def test_a_pickle_in_a_models_place_is_refused_and_never_loaded(api, user, pickled, marker):
    """F39: published as it is, and put in the place of a sound model's files."""
    dressed_up = publish(user, pickled, can_write=False)
    assert "pickle" in serving.prepare(dressed_up)
    assert "pickle" in refused_everywhere(api, dressed_up)
    replaced = publish(user)
    for name in replaced.manifest["files"]:
        Path(default_storage.path(replaced.folder), name).write_bytes(pickled)
    with pytest.raises(CheckpointError):
        load_model(Path(default_storage.path(replaced.model_file)))
    assert "damaged" in refused_everywhere(api, replaced)
    assert not marker.exists()


def test_a_pickle_in_a_checkpoints_place_is_passed_over_and_never_loaded(ready_dataset, settings, pickled, marker):
    """F39: a run that goes on meets a pickle; the row tells another checksum, or the very one of the pickle."""
    settings.RESUME_SECONDS = 0
    run = make_run(ready_dataset)
    train(run, until=12)
    newest, second = Checkpoint.objects.resume_points().filter(run=run).order_by("-step")[:2]
    for point in (newest, second):
        Path(default_storage.path(point.folder), storage.RESUME_FILE).write_bytes(pickled)
    described = storage.describe(Path(default_storage.path(second.folder), storage.RESUME_FILE))
    second.manifest["files"][storage.RESUME_FILE] = described
    second.save()
    train(run)
    assert run.state == State.SUCCEEDED
    assert run.events.filter(kind="warning", message__contains="is left aside").count() == 2
    assert not marker.exists()


OTHERS = {
    "another version": {"version": "2"},
    "another format": {"format": "lyrics-resume"},
    "another vocabulary": {"tokenizer": json.dumps({"kind": "char", "tokens": ["a"]})},
    "another architecture": {"network": json.dumps({"architecture": "transformer"})},
    "no architecture": {"network": "{}"},
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_model_of_another_kind_is_refused_with_a_sentence(api, user, other):
    """F40: each file is whole, its checksum right, and it is of no use here."""
    model = publish(user, model_bytes(**OTHERS[other]), can_write=False)
    assert serving.prepare(model)
    assert refused_everywhere(api, model).endswith(".")


@pytest.mark.parametrize("other", OTHERS)
def test_a_run_that_was_to_start_from_a_model_of_another_kind_fails_with_a_sentence(ready_dataset, user, other):
    """F40: the same for a fine-tuning."""
    model = publish(user, model_bytes(**OTHERS[other]), can_write=False)
    run = make_run(ready_dataset, starts_from=model, starts_from_name=model.name)
    train(run)
    assert (run.state, run.error_code) == (State.FAILED, "model_gone")
    assert run.error.endswith(".")


def train(run, *, until=10**6) -> TrainingRun:
    told = iter(range(10**6))
    execution.execute(run.pk, claim(run).token, is_asked_to_stop=lambda: next(told) >= until)
    run.refresh_from_db()
    return run


# ── Deleting what is in use ──────────────────────────────────────────────────────────────────────────────────────


def test_a_dataset_with_a_run_is_not_deleted(api, ready_dataset):
    """F42: neither while the run waits or trains, nor when it has ended."""
    make_running_run(ready_dataset)
    answer = api.delete(f"{API}/datasets/{ready_dataset.pk}/")
    assert answer.status_code == 409
    assert Dataset.objects.filter(pk=ready_dataset.pk).exists()


def test_a_dataset_that_is_deleted_takes_its_files(api, ready_dataset):
    """F42: no file is left over."""
    stored = ready_dataset.files.create(file=ContentFile(b"songs", name="songs.txt"), size_bytes=5, sha256="0" * 64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.transaction.on_commit", lambda work, **options: work())
        assert api.delete(f"{API}/datasets/{ready_dataset.pk}/").status_code == 204
    assert not default_storage.exists(stored.file.name)


def test_a_run_that_trains_is_not_deleted_by_staff(client, staff_user, ready_dataset):
    """F42: it is cancelled first."""
    run, _ = make_running_run(ready_dataset)
    client.force_login(staff_user)
    answer = client.post(reverse("admin:training_trainingrun_delete", args=[run.pk]), {"post": "yes"})
    assert answer.status_code == 403
    assert TrainingRun.objects.filter(pk=run.pk).exists()


def test_a_person_whose_run_trains_is_not_deleted(client, staff_user, user, ready_dataset):
    """F42: what hangs on them is named instead, and nothing is gone."""
    make_running_run(ready_dataset)
    client.force_login(staff_user)
    answer = client.post(reverse("admin:lyricsite_user_delete", args=[user.pk]), {"post": "yes"})
    assert answer.status_code in (200, 302)
    assert get_user_model().objects.filter(pk=user.pk).exists()
    assert TrainingRun.objects.count() == 1


def test_the_files_of_a_person_who_is_gone_are_swept_away(user, ready_dataset, settings):
    """F42: whatever way their rows went, no file is left over for longer than a day."""
    run = make_finished_run(ready_dataset)
    make_model(run)
    stored = ready_dataset.files.create(file=ContentFile(b"songs", name="songs.txt"), size_bytes=5, sha256="0" * 64)
    orphan = storage.publish(
        f"checkpoints/{run.pk}/1-1-0", lambda folder: (folder / storage.MODEL_FILE).write_bytes(b"weights")
    )
    run.delete()
    user.delete()
    settings.ORPHAN_HOURS = -1
    retention.sweep()
    assert not default_storage.exists(f"{orphan.folder}/{storage.MODEL_FILE}")
    assert not default_storage.exists(stored.file.name)


def test_a_training_whose_run_was_deleted_stops_and_leaves_nothing(ready_dataset, settings):
    """F42: the child finds no row to write to, and what it had put down goes again."""
    settings.RESUME_SECONDS = 0
    config = resolve_config(architecture="lstm", overrides=SMALL | {"steps": 200, "epochs": 100}).to_dict()
    run = make_run(ready_dataset, config=config)
    looks = iter(range(10**6))

    def delete_meanwhile() -> bool:
        if next(looks) == 10:
            TrainingRun.objects.filter(pk=run.pk).delete()
        return False

    with pytest.raises(execution.LeaseLost):
        execution.execute(run.pk, claim(run).token, is_asked_to_stop=delete_meanwhile)
    retention.sweep()
    assert not Checkpoint.objects.exists()
    assert not list(storage.found_folders())
    assert not lifecycle.reconcile()
