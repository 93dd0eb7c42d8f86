"""A message is a doorbell: lost, doubled, late or unread, it changes nothing but the time of a start."""

import time

import pytest

from tests.faults.harness import (
    BRIEF,
    fresh,
    limit,
    note_figure,
    queue_run,
    scaled,
    seconds_until,
    wait_for_learning,
    wait_for_state,
)
from training.models import Attempt, TrainingRun

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]
State = TrainingRun.State
LONG = BRIEF | {"steps": 4000, "epochs": 1000, "patience": 0, "evaluations": 1, "sample_tokens": 0}


def attempts(run) -> int:
    return Attempt.objects.filter(run=run).count()


def test_a_broker_that_restarts_disturbs_no_run_and_its_worker_listens_again(platform, ready_dataset):
    """F08: the broker restarts, empty, while a run is trained."""
    platform.ensure_worker()
    run = queue_run(ready_dataset, LONG)
    platform.ring()
    wait_for_learning(run)
    platform.broker.kill()
    time.sleep(scaled(10))
    platform.broker.start()
    wait_for_state(run, State.SUCCEEDED)
    assert attempts(run) == 1
    following = queue_run(ready_dataset)
    seconds = seconds_until(lambda: fresh(following).attempts == 1, seconds=limit(60), what="the next run's start")
    note_figure("F08 start of the next run after a restart of the broker, s", round(seconds, 1))
    wait_for_state(following, State.SUCCEEDED)
