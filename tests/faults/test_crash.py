"""The database itself crashes. On a PostgreSQL of this test's own, whatever the other tests use."""

import subprocess
import sys
import time

import pytest
from django.db import connection

from tests.conftest import make_user
from tests.faults import pace, tiny_runs
from tests.faults.conftest import judged
from tests.faults.harness import fault_platform
from tests.faults.postgres import private_postgres, using_database
from tests.processes import ROOT
from tests.songs import make_ready_dataset
from training import lifecycle
from training.models import Attempt, TrainingRun

pytestmark = pytest.mark.fault
State = TrainingRun.State


@pytest.fixture
def cluster(django_db_blocker):
    with private_postgres() as cluster, django_db_blocker.unblock(), using_database(cluster.url):
        yield cluster


@pytest.fixture
def platform(cluster, tmp_path_factory, settings, request):
    with fault_platform(tmp_path_factory.mktemp("f"), DATABASE_URL=cluster.url) as platform:
        command = [sys.executable, "manage.py", "migrate", "--no-input"]
        subprocess.run(command, cwd=ROOT, env=platform.environment, check=True, capture_output=True, timeout=120)
        yield from judged(platform, settings, request)


@pytest.mark.provokes("OperationalError", "PoolTimeout", "AdminShutdown", "InterfaceError", "Connection", "LeaseLost")
def test_a_run_survives_a_crash_of_the_database_or_is_taken_up_again(platform, cluster):
    """F25: PostgreSQL crashes for as long as a lease lasts, in the middle of a run."""
    dataset = make_ready_dataset(make_user("mara"))
    platform.ensure_worker()
    run = tiny_runs.queue_run(dataset, tiny_runs.ENDLESS)
    platform.ring()
    tiny_runs.wait_for_learning(run)
    step = run.step
    cluster.crash()
    connection.close()
    time.sleep(pace.scaled(30))
    cluster.start()
    attempts = run.attempts
    seconds = pace.seconds_until(
        lambda: tiny_runs.fresh(run).step > step, seconds=pace.limit(60) + 30, what="a later step"
    )
    pace.note("from the database's return to a step beyond those before it, s", round(seconds, 1))
    assert tiny_runs.fresh(run).attempts <= attempts + 1
    assert run.lost_attempts <= 1
    lifecycle.request_cancel(run, "the test")
    tiny_runs.wait_for_state(run, State.CANCELLED)
    assert Attempt.objects.filter(run=run).count() == run.attempts
