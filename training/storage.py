"""Checkpoint folders in the storage: whole or not at all, each file with its sha256, read only after a check.

    stage ──write──▶ files ──fsync, manifest──▶ put ──▶ the folder is there; only then may a row name it

Two publishers behind one interface: on a file system the stage lies next to its target and is renamed; an object
store gets each file under a key that nobody else ever writes, and its answer is asked for after the upload. A folder's
name holds the attempt's token, so a worker that was taken over can't overwrite what its successor publishes. What no
row names is swept away after a day (`training.retention`).
"""

import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, default_storage

from training.code_version import code_version
from training.fault_points import fault_point

MANIFEST = "manifest.json"
MODEL_FILE = "model.safetensors"
RESUME_FILE = "resume.safetensors"
ROOT = "checkpoints"
FORMAT = 1
CHUNK_BYTES = 1024 * 1024
OBJECT_STORE_CLIENTS = {"boto3", "botocore", "s3transfer", "urllib3"}


class StorageDamaged(Exception):
    """Raised when a file of a folder is missing, cut off or changed."""


class StorageAway(OSError):
    """Raised when an object store does not answer, or not as it should, also when asked again."""


@dataclass(frozen=True)
class Published:
    """A folder that is in the storage, as its row will describe it; sha256 and size are those of its main file."""

    folder: str
    manifest: dict
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Found:
    """A folder of checkpoint files that lies in the storage, whether or not a row names it."""

    folder: str
    names: tuple[str, ...]
    size_bytes: int
    changed_at: datetime


def folder_for(run_id: str, *, step: int, attempt: int, token: uuid.UUID, kind: str = "") -> str:
    """Where one attempt puts what it has at ``step``: a place that no other attempt ever writes to."""
    return f"{ROOT}/{run_id}/{step}-{attempt}-{token.hex[:8]}{kind and '-'}{kind}"


def publish(
    folder: str, write: Callable[[Path], None], *, main: str = MODEL_FILE, facts: dict | None = None
) -> Published:
    """Have ``write`` fill a folder, and put it into the storage whole or not at all.

    Args:
        folder: where it goes; never used before, so it holds the token of the attempt.
        write: gets an empty folder on this machine and writes files into it, ``main`` among them.
        main: the file that the row's sha256 and size are those of.
        facts: what else the manifest says, beside the code's version and size and sha256 of each file.
    Raises: OSError (the disk is full, the storage is away): then nothing of the folder stays.
    """
    publisher = publisher_for(default_storage)
    fault_point("checkpoint.before_stage")
    with publisher.stage(folder) as stage:
        write(stage)
        files = {path.name: describe(path) for path in files_in(stage)}
        manifest = {"format": FORMAT, "code": code_version(), **(facts or {}), "files": files}
        (stage / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))
        publisher.put(stage, folder)
    fault_point("checkpoint.after_rename")
    described = manifest["files"][main]
    return Published(folder, manifest, described["sha256"], described["size"])


def remove(folder: str, manifest: dict) -> None:
    """Take a published folder away; one that is gone already, or half of it, is no error. Raises: OSError."""
    publisher_for(default_storage).remove(folder, [*manifest.get("files", {}), MANIFEST])


def verify(folder: str, manifest: dict) -> None:
    """Read every file of the folder. Raises: StorageDamaged when one is not what was published; StorageAway."""
    for name, expected in manifest["files"].items():
        with open_verified(folder, name, expected):
            pass


def open_verified(folder: str, name: str, expected: dict) -> File:
    """The file, opened at its start, after every byte of it was checked.

    A flipped bit would load silently into a network, so size and sha256 are compared first.
    Raises: StorageDamaged when it is missing, cut off or changed; StorageAway.
    """
    with object_store_errors():
        try:
            file = default_storage.open(f"{folder}/{name}", "rb")
        except FileNotFoundError as problem:
            raise StorageDamaged(f"{name} is missing.") from problem
        if file.size != expected["size"] or sha256_of(file) != expected["sha256"]:
            file.close()
            raise StorageDamaged(f"{name} is not what was published: its size or checksum differs.")
        file.seek(0)
        return file


@contextmanager
def fetched(folder: str, manifest: dict) -> Iterator[Path]:
    """A folder on this machine that holds the published files, every byte of them checked. It is not to be written to.

    Raises: StorageDamaged, StorageAway.
    """
    with publisher_for(default_storage).fetched(folder, manifest) as path:
        yield path


# ── What lies in the storage ─────────────────────────────────────────────────────────────────────────────────────


def found_folders() -> Iterator[Found]:
    """Every checkpoint folder that lies in the storage, half written ones too."""
    with object_store_errors():
        for run_id in _listed(ROOT)[0]:
            for name in _listed(f"{ROOT}/{run_id}")[0]:
                yield from _found(f"{ROOT}/{run_id}/{name}")


def found_roots() -> list[str]:
    """The folders that the storage has at its top."""
    with object_store_errors():
        return _listed("")[0]


def found_files(root: str) -> Iterator[str]:
    """The name of every file under ``root``, in folders at any depth."""
    with object_store_errors():
        folders, names = _listed(root)
        yield from (f"{root}/{name}" for name in names)
        for folder in folders:
            yield from found_files(f"{root}/{folder}")


