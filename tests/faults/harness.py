"""A platform to break: real processes with known pids, a broker of its own behind a proxy, and ways to hurt them."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import redis
from celery import current_app
from django.conf import settings
from django.db import connection

from lyricsite.broker import BrokerMissing, server_program
from lyricsite.models import ApiToken
from tests.faults.proxy import Proxy
from tests.needs import lacking
from tests.processes import Platform, free_port, test_database_url, wait_until
from tests.training.runs import SMALL, expire_lease, make_run
from training import lifecycle
from training.language_model.config import resolve_config
from training.models import TrainingRun

State = TrainingRun.State
IS_FULL = os.environ.get("FAULTS_FULL", "") not in {"", "0", "false"}
# What a slow machine may need beside the deadline itself: a worker and a child start in seconds of processor time.
ALLOWANCE_SECONDS = 20
REAL_TIMES = {
    "LEASE_SECONDS": 30,
    "HEARTBEAT_SECONDS": 5,
    "RECONCILE_SECONDS": 10,
    "RING_AGAIN_SECONDS": 15,
    "STALL_SECONDS": 60,
    "CANCEL_GRACE_SECONDS": 15,
    "WORKER_BEAT_SECONDS": 1.5,
    "WORKER_STALE_SECONDS": 5,
    "RESUME_SECONDS": 60,
    "LOST_WAITS_SECONDS": "0,10,60",
}
# A tenth, but for what must outlast a moment in which a busy machine runs something else.
SCALED_TIMES = {
    "LEASE_SECONDS": 4,
    "HEARTBEAT_SECONDS": 0.5,
    "RECONCILE_SECONDS": 1,
    "RING_AGAIN_SECONDS": 1.5,
    "STALL_SECONDS": 15,
    "CANCEL_GRACE_SECONDS": 3,
    "WORKER_BEAT_SECONDS": 0.5,
    "WORKER_STALE_SECONDS": 3,
    "RESUME_SECONDS": 1,
    "LOST_WAITS_SECONDS": "0,1,6",
}
TIMES = REAL_TIMES if IS_FULL else SCALED_TIMES

BRIEF = SMALL | {"steps": 12}
ENDLESS = SMALL | {"steps": 1_000_000, "epochs": 1000, "patience": 0, "evaluations": 1, "sample_tokens": 0}


def limit(seconds: float) -> float:
    """How long to wait for what the rules promise within ``seconds``: as they say, or a tenth of it on scaled times."""
    return seconds if IS_FULL else seconds / 10 + ALLOWANCE_SECONDS


def scaled(seconds: float) -> float:
    """How long a fault of ``seconds`` lasts in this run of the tests."""
    return seconds if IS_FULL else seconds / 10


# ── Processes, by their exact ids ────────────────────────────────────────────────────────────────────────────────


def command_line(pid: int) -> list[str]:
    """The words of a process's command; empty when it is gone or a zombie."""
    try:
        return [word.decode(errors="replace") for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
    except OSError:
        return []


def parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def all_pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def family(pid: int) -> list[int]:
    """``pid`` and everything that it started, parents first."""
    parents = {one: parent_of(one) for one in all_pids()}
    found = [pid]
    for member in found:  # grows while it is gone through
        found += [one for one, parent in parents.items() if parent == member]
    return found


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def send(number: signal.Signals, *pids: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue  # it ended by itself


def children_of(run: TrainingRun) -> list[int]:
    """The processes of this machine that train ``run``."""
    return [pid for pid in all_pids() if {"train_attempt", run.pk} <= set(command_line(pid)) and is_alive(pid)]


def resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


# ── The parts around the platform ────────────────────────────────────────────────────────────────────────────────


@dataclass
class PrivateBroker:
    """A Valkey or Redis of this test alone, on a port that stays the same across restarts."""

    folder: Path
    keeps: bool = False  # whether it writes an append-only file
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            program = server_program()
        except BrokerMissing as missing:
            lacking(str(missing))
        command = [program, "--dir", str(self.folder), "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        command += ["--appendonly", "yes" if self.keeps else "no", "--logfile", str(self.folder / "log")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, seconds=20, what="the broker")

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=2, socket_connect_timeout=1)

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def flush(self) -> None:
        """Lose every message, at once."""
        with self.client() as client:
            client.flushall()

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


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
        """SIGSTOP to the part and all that it started; returns the pids for `thaw`."""
        pids = family(self.pid(name))
        send(signal.SIGSTOP, *pids)
        return pids

    def thaw(self, pids: list[int]) -> None:
        send(signal.SIGCONT, *pids)

    def child_of(self, run: TrainingRun) -> int:
        """The pid of the one process that trains ``run``, once there is one."""
        return wait_until(lambda: children_of(run), what="the training process")[0]

    def kill_child(self, run: TrainingRun) -> int:
        pid = self.child_of(run)
        send(signal.SIGKILL, pid)
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
                send(signal.SIGCONT, *family(process.pid))
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
        wait_until(lambda: not any(children_of(run) for run in unfinished), what="the end of every training process")

    def stop_all(self) -> None:
        for process in self.processes.values():
            send(signal.SIGCONT, *family(process.pid))
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
        **{name: str(seconds) for name, seconds in TIMES.items()},
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


# ── Runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def queue_run(dataset, overrides: dict | None = None, *, architecture: str = "gru", **fields) -> TrainingRun:
    """A waiting run of a tiny network: `BRIEF` by default, or any of its settings changed."""
    config = resolve_config(architecture=architecture, overrides=BRIEF | (overrides or {})).to_dict()
    return make_run(dataset, config=config, architecture=architecture, seed=config["seed"], **fields)


def fresh(run: TrainingRun) -> TrainingRun:
    run.refresh_from_db()
    return run


def wait_for_state(run: TrainingRun, *states: str, seconds: float = 120) -> TrainingRun:
    """The run, once it is in one of ``states``."""
    wait_until(lambda: fresh(run).state in states, seconds=seconds, what=f"{run.pk} to be {' or '.join(states)}")
    return run


def wait_for_learning(run: TrainingRun, *, attempt: int | None = None, seconds: float = 120) -> TrainingRun:
    """The run, once an attempt (``attempt``: this one) has made a step."""

    def learns() -> bool:
        fresh(run)
        return run.phase == "Learning" and run.step > 0 and attempt in (None, run.attempts)

    wait_until(learns, seconds=seconds, what=f"{run.pk} to learn")
    return run


def seconds_until(condition, *, seconds: float, what: str = "") -> float:
    """How long it took until ``condition`` held. Raises: AssertionError when it did not within ``seconds``."""
    begun = time.monotonic()
    wait_until(condition, seconds=seconds, what=what)
    return time.monotonic() - begun


def note_figure(name: str, value: object) -> None:
    """Print a measured figure, and add it to the file named by FAULT_FIGURES where there is one."""
    line = json.dumps({"figure": name, "value": value, "full": IS_FULL, "database": connection.vendor})
    print(line)
    if path := os.environ.get("FAULT_FIGURES"):
        with Path(path).open("a") as file:
            file.write(line + "\n")
