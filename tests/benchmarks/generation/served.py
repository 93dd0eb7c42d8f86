"""The web part of the platform as `manage.py serve` starts it, on a data folder of its own, and its server's clock."""

import functools
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.generation.light_client import post
from tests.processes import free_port
from training.processes import die_with_parent

HOST = "127.0.0.1"
SECONDS_TO_START = 60
STREAMS_PER_PERSON = 4  # more at once are refused


@functools.cache
def install(folder: Path) -> None:
    """Make this process a Django one whose database and files lie in ``folder``; nothing else is touched."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "lyricsite.settings", "DATA_DIR": str(folder), "MEDIA_ROOT": str(folder)}
    (folder / "static").mkdir()  # where `serve` has it too
    os.environ.setdefault("SECRET_KEY", "benchmark")
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def publish_model(folder: Path, file: Path, *, name: str) -> str:
    """Have a model in the list, for everyone to write with; its id. Raises: RuntimeError if eight bits are too few."""
    install(folder)
    from django.contrib.auth import get_user_model

    from tests.generator.tiny_models import publish, ready_to_write
    from training.language_model.serving_files import MANIFEST_FILE
    from training.models import Visibility

    owner, _ = get_user_model().objects.get_or_create(username="owner")
    content = file.read_bytes()
    gates = json.loads(ready_to_write(content)[MANIFEST_FILE])["gates"]
    if gates["served"] != "int8":
        raise RuntimeError(f"This model did not pass the gate of eight bits: {gates}")
    published = publish(owner, content, name=name, kind="bpe", visibility=Visibility.SHARED)
    return str(published.pk)


def tokens_of_people(count: int) -> list[str]:
    """A bearer token for each of ``count`` people."""
    from django.contrib.auth import get_user_model

    from lyricsite.models import ApiToken

    people = (get_user_model().objects.get_or_create(username=f"singer{number}")[0] for number in range(count))
    return [ApiToken.issue(user=person)[1] for person in people]


def stream_request(port: int, model: str, prompt: str, *, token: str, **recipe) -> bytes:
    """A person's request for a text as it is written."""
    body = json.dumps({"model": model, "prompt": prompt, "stream": True, **recipe}).encode()
    return post(port, "/api/v1/lyrics/generate/", body, token=token)


@contextmanager
def web_server(folder: Path) -> Iterator[tuple[int, int]]:
    """(port, process id) of the web server, with the broker that counts for its throttles."""
    install(folder)
    from django.conf import settings
    from django.db import connections

    from lyricsite.broker import embedded_broker
    from lyricsite.management.commands.serve import web_server as web_part

    connections.close_all()
    broker = embedded_broker(folder, settings.BROKER_SOCKET)
    with process(broker.command):
        broker.wait_until_it_answers()
        port = free_port()
        with process(web_part(HOST, port).command, broker.environment) as web:
            wait_for(port, "/healthz")
            yield port, web.pid


@contextmanager
def naive_server(file: Path) -> Iterator[tuple[int, int]]:
    """(port, process id) of the yardstick's server."""
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.generation.naive_server", str(file), str(port)]
    with process(command, {"OMP_NUM_THREADS": "1"}) as server:
        wait_for(port, "/")
        yield port, server.pid


@contextmanager
def process(command: list[str], environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen]:
    started = subprocess.Popen(command, env=os.environ | (environment or {}), preexec_fn=die_with_parent)
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def wait_for(port: int, path: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"Nothing answers on port {port}.")


def processor_seconds(pid: int) -> float:
    """What another process has used of the processor, all threads, living and ended (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)
