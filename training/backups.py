"""A backup is one folder: a snapshot of the database, then the files that its rows name.

    backup.json       what is in it; written last, so that half a backup is never taken for one
    database.…        SQLite by `VACUUM INTO`, PostgreSQL by `pg_dump`: both one moment, while everybody goes on
    files/            the storage as it lies: checkpoints, models, uploads

Files are written once and never changed, so copying them after the snapshot is safe as long as none is removed
meanwhile: `retention.hold` sees to that. What comes into the storage after the snapshot is copied or not; nobody
misses it. A run that trained while the backup was made is, after a restore, one whose worker vanished: the reconciler
puts it back into the line, and it goes on from its last checkpoint.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.utils import timezone

from training import retention, storage

ABOUT = "backup.json"
FILES = "files"
FORMAT = 1
RENEW_SECONDS = retention.HOLD_SECONDS / 5
PASSING = {"health", "staging"}  # folders of the storage whose files live for a moment
DUMPS = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}


class BackupFailed(Exception):
    """Raised when a backup can't be made or restored; the sentence says why."""


@dataclass(frozen=True)
class Backup:
    """What a backup says of itself."""

    format: int
    made_at: str
    vendor: str
    database_sha256: str
    files: int
    size_bytes: int


# ── Making one ───────────────────────────────────────────────────────────────────────────────────────────────────


def make(target: Path, *, tell: Callable[[str], None] = lambda sentence: None) -> Backup:
    """Write a backup into the new folder ``target``, whole or not at all. Raises: BackupFailed, OSError."""
    if target.exists():
        raise BackupFailed(f"{target} is there already: a backup is never written over.")
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    retention.hold()
    try:
        tell("The database …")
        dump = part / dump_name()
        DUMPERS[connection.vendor](dump)
        tell("The files …")
        files, size_bytes = _copy_files(part / FILES)
    finally:
        retention.end_hold()
    about = Backup(
        format=FORMAT,
        made_at=timezone.now().isoformat(),
        vendor=connection.vendor,
        database_sha256=_sha256(dump),
        files=files,
        size_bytes=size_bytes,
    )
    (part / ABOUT).write_text(json.dumps(asdict(about), indent=1))
    _settle(part)
    part.rename(target)
    storage.fsync(target.parent)
    return about


def dump_name() -> str:
    if connection.vendor not in DUMPS:
        raise BackupFailed(f"Databases of {connection.vendor} are not known here.")
    return DUMPS[connection.vendor]


def _dump_sqlite(target: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(target)])


def _dump_postgresql(target: Path) -> None:
    _run_client("pg_dump", "--format=custom", "--no-owner", "--no-acl", f"--file={target}")


def _copy_files(target: Path) -> tuple[int, int]:
    """Copy what lies in the storage; (files, their bytes). Raises: OSError."""
    count = size_bytes = 0
    hold_again = time.monotonic() + RENEW_SECONDS
    for name in stored_files():
        if time.monotonic() > hold_again:
            retention.hold()
            hold_again = time.monotonic() + RENEW_SECONDS
        if Path(name).parent.suffix == ".tmp":
            continue  # a checkpoint that is being written
        with suppress(FileNotFoundError):  # an upload that was refused: it never had a row
            size_bytes += _copy_file(name, target / name)
            count += 1
    return count, size_bytes


def stored_files() -> Iterator[str]:
    """The name of every file in the storage that is there to stay."""
    for root in storage.found_roots():
        if root not in PASSING:
            yield from storage.found_files(root)


def _copy_file(name: str, copy: Path) -> int:
    copy.parent.mkdir(parents=True, exist_ok=True)
    with storage.object_store_errors(), default_storage.open(name, "rb") as file, copy.open("wb") as to:
        shutil.copyfileobj(file, to, storage.CHUNK_BYTES)
    return copy.stat().st_size


def _settle(folder: Path) -> None:
    """Have the disk hold everything in the folder."""
    for path in sorted(folder.rglob("*"), reverse=True):
        storage.fsync(path)
    storage.fsync(folder)


# ── Restoring one ────────────────────────────────────────────────────────────────────────────────────────────────


def read(source: Path) -> Backup:
    """What the backup in ``source`` says of itself, its database checked. Raises: BackupFailed."""
    try:
        about = Backup(**json.loads((source / ABOUT).read_text()))
    except (OSError, ValueError, TypeError) as problem:
        raise BackupFailed(f"{source} is no backup, or only half of one.") from problem
    if about.format != FORMAT:
        raise BackupFailed(f"The backup has format {about.format}; this program reads {FORMAT}.")
    if about.vendor != connection.vendor:
        raise BackupFailed(f"The backup is of {about.vendor}; this database is {connection.vendor}.")
    if _sha256(source / dump_name()) != about.database_sha256:
        raise BackupFailed("The backup's database is not what was written: its checksum differs.")
    return about


def restore(source: Path, *, tell: Callable[[str], None] = lambda sentence: None) -> Backup:
    """Bring a backup back, into an empty database and an empty storage. No other process may be running.

    First the files, then the database: a restore that died half way has no rows that name what is not there.
    Raises: BackupFailed, OSError.
    """
    about = read(source)
    if connection.introspection.table_names():
        raise BackupFailed("The database is not empty: a backup is only restored into an empty one.")
    if name := next(stored_files(), None):
        raise BackupFailed(f"There are files already, such as {name}: a backup is only restored into an empty storage.")
    tell("The files …")
    _bring_back_files(source / FILES)
    tell("The database …")
    RESTORERS[connection.vendor](source / dump_name())
    return about


def _bring_back_files(source: Path) -> None:
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        name = path.relative_to(source).as_posix()
        with path.open("rb") as file, storage.object_store_errors():
            stored = default_storage.save(name, File(file))
        if stored != name:
            raise BackupFailed(f"{name} is already in the storage.")


def _restore_sqlite(dump: Path) -> None:
    database = Path(connection.settings_dict["NAME"])
    connections.close_all()
    for suffix in ("", "-wal", "-shm"):  # of the empty database that was looked at
        Path(f"{database}{suffix}").unlink(missing_ok=True)
    part = database.with_name(f"{database.name}.part")
    shutil.copyfile(dump, part)
    with closing(sqlite3.connect(part)) as copy:
        [(verdict,)] = copy.execute("PRAGMA integrity_check").fetchall()
    if verdict != "ok":
        raise BackupFailed(f"The backup's database is damaged: {verdict}")
    storage.fsync(part)
    part.rename(database)


def _restore_postgresql(dump: Path) -> None:
    _run_client("pg_restore", "--no-owner", "--no-acl", "--exit-on-error", "--single-transaction", str(dump))


# ── PostgreSQL's own programs ────────────────────────────────────────────────────────────────────────────────────


def _run_client(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on our database. Raises: BackupFailed."""
    database = connections[DEFAULT_DB_ALIAS].settings_dict
    told = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
    environment = {variable: str(database[name]) for name, variable in told.items() if database.get(name)}
    command = [program, f"--dbname={database['NAME']}", *arguments]
    try:
        done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    except FileNotFoundError:
        raise BackupFailed(f"{program} is missing (Debian: apt install postgresql-client).") from None
    if done.returncode:
        raise BackupFailed(f"{program} failed: {done.stderr.strip()}")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise BackupFailed(f"{path.name} is missing in the backup.") from None


DUMPERS = {"sqlite": _dump_sqlite, "postgresql": _dump_postgresql}
RESTORERS = {"sqlite": _restore_sqlite, "postgresql": _restore_postgresql}
