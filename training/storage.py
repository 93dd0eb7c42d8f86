"""Checkpoint folders in the storage: whole or not at all, each file with its sha256, read only after a check.

    stage ──write──▶ files ──fsync, manifest──▶ put ──▶ the folder is there; only then may a row name it

Two publishers behind one interface: on a file system the stage lies next to its target and is renamed; an object
store gets each file under a key that nobody else ever writes. A folder's name holds the attempt's token, so a worker
that was taken over can't overwrite what its successor publishes.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, default_storage

MANIFEST = "manifest.json"
MODEL_FILE = "model.safetensors"
FORMAT = 1
CHUNK_BYTES = 1024 * 1024


class StorageDamaged(Exception):
    """Raised when a file of a folder is missing, cut off or changed."""


@dataclass(frozen=True)
class Published:
    """A folder that is in the storage, as its row will describe it; sha256 and size are those of the model's file."""

    folder: str
    manifest: dict
    sha256: str
    size_bytes: int


def publish(folder: str, write: Callable[[Path], None], *, facts: dict | None = None) -> Published:
    """Have ``write`` fill a folder, and put it into the storage whole or not at all.

    Args:
        folder: where it goes; never used before, so it holds the token of the attempt.
        write: gets an empty folder on this machine and writes files into it, `MODEL_FILE` among them.
        facts: what else the manifest says, beside size and sha256 of each file.
    Raises: OSError (the disk is full, the storage is away): then nothing of the folder stays.
    """
    publisher = publisher_for(default_storage)
    with publisher.stage(folder) as stage:
        write(stage)
        manifest = {"format": FORMAT, **(facts or {}), "files": {path.name: describe(path) for path in files_in(stage)}}
        (stage / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))
        publisher.put(stage, folder)
    model = manifest["files"][MODEL_FILE]
    return Published(folder, manifest, model["sha256"], model["size"])


def remove(folder: str, manifest: dict) -> None:
    """Take a published folder away; one that is gone already is no error."""
    publisher_for(default_storage).remove(folder, [*manifest.get("files", {}), MANIFEST])


def verify(folder: str, manifest: dict) -> None:
    """Read every file of the folder. Raises: StorageDamaged when one is not what was published."""
    for name, expected in manifest["files"].items():
        with open_verified(folder, name, expected):
            pass


def open_verified(folder: str, name: str, expected: dict) -> File:
    """The file, opened at its start, after every byte of it was checked.

    A flipped bit would load silently into a network, so size and sha256 are compared first.
    Raises: StorageDamaged when it is missing, cut off or changed.
    """
    try:
        file = default_storage.open(f"{folder}/{name}", "rb")
    except FileNotFoundError as problem:
        raise StorageDamaged(f"{name} is missing.") from problem
    if file.size != expected["size"] or sha256_of(file) != expected["sha256"]:
        file.close()
        raise StorageDamaged(f"{name} is not what was published: its size or checksum differs.")
    file.seek(0)
    return file


# ── What attempts leave for each other ───────────────────────────────────────────────────────────────────────────


def work_folder(run_id: str) -> Path:
    """Where the attempts of a run keep what the next one goes on from: on a disk, even if models go to an object store.

    Machines that share no disk do not see each other's; a run that moves between them starts anew.
    """
    return works_folder() / run_id


def works_folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "work"


def remove_work(run_id: str) -> None:
    """Take away what the attempts of a run have kept; nothing is no error."""
    shutil.rmtree(work_folder(run_id), ignore_errors=True)


def runs_with_work() -> list[str]:
    """The runs of which this machine keeps something."""
    folder = works_folder()
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


# ── The two publishers ───────────────────────────────────────────────────────────────────────────────────────────


def publisher_for(storage: Storage) -> "FolderPublisher | ObjectPublisher":
    return FolderPublisher(storage) if isinstance(storage, FileSystemStorage) else ObjectPublisher(storage)


class FolderPublisher:
    """Publishes on a file system: everything is on the disk before one rename makes it visible."""

    def __init__(self, storage: FileSystemStorage) -> None:
        self.storage = storage

    @contextmanager
    def stage(self, folder: str) -> Iterator[Path]:
        target = self._path(folder)
        stage = target.with_name(target.name + ".tmp")  # beside it: a rename across file systems is not atomic
        stage.mkdir(parents=True)
        try:
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)  # after the rename there is nothing left to remove

    def put(self, stage: Path, folder: str) -> None:
        for path in files_in(stage):
            fsync(path)
        fsync(stage)
        stage.rename(self._path(folder))
        fsync(stage.parent)

    def remove(self, folder: str, names: list[str]) -> None:
        path = self._path(folder)
        if path.exists():
            shutil.rmtree(path)

    def _path(self, folder: str) -> Path:
        return Path(self.storage.path(folder))  # refuses a name that leads out of the storage


class ObjectPublisher:
    """Publishes to an object store (S3): each file under its unique key, checked after the upload."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    @contextmanager
    def stage(self, folder: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="checkpoint-") as stage:
            yield Path(stage)

    def put(self, stage: Path, folder: str) -> None:
        ours: list[str] = []
        try:
            for path in files_in(stage):
                self._upload(path, f"{folder}/{path.name}")
                ours.append(path.name)
        except BaseException:  # whatever stops an upload, half a folder must not stay
            self.remove(folder, ours)
            raise

    def _upload(self, path: Path, key: str) -> None:
        with path.open("rb") as file:
            stored = self.storage.save(key, File(file))
        arrived = self.storage.size(stored) == path.stat().st_size
        if stored == key and arrived:
            return
        self.storage.delete(stored)
        raise OSError(f"{key} is already in the storage" if arrived else f"{key} did not arrive whole in the storage")

    def remove(self, folder: str, names: list[str]) -> None:
        for name in names:
            self.storage.delete(f"{folder}/{name}")


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def describe(path: Path) -> dict:
    with path.open("rb") as file:
        return {"size": path.stat().st_size, "sha256": sha256_of(file)}


def sha256_of(file) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def fsync(path: Path) -> None:
    """Have the disk hold what was written to a file, or to a folder's list of names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
