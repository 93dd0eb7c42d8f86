"""The database stays away, or locked, while a run is trained: the run survives that, or gives itself up in time."""

import sqlite3
import time
from contextlib import contextmanager

import pytest
from django.db import connection

from tests.faults import pace, pids, tiny_runs
from tests.faults.conftest import judged
from tests.processes import wait_until
from training import lifecycle
from training.models import Attempt, TrainingRun

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]
State = TrainingRun.State
LEASE = pace.TIMES["LEASE_SECONDS"]


@pytest.fixture(scope="module")
def cut_off_platform(platform_of_a_module):
    """One whose parts reach PostgreSQL over a road that can be closed; SQLite is a file, and can be locked."""
    yield from platform_of_a_module(proxies_database=connection.vendor == "postgresql")


@pytest.fixture
def platform(cut_off_platform, transactional_db, settings, request):
    yield from judged(cut_off_platform, settings, request)


@contextmanager
def absent_database(platform):
    """PostgreSQL closes every connection and takes none; SQLite's one writer holds its lock."""
    if connection.vendor == "postgresql":
        platform.database_proxy.refuse()
        try:
            yield
        finally:
            platform.database_proxy.heal()
        return
    connection.close()
    writer = sqlite3.connect(connection.settings_dict["NAME"], timeout=20, isolation_level=None, uri=True)
    writer.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        writer.execute("ROLLBACK")
        writer.close()


def learns_on(run) -> None:
    step, attempts = tiny_runs.fresh(run).step, run.attempts
    wait_until(lambda: tiny_runs.fresh(run).step > step or run.attempts > attempts, what="further steps")


@pytest.mark.provokes("OperationalError", "InterfaceError", "database is locked", "connection")
@pytest.mark.parametrize("share_of_the_lease", [0.4, 2.5], ids=["a moment", "longer than the lease"])
def test_a_run_outlives_a_database_that_stays_away_or_gives_itself_up_and_is_resumed(
    platform, ready_dataset, share_of_the_lease
):
    """F25: the database is away, or its write lock held, during a run."""
    platform.ensure_worker()
    run = tiny_runs.queue_run(ready_dataset, tiny_runs.ENDLESS)
    platform.ring()
    tiny_runs.wait_for_learning(run)
    wait_until(run.checkpoints.ready().exists, what="a checkpoint")
    child, token = platform.child_of(run), run.lease_token
    with absent_database(platform):
        begun = time.monotonic()
        if share_of_the_lease > 1:
            seconds = pace.seconds_until(
                lambda: not pids.is_alive(child), seconds=LEASE, what="the child to be fenced off"
            )
            pace.note(f"F25 database away (lease {LEASE} s): until the training fenced itself off, s", seconds)
        wait_until(lambda: time.monotonic() - begun >= LEASE * share_of_the_lease)
    if share_of_the_lease > 1:
        assert not pids.is_alive(child)
        seconds = pace.seconds_until(
            lambda: tiny_runs.fresh(run).attempts > 1, seconds=pace.limit(60), what="the next attempt"
        )
        pace.note("F25 database back: until the next attempt, s", round(seconds, 1))
        assert Attempt.objects.get(token=token).outcome == Attempt.Outcome.LOST
        tiny_runs.wait_for_learning(run, attempt=2)
        assert run.events.filter(message__startswith="Goes on from step").exists()
    learns_on(run)
    assert tiny_runs.fresh(run).state == State.RUNNING
    assert run.attempts == Attempt.objects.filter(run=run).count()
    assert len(pids.children_of(run)) == 1
    lifecycle.request_cancel(run, "the test")
    wait_until(lambda: tiny_runs.fresh(run).state == State.CANCELLED, seconds=pace.scaled(30) + 30, what="the cancel")
