"""What those who run the platform do to it while people train: a dead clock, a new version's tables, a stopped part."""

import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader

from tests.faults import pace, pids, tiny_runs
from tests.processes import ROOT, wait_until
from training import lifecycle
from training.models import Attempt, TrainingRun

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]
State = TrainingRun.State
MINUTES = tiny_runs.BRIEF | {"steps": 1200, "epochs": 1000, "patience": 0, "evaluations": 2}


def test_a_run_whose_worker_is_killed_is_recovered_while_beat_is_dead(platform, ready_dataset):
    """F114: beat is killed, then a worker with its run; the timer of another worker recovers it."""
    beat = platform.start_beat()
    wait_until(lambda: "beat: Starting" in platform.new_log("beat"), what="beat")
    pids.send(signal.SIGKILL, beat.pid)
    platform.ensure_worker()
    run = tiny_runs.queue_run(ready_dataset, tiny_runs.ENDLESS)
    platform.ring()
    tiny_runs.wait_for_learning(run)
    platform.ensure_worker("second")
    platform.kill("training")
    seconds = pace.seconds_until(
        lambda: tiny_runs.fresh(run).attempts == 2, seconds=pace.limit(45), what="the second attempt"
    )
    pace.note("from kill -9 of a worker to the next attempt, without beat, s", round(seconds, 1))
    tiny_runs.wait_for_learning(run, attempt=2)
    assert run.lost_attempts == 1
    waiting = tiny_runs.queue_run(ready_dataset)
    lifecycle.request_cancel(run, "the test")
    tiny_runs.wait_for_state(waiting, State.SUCCEEDED)  # nobody rang for it either
    platform.terminate("second").wait(30)


@contextmanager
def additions_of_a_new_version():
    """What a release adds, done as its migration would and taken back afterwards: a column, an index, values in rows.

    Old programs go on beside it, as they do in a deployment that migrates before it restarts.
    """
    column = models.CharField(max_length=20, null=True)
    operations = [
        migrations.AddField("trainingrun", "added_by_release", column),
        migrations.AddIndex("metricpoint", models.Index(fields=["run", "seconds"], name="added_by_release")),
        migrations.RunSQL("UPDATE training_trainingrun SET added_by_release = 'old'", migrations.RunSQL.noop),
    ]
    states = [MigrationLoader(connection).project_state()]
    for operation in operations:
        state = states[-1].clone()
        operation.state_forwards("training", state)
        states.append(state)
        with connection.schema_editor() as editor:
            operation.database_forwards("training", editor, states[-2], state)
    try:
        yield
    finally:
        for operation, before, after in list(zip(operations, states, states[1:], strict=False))[::-1]:
            with connection.schema_editor() as editor:
                operation.database_backwards("training", editor, after, before)


def test_a_migration_under_a_running_training_loses_nothing(platform, ready_dataset):
    """F117: tables get a column, an index and new values while a run is trained; then the real command runs."""
    platform.ensure_worker()
    run = tiny_runs.queue_run(ready_dataset, tiny_runs.ENDLESS)
    platform.ring()
    tiny_runs.wait_for_learning(run)
    begun = time.monotonic()
    with additions_of_a_new_version():
        pace.note("a release's migration under a running training, s", round(time.monotonic() - begun, 2))
        step = tiny_runs.fresh(run).step
        wait_until(lambda: tiny_runs.fresh(run).step > step, what="further steps")
        command = [sys.executable, "manage.py", "migrate", "--no-input"]
        subprocess.run(command, cwd=ROOT, env=platform.environment, check=True, capture_output=True, timeout=60)
        other = tiny_runs.queue_run(ready_dataset)  # a row written by the old programs
        lifecycle.request_cancel(run, "the test")
        tiny_runs.wait_for_state(run, State.CANCELLED)
        tiny_runs.wait_for_state(other, State.SUCCEEDED)
    assert Attempt.objects.filter(run=run).count() == 1
    assert other.checkpoints.published().exists()
    steps = list(run.metric_points.order_by("sequence").values_list("step", flat=True))
    assert steps == sorted(steps)
