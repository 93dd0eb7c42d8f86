"""The life of an explanation: taken once, tried again when its worker is gone, never a danger to its run."""

import pytest

from tests.training.finished_runs import make_failed_run, make_finished_run, make_model, make_running_run
from tests.training.runs import expire_lease, let_time_pass
from tests.training.test_lifecycle import in_threads
from training import lifecycle
from training.lifecycle import Explaining
from training.lifecycle.explanations import TRIES_ALLOWED
from training.models import Explanation, Insight, TrainingRun

pytestmark = pytest.mark.django_db
LOOK = {"epoch": 1, "reach": None, "norms": [0.5, 0.4]}


@pytest.fixture
def run(ready_dataset):
    run = make_finished_run(ready_dataset)
    make_model(run)
    return run


def test_a_run_that_succeeded_is_taken_once(run):
    assert lifecycle.explaining_of(run) == Explaining.WAITS
    assert lifecycle.claim_explanation() == run.pk
    assert lifecycle.claim_explanation() is None
    assert lifecycle.explaining_of(run) == Explaining.WAITS


def test_only_runs_with_a_model_are_explained(ready_dataset):
    make_running_run(ready_dataset)
    make_failed_run(ready_dataset)
    without = make_finished_run(ready_dataset)
    assert lifecycle.claim_explanation() is None
    assert lifecycle.explaining_of(without) == Explaining.GIVEN_UP


def test_the_run_that_has_waited_longest_comes_first(run, ready_dataset):
    earlier = make_finished_run(ready_dataset)
    make_model(earlier)
    let_time_pass(earlier, finished_at=60)
    assert [lifecycle.claim_explanation(), lifecycle.claim_explanation()] == [earlier.pk, run.pk]


def test_a_hold_that_ran_out_is_taken_over(run):
    lifecycle.claim_explanation()
    let_time_pass(Explanation.objects.get(), held_until=100_000)
    assert lifecycle.claim_explanation() == run.pk
    assert Explanation.objects.get().tries == 2


def test_nobody_tries_for_ever(run):
    for _ in range(TRIES_ALLOWED):
        assert lifecycle.claim_explanation() == run.pk
        lifecycle.give_up_explanation(run.pk)
    assert lifecycle.claim_explanation() is None
    assert lifecycle.explaining_of(run) == Explaining.GIVEN_UP


def test_a_worker_that_shuts_down_costs_no_try(run):
    for _ in range(TRIES_ALLOWED + 2):
        assert lifecycle.claim_explanation() == run.pk
        lifecycle.hand_back_explanation(run.pk)
    assert Explanation.objects.get().tries == 0


def test_what_has_ended_stays_so(run):
    lifecycle.claim_explanation()
    lifecycle.end_explanation(run.pk)
    lifecycle.give_up_explanation(run.pk)
    lifecycle.hand_back_explanation(run.pk)
    assert lifecycle.claim_explanation() is None
    assert lifecycle.explaining_of(run) == Explaining.ENDED
    assert Explanation.objects.get().tries == 1


def test_a_run_explained_by_hand_is_not_taken(run):
    lifecycle.end_explanation(run.pk)
    assert lifecycle.claim_explanation() is None


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_takes_it(run):
    claimed = in_threads(lifecycle.claim_explanation, lifecycle.claim_explanation)
    assert {*claimed} == {None, run.pk}
    assert Explanation.objects.get().tries == 1


def test_an_insight_worked_out_again_takes_the_place_of_the_first(run):
    lifecycle.keep_insight(run.pk, "memory_ruler", data={"knee": 4}, sentence="Four.")
    lifecycle.keep_insight(run.pk, "memory_ruler", data={"knee": 8}, sentence="Eight.")
    assert [(one.data, one.sentence) for one in run.insights.all()] == [({"knee": 8}, "Eight.")]


def test_looks_gather_while_it_learns_and_those_of_a_lost_attempt_go(ready_dataset):
    run, held = make_running_run(ready_dataset)
    for step in (10, 20, 30):
        assert lifecycle.keep_look(run.pk, held.token, LOOK | {"step": step})
    assert lifecycle.keep_look(run.pk, held.token, LOOK | {"step": 20, "reach": 2})  # begun anew from step 10
    insight = Insight.objects.get()
    assert [(look["step"], look["reach"]) for look in insight.data["looks"]] == [(10, None), (20, 2)]
    assert insight.sentence == ""


def test_who_lost_the_run_writes_no_look(ready_dataset):
    run, held = make_running_run(ready_dataset)
    expire_lease(run)
    assert not lifecycle.keep_look(run.pk, held.token, LOOK | {"step": 10})
    assert not Insight.objects.exists()


def test_the_reconciler_rings_for_a_run_without_insights_when_a_hand_is_free(run):
    assert not lifecycle.reconcile().rings_to_explain  # nobody listens
    lifecycle.worker_beat("training@here", host="here", pid=1, queues=["training"])
    assert lifecycle.reconcile().rings_to_explain
    assert not lifecycle.reconcile().rings_to_explain  # a moment ago somebody was told
    lifecycle.claim_explanation()
    assert not lifecycle.reconcile().rings_to_explain


def test_a_run_with_its_insights_can_be_deleted(run):
    lifecycle.claim_explanation()
    lifecycle.keep_insight(run.pk, "memory_ruler", data={}, sentence="Flat.")
    TrainingRun.objects.get(pk=run.pk).delete()
    assert not Insight.objects.exists()
    assert not Explanation.objects.exists()
