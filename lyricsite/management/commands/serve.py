"""The whole platform on one machine: broker, web server and workers under one supervisor."""

import fcntl
import os
import socket
import sys
import time
import urllib.request
from contextlib import contextmanager

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from lyricsite import bootstrap
from lyricsite.broker import Broker, BrokerMissing, embedded_broker
from lyricsite.env import DATA_DIR, env
from lyricsite.supervisor import Child, Supervisor

WORKER_GRACE_SECONDS = 30


class Command(BaseCommand):
    help = "Run the whole platform on this machine: database, broker, web server and workers. Ctrl-C ends all of it."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
        parser.add_argument("--port", type=int, default=env.int("PORT", default=8000))
        parser.add_argument("--workers", type=int, default=1, help="trainings at the same time (default: 1)")

    def handle(self, *, host: str, port: int, workers: int, **options) -> None:
        refuse_busy_port(host, port)
        for folder in (DATA_DIR, settings.MEDIA_ROOT, settings.STATIC_ROOT):
            folder.mkdir(parents=True, exist_ok=True)
        with one_at_a_time():
            supervisor = Supervisor()
            supervisor.listen_to_signals()
            try:
                self.start_everything(supervisor, host, port, workers)
                supervisor.run()
                self.say("Stopping: a training that runs is handed back and goes on at the next start.")
            finally:
                supervisor.end_all()

    def start_everything(self, supervisor: Supervisor, host: str, port: int, workers: int) -> None:
        if not settings.REDIS_URL:
            self.start_broker(supervisor)
        call_command("migrate", interactive=False, verbosity=0)
        password = bootstrap.ensure_administrator()
        if bootstrap.ensure_songbook():
            self.say(f"Imported the {bootstrap.SONGBOOK.lower()}.")
        connections.close_all()
        web = web_server(host, port)
        supervisor.start(web, *celery_workers(workers))
        address = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}/"  # noqa: S104
        supervisor.run(until=lambda: answers(f"http://{reachable(host)}:{port}/healthz"))
        if not supervisor.is_stopping:
            self.say_welcome(address, password)

    def start_broker(self, supervisor: Supervisor) -> None:
        try:
            broker: Broker = embedded_broker(DATA_DIR, settings.BROKER_SOCKET)
        except BrokerMissing as problem:
            raise CommandError(str(problem)) from problem
        os.environ.update(broker.environment)
        supervisor.start(Child("broker", broker.command))
        try:
            broker.wait_until_it_answers()
        except TimeoutError as problem:
            raise CommandError(str(problem)) from problem

    def say_welcome(self, address: str, password: str | None) -> None:
        self.say("")
        self.say(f"  LyricsGeneration is open at {address}")
        if password:
            self.say(f"  Sign in as {bootstrap.ADMIN} with the password {password}")
            self.say(f"  (shown this once; it is kept in {DATA_DIR / bootstrap.PASSWORD_FILE})")
        self.say("  Ctrl-C ends everything.")
        self.say("")

    def say(self, words: str) -> None:
        self.stdout.write(words)
        self.stdout.flush()


@contextmanager
def one_at_a_time():
    """Hold the data folder: two supervisors on one folder would fight over the broker's socket."""
    with (DATA_DIR / "serve.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise CommandError(f"Another `serve` already runs on {DATA_DIR}. Stop it, or set DATA_DIR.") from problem
        yield


def refuse_busy_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise CommandError(
                f"Port {port} on {host} can't be used ({problem.strerror}). Try: make run PORT={port + 1}"
            ) from problem


def web_server(host: str, port: int) -> Child:
    command = [sys.executable, "-m", "uvicorn", "lyricsite.asgi:application", "--host", host, "--port", str(port)]
    command += ["--http", "lyricsite.web_protocol:PatientProtocol"]
    command += ["--log-level", "warning", "--no-server-header", "--timeout-graceful-shutdown", "2"]
    return Child("web", command, grace_seconds=8)


def celery_workers(trainings: int) -> list[Child]:
    return [
        celery_worker("training", "training", trainings),
        celery_worker("imports", "imports,maintenance", 2),
    ]


def celery_worker(name: str, queues: str, processes: int) -> Child:
    command = [sys.executable, "-m", "celery", "-q", "-A", "lyricsite", "worker", "-n", f"{name}@%h", "-Q", queues]
    command += ["-c", str(processes), "-l", "WARNING", "--without-gossip", "--without-mingle"]
    environment = {"PYTHONWARNINGS": "ignore:You're running the worker"}  # whoever runs this as root has chosen to
    return Child(f"worker {name}", command, environment, grace_seconds=WORKER_GRACE_SECONDS, may_leave=True)


def reachable(host: str) -> str:
    return "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host  # noqa: S104


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return answer.status == 200
    except OSError:
        time.sleep(0.1)
        return False
