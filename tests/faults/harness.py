"""A platform to break: real processes with known pids, a broker of its own behind a proxy, and ways to hurt them."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from celery import current_app
from django.conf import settings
from django.db import connection

from lyricsite.models import ApiToken
from tests.faults import pace, pids
from tests.faults.private_broker import PrivateBroker
from tests.faults.proxy import Proxy
from tests.processes import Platform, free_port, test_database_url, wait_until
from tests.training.runs import expire_lease
from training import lifecycle
from training.models import TrainingRun

State = TrainingRun.State


@dataclass
class FaultPlatform(Platform):
    """The running parts of one module's tests, on the test's database.

    Processes are started by name and only when asked for; what one test has broken, the next one finds mended
    (`ensure_worker`, `ensure_web`).
    """

    broker: PrivateBroker | None = None
    broker_proxy: Proxy | None = None
    database_proxy: Proxy | None = None
    log_begins: dict[str, int] = field(default_factory=dict)

    # ── Starting ─────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def media(self) -> Path:
        return Path(self.environment["MEDIA_ROOT"])

    def is_running(self, name: str) -> bool:
        process = self.processes.get(name)
        return process is not None and process.poll() is None

    def ensure_worker(self, name: str = "training", queues: str = "training", processes: int = 1) -> None:
        """A worker that listens, whatever happened to the one of this name before."""
        if not self.is_running(name):
            self.start_worker(name, queues, processes)
        wait_until(lambda: self.listens(name), what=f"the worker {name}")

    def start_worker(self, name: str = "training", queues: str = "training", processes: int = 1, **environment):
        """Start a worker without waiting for it; ``environment`` is added to that of the others."""
        saved, self.environment = self.environment, self.environment | environment
        try:
            return super().start_worker(name, queues, processes)
        finally:
            self.environment = saved

    def listens(self, name: str) -> bool:
        from training.models import Worker

        fresh = Worker.objects.listening_to("training") | Worker.objects.listening_to("imports")
        return fresh.filter(name__startswith=f"{name}@").exists()

    def ensure_web(self) -> None:
        if not self.is_running("web"):
            self.start_web()

    def start_beat(self, name: str = "beat") -> subprocess.Popen:
        command = [sys.executable, "-m", "celery", "-A", "lyricsite", "beat", "-l", "INFO"]
        return self.start(name, [*command, "--schedule", str(self.folder / f"{name}.schedule")])

    # ── Hurting ──────────────────────────────────────────────────────────────────────────────────────────────────

    def pid(self, name: str) -> int:
        return self.processes[name].pid

    def kill(self, name: str) -> None:
        """kill -9 the main process of a part, and wait until it is gone."""
        process = self.processes.pop(name)
        process.kill()
        process.wait(20)

    def terminate(self, name: str) -> subprocess.Popen:
        """SIGTERM to the main process; the caller waits for its end."""
        process = self.processes.pop(name)
        process.terminate()
        return process

    def freeze(self, name: str) -> list[int]:
        """SIGSTOP to the part and all that it started; returns their ids for `thaw`."""
        frozen = pids.family(self.pid(name))
        pids.send(signal.SIGSTOP, *frozen)
        return frozen

    def thaw(self, frozen: list[int]) -> None:
        pids.send(signal.SIGCONT, *frozen)

    def child_of(self, run: TrainingRun) -> int:
        """The pid of the one process that trains ``run``, once there is one."""
        return wait_until(lambda: pids.children_of(run), what="the training process")[0]

    def kill_child(self, run: TrainingRun) -> int:
        pid = self.child_of(run)
        pids.send(signal.SIGKILL, pid)
        return pid

    def arm(self, point: str, action: str) -> None:
        """Let the next passage of a fault point break there, in whichever process comes by; once."""
        (Path(self.environment["FAULT_FOLDER"]) / point).write_text(action)

    def has_struck(self, point: str) -> bool:
        return not (Path(self.environment["FAULT_FOLDER"]) / point).exists()

    def disarm(self) -> None:
        for file in Path(self.environment["FAULT_FOLDER"]).iterdir():
            file.unlink(missing_ok=True)

    # ── Asking ───────────────────────────────────────────────────────────────────────────────────────────────────

    def ring(self, times: int = 1, task: str = "training.tasks.train_next", args: tuple = ()) -> None:
        """Put the message that says "a run waits" into the private broker."""
        options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "global_keyprefix": self.environment["REDIS_PREFIX"]}
        url = f"redis://127.0.0.1:{self.broker.port}/0"
        with current_app.connection_for_write(url=url, transport_options=options) as broker:
            for _ in range(times):
                current_app.send_task(task, args, connection=broker, queue=self._queue_of(task))

    @staticmethod
    def _queue_of(task: str) -> str:
        return "training" if task.startswith(("training.tasks.train", "training.tasks.explain")) else "imports"

    def messages(self, queue: str = "training") -> int:
        """How many unread messages lie in the private broker."""
        with self.broker.client() as client:
            return client.llen(self.environment["REDIS_PREFIX"] + queue)

    @contextmanager
    def session(self, user) -> Iterator[httpx.Client]:
        """The API as ``user``."""
        _, token = ApiToken.issue(user=user)
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=self.url + "/api/v1", headers=headers, timeout=60) as client:
            yield client

    def new_log(self, name: str) -> str:
        """What a part has logged since this test began."""
        path = self.folder / f"{name}.log"
        return path.read_bytes()[self.log_begins.get(name, 0) :].decode(errors="replace") if path.exists() else ""

    # ── From one test to the next ────────────────────────────────────────────────────────────────────────────────

    def begin_test(self) -> None:
        self.log_begins = {path.stem: path.stat().st_size for path in self.folder.glob("*.log")}
        self.mend()

    def mend(self) -> None:
        """Let the surroundings work again: no fault planted, nothing frozen, the broker and every proxy back."""
        self.disarm()
        for process in self.processes.values():
            if process.poll() is None:
                pids.send(signal.SIGCONT, *pids.family(process.pid))
        for proxy in (self.broker_proxy, self.database_proxy):
            if proxy is not None:
                proxy.heal()
        if self.broker.process is None:
            self.broker.start()

    def end_runs(self) -> None:
        """Leave no run behind for the next test, and no process that trains one."""
        unfinished = list(TrainingRun.objects.unfinished())
        for run in unfinished:
            lifecycle.request_cancel(run, "the test")
        for run in TrainingRun.objects.running():
            expire_lease(run)
        lifecycle.reconcile()
        wait_until(
            lambda: not any(pids.children_of(run) for run in unfinished), what="the end of every training process"
        )

    def stop_all(self) -> None:
        for process in self.processes.values():
            pids.send(signal.SIGCONT, *pids.family(process.pid))
        super().stop_all()


@contextmanager
def fault_platform(folder: Path, *, proxies_database: bool = False, **environment: str) -> Iterator[FaultPlatform]:
    """A broker and everything that the parts need to start; no part runs yet. Ends every part afterwards.

    ``proxies_database`` puts a proxy between the parts and PostgreSQL, to cut it off (`database_proxy`); this process
    talks to the database directly.
    """
    (folder / "faults").mkdir()
    (folder / "media").mkdir()
    broker = PrivateBroker(folder / "broker")
    broker.start()
    broker_proxy = Proxy.start(broker.port)
    database_proxy, database = _way_to_database(proxies_database)
    told = {
        **os.environ,
        **{name: str(seconds) for name, seconds in pace.TIMES.items()},
        "DATABASE_URL": database,
        "REDIS_URL": f"redis://127.0.0.1:{broker_proxy.port}/0",
        "REDIS_PREFIX": f"test-{uuid.uuid4().hex[:8]}:",
        "SECRET_KEY": settings.SECRET_KEY,
        "MEDIA_ROOT": str(folder / "media"),
        "DATA_DIR": str(folder),
        "COLLECTS_STATIC": "false",
        "FAULTS_ENABLED": "true",
        "FAULT_FOLDER": str(folder / "faults"),
        "SUPERVISOR_PID": str(os.getpid()),
        "OMP_NUM_THREADS": "1",
        "RUNNING_RUNS_PER_USER": "20",  # the fair share has tests of its own
        "EXPLAIN_SECONDS": "0.1",  # insights into finished runs would take the processor from what is measured
        **environment,
    }
    platform = FaultPlatform(
        folder,
        f"http://127.0.0.1:{free_port()}",
        told,
        broker=broker,
        broker_proxy=broker_proxy,
        database_proxy=database_proxy,
    )
    try:
        yield platform
    finally:
        platform.stop_all()
        broker.kill()
        for proxy in filter(None, (broker_proxy, database_proxy)):
            proxy.close()


def _way_to_database(is_proxied: bool) -> tuple[Proxy | None, str]:
    url = test_database_url()
    if not is_proxied:
        return None, url
    if connection.vendor != "postgresql":
        pytest.skip("Only PostgreSQL can be cut off by a proxy; SQLite is a file.")
    told = connection.settings_dict
    proxy = Proxy.start(int(told["PORT"] or 5432), host=told["HOST"] or "127.0.0.1")
    credentials = f"{told['USER']}:{told['PASSWORD']}"
    return proxy, f"postgres://{credentials}@127.0.0.1:{proxy.port}/{told['NAME']}"
