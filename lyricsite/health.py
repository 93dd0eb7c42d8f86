"""Do the parts answer? Each check says yes, or what is wrong in one sentence."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import redis
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import close_old_connections, connection

from training.models import Worker

SECONDS_TO_ANSWER = 1.8  # the whole answer stays under 2 s also when a part hangs


@dataclass(frozen=True)
class Part:
    name: str
    ok: bool
    detail: str


def check_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return connection.vendor


def check_broker() -> str:
    url = settings.REDIS_URL or f"unix://{settings.BROKER_SOCKET}?db=0"
    with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
        client.ping()
    return "answers"


def check_storage() -> str:
    name = default_storage.save("health/probe", ContentFile(b"ok"))
    default_storage.delete(name)
    return "writable"


def check_worker() -> str:
    listening = Worker.objects.listening_to("training").count()
    if not listening:
        raise LookupError("no worker listens to the training queue")
    return f"{listening} listening"


CHECKS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "broker": check_broker,
    "storage": check_storage,
    "worker": check_worker,
}


def examine() -> list[Part]:
    """Ask every part at once and wait at most `SECONDS_TO_ANSWER` for the slowest."""
    with_deadline = ThreadPoolExecutor(max_workers=len(CHECKS), thread_name_prefix="health")
    answers = {name: with_deadline.submit(_ask, check) for name, check in CHECKS.items()}
    parts = [_part(name, answer) for name, answer in answers.items()]
    with_deadline.shutdown(wait=False, cancel_futures=True)
    return parts


def _ask(check: Callable[[], str]) -> str:
    close_old_connections()
    try:
        return check()
    finally:
        connection.close()


def _part(name: str, answer) -> Part:
    try:
        return Part(name, True, answer.result(timeout=SECONDS_TO_ANSWER))
    except Exception as problem:  # whatever a part says, the page must say it instead of failing with it
        return Part(name, False, _in_words(name, problem))


def _in_words(name: str, problem: Exception) -> str:
    if isinstance(problem, LookupError):
        return str(problem)
    return f"the {name} does not answer ({type(problem).__name__})"