def changed_at(name: str) -> datetime:
    """When a file came into the storage. Raises: FileNotFoundError, StorageAway."""
    with object_store_errors():
        return default_storage.get_modified_time(name)


def _found(folder: str) -> Iterator[Found]:
    names = _listed(folder)[1]
    with suppress(FileNotFoundError):  # renamed or removed while we looked
        times = [default_storage.get_modified_time(f"{folder}/{name}") for name in names]
        sizes = [default_storage.size(f"{folder}/{name}") for name in names]
        if not times:
            times = [_changed_on_disk(folder)]
        yield Found(folder, tuple(names), sum(sizes), max(times))


def _changed_on_disk(folder: str) -> datetime:
    """When an empty folder was made; only a file system has such."""
    return datetime.fromtimestamp(Path(default_storage.path(folder)).stat().st_mtime, UTC)


def _listed(folder: str) -> tuple[list[str], list[str]]:
    try:
        folders, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []
    return sorted(folders), sorted(names)


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
        fault_point("checkpoint.before_fsync")
        for path in files_in(stage):
            fsync(path)
        fsync(stage)
        fault_point("checkpoint.before_rename")
        stage.rename(self._path(folder))
        fsync(stage.parent)

    @contextmanager
    def fetched(self, folder: str, manifest: dict) -> Iterator[Path]:
        verify(folder, manifest)
        yield self._path(folder)

    def remove(self, folder: str, names: list[str]) -> None:
        path = self._path(folder)
        shutil.rmtree(path, onerror=_unless_gone)
        with suppress(OSError):  # other checkpoints of the run lie beside it
            path.parent.rmdir()

    def abort_uploads(self, older_than: datetime) -> int:
        return 0  # a file system has none

    def _path(self, folder: str) -> Path:
        return Path(self.storage.path(folder))  # refuses a name that leads out of the storage


def _unless_gone(function, path, problem) -> None:
    """Two may remove the same folder at once: what the other took is no error."""
    if not isinstance(problem[1], FileNotFoundError):
        raise problem[1]


class ObjectPublisher:
    """Publishes to an object store (S3): each file under its unique key, checked after the upload.

    The store's client asks again by itself when a connection breaks or the store answers that it is busy.
    """

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    @contextmanager
    def stage(self, folder: str) -> Iterator[Path]:
        with staging_folder() as stage:
            yield stage

    def put(self, stage: Path, folder: str) -> None:
        fault_point("checkpoint.before_rename")
        ours: list[str] = []
        try:
            for path in files_in(stage):
                self._upload(path, f"{folder}/{path.name}")
                ours.append(path.name)
        except BaseException:  # whatever stops an upload, half a folder must not stay
            with suppress(OSError):  # unless the store is away for this too: then the sweep takes it
                self.remove(folder, ours)
            raise

    def _upload(self, path: Path, key: str) -> None:
        with object_store_errors():
            with path.open("rb") as file:
                stored = self.storage.save(key, File(file))
            arrived = self.storage.size(stored) == path.stat().st_size
            if stored == key and arrived:
                return
            self.storage.delete(stored)
        raise OSError(f"{key} is already in the storage" if arrived else f"{key} did not arrive whole in the storage")

    @contextmanager
    def fetched(self, folder: str, manifest: dict) -> Iterator[Path]:
        with staging_folder() as stage:
            for name, expected in manifest["files"].items():
                with open_verified(folder, name, expected) as file, (stage / name).open("wb") as copy:
                    shutil.copyfileobj(file, copy, CHUNK_BYTES)
            yield stage

    def remove(self, folder: str, names: list[str]) -> None:
        with object_store_errors():
            for name in names:
                self.storage.delete(f"{folder}/{name}")

    def abort_uploads(self, older_than: datetime) -> int:
        """Have the store forget uploads in parts that nobody ended; how many there were."""
        if not hasattr(self.storage, "bucket"):
            return 0
        with object_store_errors():
            begun = [one for one in self.storage.bucket.multipart_uploads.all() if one.initiated < older_than]
            for one in begun:
                one.abort()
        return len(begun)


@contextmanager
def object_store_errors() -> Iterator[None]:
    """Turn what an object store's client raises into StorageAway, so that callers need to know only OSError.

    It is known by its name: who keeps models on a disk never imports it.
    """
    try:
        yield
    except Exception as problem:
        if type(problem).__module__.partition(".")[0] not in OBJECT_STORE_CLIENTS:
            raise
        raise StorageAway(f"The storage does not answer as it should ({type(problem).__name__}).") from problem


@contextmanager
def staging_folder() -> Iterator[Path]:
    """An empty folder on this machine's own disk, not in the system's temporary one, which may be small."""
    root = Path(settings.MEDIA_ROOT) / "staging"
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="checkpoint-", dir=root) as stage:
        yield Path(stage)


def stale_stages(older_than: datetime) -> list[Path]:
    """Staging folders of this machine whose process was killed."""
    root = Path(settings.MEDIA_ROOT) / "staging"
    stages = list(root.iterdir()) if root.is_dir() else []
    return [path for path in stages if datetime.fromtimestamp(path.stat().st_mtime, UTC) < older_than]


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
