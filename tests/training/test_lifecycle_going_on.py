"""A run that people paused, cancelled or tried again ends with the same weights as one that nobody touched."""

import pytest

from tests.training.runs import claim, expire_lease, history
from tests.training.test_resuming import judgements, make_longer_run, train, weights_of
from training import execution, lifecycle
from training.models import Attempt, TrainingRun

pytestmark = pytest.mark.django_db
State = TrainingRun.State
REPORTS = 12  # after so many a person steps in: about the middle


@pytest.fixture
def run(ready_dataset, settings):
    settings.RESUME_SECONDS = 0  # a checkpoint at every moment that allows one
    return make_longer_run(ready_dataset)


@pytest.fixture
def whole(ready_dataset):
    """The same run, which nobody touched."""
    return train(make_longer_run(ready_dataset))


def train_until(run, wish) -> TrainingRun:
    """One attempt, in the middle of which a person has a wish, and its supervisor asks it to stop."""
    told = iter(range(10**6))

    def is_asked_to_stop() -> bool:
        if next(told) < REPORTS:
            return False
        wish(run, "mara")
        return True

    execution.execute(run.pk, claim(run).token, is_asked_to_stop=is_asked_to_stop)
    run.refresh_from_db()
    return run


def assert_same(run, whole) -> None:
    assert run.state == State.SUCCEEDED
    assert weights_of(run) == weights_of(whole)
    assert judgements(run) == judgements(whole)
    assert (run.metrics, run.step, run.tokens) == (whole.metrics, whole.step, whole.tokens)


def test_a_run_paused_and_resumed_ends_as_if_nobody_had_touched_it(run, whole):
    train_until(run, lifecycle.request_pause)
    assert (run.state, run.attempt_rows.get().outcome) == (State.PAUSED, Attempt.Outcome.PAUSED)
    assert 0 < run.step < whole.step
    assert lifecycle.resume(run, "mara")
    assert_same(train(run), whole)
    assert history(run) == ["running", "paused", "queued", "running", "succeeded"]


def test_a_cancelled_run_that_is_tried_again_goes_on_from_its_last_checkpoint(run, whole):
    train_until(run, lifecycle.request_cancel)
    assert run.state == State.CANCELLED
    assert lifecycle.can_go_on(run)
    assert lifecycle.retry(run, "mara")
    assert_same(train(run), whole)
    assert "Goes on from step" in " ".join(run.events.values_list("message", flat=True))


def test_a_run_lost_too_often_goes_on_when_it_is_tried_again(run, whole, settings):
    train_until(run, lambda run, by: None)  # handed back
    settings.LOST_ATTEMPTS_ALLOWED = 1
    claim(run)
    expire_lease(run)
    assert lifecycle.reconcile().runs == {run.pk: State.FAILED}
    assert lifecycle.retry(run, "mara")
    assert_same(train(run), whole)


def test_a_run_tried_again_from_the_beginning_learns_all_of_it_anew(run, whole):
    train_until(run, lifecycle.request_cancel)
    assert lifecycle.retry(run, "mara", restart=True)
    assert not run.metric_points.exists()
    assert_same(train(run), whole)
    assert "Goes on from step" not in " ".join(run.events.values_list("message", flat=True))
