"""What a long line costs: putting a thousand runs into it, looking at it, and taking them out again.

    python -m tests.benchmarks.run_queue
    python -m tests.benchmarks.run_queue --runs 200 --owners 10

Runs are queued by API, some by each owner. Pages are asked for through the whole of Django. Then two workers, each a
thread with its own connection, take run after run and end them at once; nothing is trained. Last, a sweep of the
reconciler shows how soon those rings are repeated that a broker has lost. Without DATABASE_URL it works on a SQLite
database in a folder of its own. Beside the time by the clock stands this process's own processor time: on a machine
that others use too, that is what the code costs. It exits with 1 when a limit is passed or a run was taken twice.
"""

import argparse
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

LIMITS = {"create": 60.0, "list": 0.120, "claim": 0.050, "ring again": 60.0}  # in seconds; p95 for list and claim
TIMES = 40
WORKERS = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--owners", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # Before Django reads its settings: nothing of this touches what a person keeps.
        os.environ |= {"DJANGO_SETTINGS_MODULE": "lyricsite.settings", "DATA_DIR": folder, "MEDIA_ROOT": folder}
        os.environ |= {"QUEUED_RUNS_PER_USER": str(asked.runs), "COLLECTS_STATIC": "false", "LOG_LEVEL": "WARNING"}
        os.environ.setdefault("SECRET_KEY", "benchmark")
        import django

        django.setup()
        return measure(asked.runs, asked.owners)


def measure(runs: int, owners: int) -> int:
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import setup_test_environment

    from training import lifecycle, tasks
    from training.models import TrainingRun

    logging.getLogger("training").setLevel(logging.ERROR)
    setup_test_environment()  # which lets a test client in as it is
    call_command("migrate", verbosity=0)
    tasks._send = lambda task, *args: True  # no broker: whoever takes runs here needs no bell
    people = [Owner(number) for number in range(owners)]
    report = Report()
    print(f"{runs:,} runs of {owners} owners, {connection.vendor}")
    creations = seconds_of([person.start for _ in range(runs // owners) for person in people])
    report.add(None, "create, each by API", creations)
    report.add("create", "create all of them", [Seconds(*map(sum, zip(*creations, strict=True)))])
    for address in ("/api/v1/runs/", "/api/v1/runs/?page_size=100", "/runs/"):
        people[0].get(address)
        listen()
        report.add("list", f"GET {address}", seconds_of([lambda address=address: people[0].get(address)] * TIMES))
    report.add("list", "where and when everybody waits", seconds_of([lifecycle.waiting_runs] * TIMES))
    report.add("ring again", "until a lost bell rings again", [seconds_until_rung()])
    report.add("claim", f"claim, by {WORKERS} workers", take_all())
    twice = TrainingRun.objects.exclude(attempts=1).count()
    print(f"{twice} runs were not taken exactly once")
    return int(report.is_broken or twice > 0)


def listen() -> None:
    """Beat for the workers: after a few seconds of silence nobody counts on them."""
    from training import lifecycle

    for worker in range(WORKERS):
        lifecycle.worker_beat(f"training@{worker}", host="here", pid=worker, queues=["training"])


class Owner:
    """A person with a small dataset and a signed-in client."""

    def __init__(self, number: int) -> None:
        from django.contrib.auth import get_user_model
        from django.test import Client

        from tests.songs import make_ready_dataset

        self.user = get_user_model().objects.create_user(f"benchmark-{number}")
        self.dataset = make_ready_dataset(self.user)
        self.client = Client()
        self.client.force_login(self.user)

    def start(self) -> None:
        asked = {"dataset": self.dataset.pk, "architecture": "lstm"}
        answer = self.client.post("/api/v1/runs/", asked, content_type="application/json")
        assert answer.status_code == 202, answer.content

    def get(self, address: str) -> None:
        assert self.client.get(address).status_code == 200


class Seconds(NamedTuple):
    """How long something took, by the clock and of this thread's processor."""

    clock: float
    processor: float

    @classmethod
    def of(cls, work: Callable[[], object]) -> "Seconds":
        begun, busy = time.perf_counter(), time.thread_time()
        work()
        return cls(time.perf_counter() - begun, time.thread_time() - busy)


def seconds_of(works: list[Callable[[], object]]) -> list[Seconds]:
    return [Seconds.of(work) for work in works]


def seconds_until_rung() -> Seconds:
    """How long a sweep takes to find somebody to ring for, and how old a bell has to be before that."""
    from django.conf import settings
    from django.db.models.functions import Now

    from training import lifecycle
    from training.lifecycle.clock import from_now
    from training.models import TrainingRun

    listen()
    TrainingRun.objects.update(rung_at=Now())
    assert not lifecycle.reconcile().runs_to_ring
    TrainingRun.objects.update(rung_at=from_now(-settings.RING_AGAIN_SECONDS - 1))
    rung: list[str] = []
    sweep = Seconds.of(lambda: rung.extend(lifecycle.reconcile().runs_to_ring))
    assert rung
    return sweep._replace(clock=settings.RING_AGAIN_SECONDS + settings.RECONCILE_SECONDS + sweep.clock)


def take_all() -> list[Seconds]:
    """Take and end every run; how long each claim took."""
    seconds: list[Seconds] = []
    threads = [threading.Thread(target=take_and_end, args=(f"training@{n}", seconds)) for n in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds


def take_and_end(worker: str, seconds: list[Seconds]) -> None:
    from django.db import connection

    from training import lifecycle
    from training.models import TrainingRun

    while TrainingRun.objects.queued().exists():
        claims: list[lifecycle.Claim | None] = []
        seconds.append(Seconds.of(lambda claims=claims: claims.append(lifecycle.claim_next(worker, "here", 1))))
        for claimed in filter(None, claims):
            lifecycle.finish(claimed.run_id, claimed.token, "succeeded", message="Done.")
    connection.close()


class Report:
    """Prints each measurement beside its limit."""

    def __init__(self) -> None:
        self.is_broken = False

    def add(self, limit: str | None, name: str, seconds: list[Seconds]) -> None:
        late = percentile([one.clock for one in seconds], 0.95)
        allowed = LIMITS.get(limit)
        is_over = allowed is not None and late > allowed
        self.is_broken |= is_over
        verdict = "" if allowed is None else f", at most {allowed * 1e3:6.0f} ms{': TOO MUCH' if is_over else ''}"
        middle, busy = percentile([one.clock for one in seconds], 0.5), percentile([one[1] for one in seconds], 0.95)
        clock = f"median {middle * 1e3:8.1f} ms, p95 {late * 1e3:8.1f} ms"
        print(f"{name:32} {clock} (processor p95 {busy * 1e3:8.1f} ms){verdict}")


def percentile(seconds: list[float], share: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))]


if __name__ == "__main__":
    raise SystemExit(main())
