"""Checkpoint folders appear whole or not at all, and what was changed behind our back is refused."""

import hashlib
import tempfile
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from training import storage
from training.code_version import code_version

FOLDER = "checkpoints/run/12-1-abcdef01"
WEIGHTS = b"\x00weights" * 1000


def write_model(stage: Path) -> None:
    (stage / storage.MODEL_FILE).write_bytes(WEIGHTS)
    (stage / "card.txt").write_text("a card")


@pytest.fixture(params=["folder", "object store"])
def store(request, settings):
    """Both kinds of storage: a disk, and an object store, which has no paths."""
    if request.param == "object store":
        request.getfixturevalue("bucket")
    return request.param


def files_under(folder: str) -> set[str]:
    try:
        return set(default_storage.listdir(folder)[1])
    except FileNotFoundError:
        return set()


def test_a_published_folder_holds_its_files_and_a_manifest_that_describes_them(store):
    published = storage.publish(FOLDER, write_model, facts={"step": 12})
    assert files_under(FOLDER) == {storage.MODEL_FILE, "card.txt", storage.MANIFEST}
    assert published.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert published.size_bytes == len(WEIGHTS)
    assert published.manifest["step"] == 12
    assert published.manifest["code"] == code_version()
    assert published.manifest["files"]["card.txt"]["size"] == 6
    storage.verify(FOLDER, published.manifest)


def test_a_write_that_fails_leaves_nothing_behind(store, settings):
    def fails_half_way(stage: Path) -> None:
        write_model(stage)
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        storage.publish(FOLDER, fails_half_way)
    assert files_under(FOLDER) == set()
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file() or path.suffix == ".tmp"]


def test_a_folder_is_never_overwritten(store):
    published = storage.publish(FOLDER, write_model)
    with pytest.raises(OSError):  # noqa: PT011 - the file system and the object store refuse in their own words
        storage.publish(FOLDER, lambda stage: (stage / storage.MODEL_FILE).write_bytes(b"other"))
    storage.verify(FOLDER, published.manifest)


def test_the_stage_lies_beside_its_target_and_not_in_the_temporary_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    storage.publish(FOLDER, write_model)
    assert storage.MODEL_FILE in files_under(FOLDER)


def test_a_folder_that_cannot_be_written_to_fails_loudly(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "a file"
    settings.MEDIA_ROOT.write_text("in the way")
    with pytest.raises(OSError):  # noqa: PT011
        storage.publish(FOLDER, write_model)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "delete", "replace"])
def test_a_damaged_file_is_refused(settings, damage):
    published = storage.publish(FOLDER, write_model)
    path = Path(settings.MEDIA_ROOT) / FOLDER / storage.MODEL_FILE
    content = bytearray(path.read_bytes())
    if damage == "delete":
        path.unlink()
    else:
        if damage == "flip":
            content[len(content) // 2] ^= 1
        path.write_bytes({"cut": content[:-1], "flip": content, "empty": b"", "replace": b"x" * len(content)}[damage])
    with pytest.raises(storage.StorageDamaged):
        storage.verify(FOLDER, published.manifest)


def test_an_opened_file_stands_at_its_start(store):
    published = storage.publish(FOLDER, write_model)
    expected = published.manifest["files"][storage.MODEL_FILE]
    with storage.open_verified(FOLDER, storage.MODEL_FILE, expected) as file:
        assert file.read() == WEIGHTS


def test_removing_takes_the_folder_and_is_not_surprised_when_it_is_gone(store):
    published = storage.publish(FOLDER, write_model)
    storage.remove(FOLDER, published.manifest)
    assert files_under(FOLDER) == set()
    storage.remove(FOLDER, published.manifest)
