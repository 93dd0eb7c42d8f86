"""Real processes for tests: a broker, the web server and workers, on the test's own database."""

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from django.conf import settings
from django.db import connection

from lyricsite.broker import Broker, BrokerMissing, embedded_broker
from tests.needs import lacking

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 120  # for what should happen soon: the machine may be slow, the test must not care


def wait_until(condition: Callable[[], object], *, seconds: float = PATIENCE_SECONDS, what: str = "") -> object:
    """Return the first true answer of ``condition``, asked again and again. Raises: AssertionError when none came."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds} s in vain: {what or condition}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_database_url() -> str:
    """The address of the database that this test uses, for processes started beside it."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{Path(database['NAME']).absolute()}"
    host, port = database["HOST"] or "127.0.0.1", database["PORT"] or 5432
    return f"postgres://{database['USER']}:{database['PASSWORD']}@{host}:{port}/{database['NAME']}"


test_database_url.__test__ = False  # a name for readers, not a test


@dataclass
class Platform:
    """The running parts, and how a test talks to them."""

    folder: Path
    url: str
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)

    def start(self, name: str, command: list[str]) -> subprocess.Popen:
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        return self.processes[name]

    def start_web(self) -> None:
        port = self.url.rsplit(":", 1)[1]
        self.start("web", [sys.executable, "-m", "uvicorn", "lyricsite.asgi:application", "--port", port,
                           "--http", "lyricsite.web_protocol:PatientProtocol",
                           "--log-level", "warning", "--timeout-graceful-shutdown", "1"])  # fmt: skip
        wait_until(lambda: self.status("/healthz") == 200, what="the web server")

    def start_worker(self, name: str = "training", queues: str = "training", processes: int = 1) -> subprocess.Popen:
        return self.start(name, [sys.executable, "-m", "celery", "-A", "lyricsite", "worker", "-n", f"{name}@%h",
                                 "-Q", queues, "-c", str(processes), "-l", "INFO",
                                 "--without-gossip", "--without-mingle"])  # fmt: skip

    def start_workers(self) -> None:
        self.start_worker("training", "training")
        self.start_worker("imports", "imports,maintenance")
        wait_until(lambda: self.status("/readyz") == 200, what="every part ready")

    def status(self, path: str) -> int:
        """The status of an answer to GET ``path``; 0 when nobody answers."""
        try:
            return httpx.get(self.url + path, timeout=5).status_code
        except httpx.TransportError:
            return 0

    def stop(self, name: str) -> None:
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop_all(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for name in list(self.processes):
            self.stop(name)

    def logs(self) -> str:
        return "\n".join(f"── {path.name}\n{path.read_text()[-4000:]}" for path in sorted(self.folder.glob("*.log")))


def needed_broker(folder: Path) -> Broker:
    try:
        return embedded_broker(folder, folder / "broker.sock")
    except BrokerMissing as missing:
        lacking(str(missing))


@contextmanager
def running_platform(folder: Path, *, workers: bool = True) -> Iterator[Platform]:
    """Start every part on the test's database; end every part afterwards."""
    environment = {
        **os.environ,
        "DATABASE_URL": test_database_url(),
        "SECRET_KEY": settings.SECRET_KEY,
        "MEDIA_ROOT": str(settings.MEDIA_ROOT),
        "DATA_DIR": str(folder),
        "COLLECTS_STATIC": "false",
        "REDIS_PREFIX": f"test-{uuid.uuid4().hex[:8]}:",
        "LEASE_SECONDS": "6",
        "HEARTBEAT_SECONDS": "1",
        "RECONCILE_SECONDS": "1",
        "RING_AGAIN_SECONDS": "3",
        "OMP_NUM_THREADS": "1",
    }
    platform = Platform(folder, f"http://127.0.0.1:{free_port()}", environment)
    try:
        if not settings.REDIS_URL:
            broker = needed_broker(folder)
            platform.start("broker", broker.command)
            broker.wait_until_it_answers()
            environment.update(broker.environment)
        else:
            environment["REDIS_URL"] = settings.REDIS_URL
        platform.start_web()
        if workers:
            platform.start_workers()
        yield platform
    except BaseException:
        print(platform.logs())  # pytest shows it beside the failure
        raise
    finally:
        platform.stop_all()
