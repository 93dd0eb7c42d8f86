"""A PostgreSQL of one test alone, to stop and to crash, and a way to have this process use it for a while."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import environ
from django.db import connections

from tests.needs import lacking
from tests.processes import free_port

NOBODY = "postgres"  # PostgreSQL refuses to run as root; its packages bring this user


def programs() -> Path:
    """The newest installed PostgreSQL's folder of programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and not on_path:
        lacking("No PostgreSQL server to start: install postgresql.")
    return found[-1].parent if found else Path(on_path).parent


@dataclass
class PrivatePostgres:
    """A cluster in a folder of its own, reached over TCP without a password."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"postgres://{NOBODY}:@127.0.0.1:{self.port}/postgres"

    def create(self) -> None:
        if os.geteuid() == 0:
            try:
                owner = pwd.getpwnam(NOBODY)
            except KeyError:
                lacking(f"PostgreSQL can't run as root, and there is no user {NOBODY}.")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", NOBODY, "-A", "trust", "-E", "UTF8", "--locale=C")

    def start(self) -> None:
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -c max_connections=60 -c shared_buffers=16MB"
        self._control("start", "-w", "-l", str(self.folder / "log"), "-o", options)

    def crash(self) -> None:
        """End every process of it at once; what was committed comes back from its log at the next start."""
        self._control("stop", "-m", "immediate")

    def stop(self) -> None:
        self._control("stop", "-m", "fast")

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), *words)

    def _run(self, program: str, *words: str) -> None:
        as_nobody = ["runuser", "-u", NOBODY, "--"] if os.geteuid() == 0 else []
        command = [*as_nobody, str(programs() / program), *words]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=self.folder, check=False
        )
        if done.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program} failed; {log.read_text()[-2000:] if log.exists() else 'no log'}")


@contextmanager
def private_postgres() -> Iterator[PrivatePostgres]:
    """A running cluster, removed afterwards."""
    programs()
    folder = Path(tempfile.mkdtemp(prefix="lyrics-pg-"))  # pytest's own folders are closed to other users
    cluster = PrivatePostgres(folder)
    try:
        cluster.create()
        cluster.start()
        yield cluster
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def using_database(url: str) -> Iterator[None]:
    """Let this process's models live in the PostgreSQL at ``url`` for a while."""
    old = connections["default"]
    settings = {**old.settings_dict, **environ.Env.db_url_config(url), "OPTIONS": {}, "CONN_MAX_AGE": 0}
    connections.databases["default"], kept = settings, connections.databases["default"]
    new = connections.create_connection("default")
    connections["default"] = new
    try:
        yield
    finally:
        new.close()
        connections.databases["default"] = kept
        connections["default"] = old
