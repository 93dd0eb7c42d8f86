"""Renaming, sharing, opening and deleting models."""

from pathlib import Path

import pytest

from tests.training.runs import make_run
from training import storage
from training.errors import Conflict, Damaged, Invalid
from training.models import Checkpoint
from training.services.models import delete_model, open_model_file, update_model

pytestmark = pytest.mark.django_db
WEIGHTS = b"weights" * 100


@pytest.fixture
def model(ready_dataset):
    published = storage.publish(
        "checkpoints/a/1-1-0", lambda folder: (folder / storage.MODEL_FILE).write_bytes(WEIGHTS)
    )
    return Checkpoint.objects.create(
        owner=ready_dataset.owner,
        run=make_run(ready_dataset),
        dataset=ready_dataset,
        name="A model",
        folder=published.folder,
        manifest=published.manifest,
        sha256=published.sha256,
        size_bytes=published.size_bytes,
        architecture="lstm",
        tokenizer="char",
        parameters=1,
        vocabulary_size=1,
    )


def test_a_model_is_renamed_and_shared(model):
    update_model(model=model, name="  Sea songs ")
    update_model(model=model, visibility="shared")
    model.refresh_from_db()
    assert (model.name, model.visibility) == ("Sea songs", "shared")


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "two\nlines", "a\x00b"])
def test_a_name_that_is_no_line_of_text_is_refused(model, name):
    with pytest.raises(Invalid) as refusal:
        update_model(model=model, name=name, visibility="everyone")
    assert set(refusal.value.errors) == {"name", "visibility"}
    model.refresh_from_db()
    assert model.name == "A model"


def test_a_models_file_opens_at_its_start(model):
    with open_model_file(model) as file:
        assert file.read() == WEIGHTS


def test_a_damaged_file_is_refused_and_the_model_marked(model, settings):
    path = Path(settings.MEDIA_ROOT) / model.model_file
    path.write_bytes(WEIGHTS[:-1] + b"x")
    with pytest.raises(Damaged):
        open_model_file(model)
    model.refresh_from_db()
    assert model.state == Checkpoint.State.CORRUPT


def test_deleting_a_model_takes_its_files(model, settings):
    with open_model_file(model) as file:  # somebody is writing with it
        delete_model(model=model)
        assert file.read() == WEIGHTS
    assert not Checkpoint.objects.exists()
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_a_model_is_deleted_once(model):
    Checkpoint.objects.update(state=Checkpoint.State.DELETING)
    with pytest.raises(Conflict):
        delete_model(model=model)


def test_a_model_whose_files_are_gone_can_still_be_deleted(model, settings):
    (Path(settings.MEDIA_ROOT) / model.model_file).unlink()
    delete_model(model=model)
    assert not Checkpoint.objects.exists()
