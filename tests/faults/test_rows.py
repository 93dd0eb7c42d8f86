"""The oracle itself: it is silent about what is in order, and says each breach in words."""

import pytest
from django.db.models.functions import Now

from tests.faults.rows import breaches
from tests.training.runs import claim, expire_lease, let_time_pass, make_run
from training import lifecycle
from training.models import Attempt, MetricPoint, RunEvent, TrainingRun, Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(ready_dataset):
    return make_run(ready_dataset)


@pytest.fixture
def held(run):
    return claim(run)


def test_a_life_by_the_rules_breaks_none(run, held, other_user):
    expire_lease(run)
    lifecycle.lost(run.pk, held.token, reason="It vanished.", actor="the reconciler")
    again = claim(run)
    lifecycle.record(run.pk, again.token, points=[{"step": step, "epoch": 0, "seconds": 0} for step in (1, 2, 5)])
    lifecycle.hand_back(run.pk, again.token)
    lifecycle.request_cancel(run, other_user)
    assert breaches() == []


def test_a_lease_that_ended_long_ago_is_said(run, held):
    expire_lease(run)
    assert "though its lease ended" in breaches()[0]


def test_a_run_that_waits_long_beside_a_free_worker_is_said(run):
    let_time_pass(run, queued_at=300)
    assert breaches() == []
    lifecycle.worker_beat("training@here", host="here", pid=1, queues=["training"])
    assert "though a worker is free" in breaches()[0]
    Worker.objects.all().delete()
    assert breaches() == []


def test_two_ends_of_one_run_are_said(run, held):
    lifecycle.finish(run.pk, held.token, "cancelled", message="Done.")
    run.refresh_from_db()
    RunEvent.objects.create(run=run, sequence=99, kind="state", state="failed", actor="x", message="Again.")
    assert any("went from cancelled to failed" in breach for breach in breaches())


def test_a_history_that_lacks_its_end_is_said(run, held):
    TrainingRun.objects.filter(pk=run.pk).update(
        state="cancelled", lease_token=None, lease_expires_at=None, finished_at=Now()
    )
    assert any("but its last event says running" in breach for breach in breaches())
    assert any("an attempt at it is open" in breach for breach in breaches())


def test_attempts_with_a_gap_are_said(run, held):
    Attempt.objects.update(number=2)
    assert any("attempts numbered [2]" in breach for breach in breaches())


def test_a_claim_that_nobody_was_told_of_is_said(run, held):
    RunEvent.objects.all().delete()
    assert any("its history tells 0" in breach for breach in breaches())


def test_a_step_that_is_measured_late_is_said(run, held):
    for sequence, step in ((90, 5), (91, 4)):
        MetricPoint.objects.create(run=run, sequence=sequence, step=step, epoch=0, seconds=0)
    assert any("measured step 4 behind step 5" in breach for breach in breaches())
