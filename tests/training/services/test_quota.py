"""How much one person may keep: uploads, checkpoints, models, and what runs on their way will leave."""

import pytest
from django.core.files.base import ContentFile

from tests.generator.tiny_models import model_bytes, publish
from tests.songs import make_ready_dataset
from tests.training.finished_runs import make_failed_run
from tests.training.runs import claim
from tests.training.song_files import csv_file
from tests.training.test_retention import folders, make_point
from training import lifecycle
from training.errors import LimitReached
from training.models import Checkpoint, Dataset, Race, TrainingRun
from training.services import datasets, models, quota
from training.services.combining import Source, combine_datasets
from training.services.races import start_race
from training.services.runs import retry_run, start_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]


def start(dataset, owner=None) -> TrainingRun:
    return start_run(owner=owner or dataset.owner, dataset=dataset, architecture="lstm")


def model_file() -> ContentFile:
    return ContentFile(model_bytes("lstm", "char"), name="night.safetensors")


def test_uploads_checkpoints_and_models_count_and_what_is_being_deleted_does_not(user, other_user, ready_dataset):
    ready_dataset.files.create(file=ContentFile(b"x", name="s.txt"), size_bytes=1000, sha256="")
    run = make_failed_run(ready_dataset)
    point, model = make_point(run, 4), publish(user)
    make_point(run, 3, state=Checkpoint.State.DELETING)
    publish(other_user)
    assert quota.kept_bytes(user) == 1000 + point.stored_bytes + model.stored_bytes
    assert model.stored_bytes > model.size_bytes


def test_a_run_on_its_way_counts_with_the_model_that_it_will_leave(user, ready_dataset):
    run = start(ready_dataset)
    assert quota.kept_bytes(user) == run.expected_model_bytes > quota.DESCRIPTION_BYTES
    lifecycle.finish(run.pk, claim(run).token, "failed", message="No.", error="No.")
    assert quota.kept_bytes(user) == 0


def test_an_upload_that_does_not_fit_is_refused_and_nothing_of_it_stays(user, other_user, settings, doorbells):
    size = csv_file().size
    settings.STORAGE_PER_USER_BYTES = 2 * size - 1
    first = datasets.create_dataset(owner=user, name="first", file=csv_file())
    with pytest.raises(LimitReached, match="Delete datasets or models first"):
        datasets.create_dataset(owner=user, name="second", file=csv_file())
    assert Dataset.objects.get() == first
    assert len(doorbells) == 1
    assert datasets.create_dataset(owner=other_user, name="theirs", file=csv_file())
    datasets.delete_dataset(dataset=first)
    assert datasets.create_dataset(owner=user, name="second", file=csv_file())


def test_a_run_without_room_for_what_it_makes_is_refused_before_it_waits(user, other_user, ready_dataset, settings):
    settings.STORAGE_PER_USER_BYTES = 10 * 1024**2
    with pytest.raises(LimitReached):
        start(ready_dataset)
    with pytest.raises(LimitReached):
        start_race(
            owner=user, dataset=ready_dataset, architectures=["rnn", "gru"], seeds=[1], budget={"tokens": 10_000}
        )
    assert not TrainingRun.objects.exists()
    assert not Race.objects.exists()
    user.is_staff = True
    assert start(ready_dataset)


def test_a_run_is_tried_again_only_where_its_model_has_room(user, ready_dataset, settings):
    run = start(ready_dataset)
    lifecycle.finish(run.pk, claim(run).token, "failed", message="No.", error="No.")
    settings.STORAGE_PER_USER_BYTES = run.expected_model_bytes - 1
    with pytest.raises(LimitReached):
        retry_run(run=run, by=user)
    settings.STORAGE_PER_USER_BYTES += 1
    assert retry_run(run=run, by=user).state == "queued"


def test_a_model_that_does_not_fit_is_refused_and_leaves_no_files(user, settings):
    settings.STORAGE_PER_USER_BYTES = model_file().size
    with pytest.raises(LimitReached):
        models.import_model(owner=user, file=model_file())
    assert not Checkpoint.objects.exists()
    assert folders() == set()


def test_a_model_that_another_one_took_the_room_of_meanwhile_leaves_no_files(user, settings, monkeypatch):
    answers = iter([None, LimitReached("Full.")])

    def full_at_last(owner, more_bytes) -> None:
        if refusal := next(answers):
            raise refusal

    monkeypatch.setattr(quota, "check_room", full_at_last)
    with pytest.raises(LimitReached):
        models.import_model(owner=user, file=model_file())
    assert not Checkpoint.objects.exists()
    assert folders() == set()


def test_songs_are_not_gathered_for_somebody_who_keeps_too_much(user, settings):
    dataset = make_ready_dataset(user)
    publish(user)
    settings.STORAGE_PER_USER_BYTES = 1
    with pytest.raises(LimitReached):
        combine_datasets(owner=user, name="All", sources=[Source(dataset=dataset)])
    assert Dataset.objects.count() == 1


def test_a_program_is_told_so_with_429(api, ready_dataset, settings):
    settings.STORAGE_PER_USER_BYTES = 0
    answer = api.post("/api/v1/runs/", {"dataset": ready_dataset.pk, "architecture": "lstm"})
    assert (answer.status_code, answer.json()["code"]) == (429, "limit_reached")
    assert "may keep 0" in answer.json()["detail"]
