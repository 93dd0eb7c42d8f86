"""What no second try would change ends a run at once, with a reason; what the surroundings did is tried again."""

import contextlib

import pytest
import torch
from django.db import OperationalError

from tests.songs import make_ready_dataset
from tests.training.runs import claim, history, let_time_pass, make_run
from training import execution, lifecycle
from training.language_model import losses
from training.models import Attempt, TrainingRun

pytestmark = pytest.mark.django_db
State = TrainingRun.State


def attempt(run) -> TrainingRun:
    """One attempt at the run, to whatever end."""
    claimed = claim(run)
    with contextlib.suppress(ZeroDivisionError):  # a fault of ours is raised again, for the log
        execution.execute(run.pk, claimed.token)
    run.refresh_from_db()
    return run


@pytest.fixture
def no_number(monkeypatch):
    """Losses that are no numbers any more, from the moment this is called."""

    def begin():
        monkeypatch.setattr(losses, "cross_entropy", lambda *args, **kwargs: torch.tensor(float("nan")))
        monkeypatch.setattr(torch.Tensor, "backward", lambda self: None)

    return begin


@pytest.mark.parametrize("fault", ["no number", "exception", "configuration", "songs"])
def test_what_would_happen_again_fails_the_run_at_once_with_a_reason(user, monkeypatch, no_number, fault):
    """F20: NaN loss, exception, bad configuration, useless data: failed with a reason, and no second attempt."""
    run = make_run(make_ready_dataset(user))
    match fault:
        case "no number":
            no_number()
            TrainingRun.objects.filter(pk=run.pk).update(config=run.config | {"sample_tokens": 0})
        case "exception":
            monkeypatch.setattr(execution, "build_corpus", lambda *args, **options: 1 / 0)
        case "configuration":
            TrainingRun.objects.filter(pk=run.pk).update(config=run.config | {"hidden_size": -1})
        case "songs":
            run.dataset.songs.filter(ordinal__gt=1).delete()
    attempt(run)
    code = {"no number": "diverged", "exception": "internal", "configuration": "invalid_config"}
    assert (run.state, run.error_code) == (State.FAILED, code.get(fault, "corpus_too_small"))
    assert run.error
    assert history(run) == ["running", "failed"]
    assert run.attempt_rows.get().outcome == Attempt.Outcome.FAILED
    assert not lifecycle.reconcile().runs
    assert lifecycle.claim_next("training@here", "here", 1) is None


def test_the_checkpoints_before_a_failure_can_be_gone_on_from(user, monkeypatch, settings):
    """F20: earlier checkpoints stay usable."""
    settings.RESUME_SECONDS = 0.0
    run = make_run(make_ready_dataset(user))
    offer = execution.ResumeFiles.offer

    def fail_after_three(files, report, best):
        offer(files, report, best)
        if report.step >= 6:
            raise ZeroDivisionError

    monkeypatch.setattr(execution.ResumeFiles, "offer", fail_after_three)
    attempt(run)
    assert (run.state, run.error_code) == (State.FAILED, "internal")
    kept = run.checkpoints.ready().order_by("-step").values_list("step", flat=True).first()
    assert kept >= 6
    monkeypatch.setattr(execution.ResumeFiles, "offer", offer)
    assert lifecycle.retry(run, "mara")
    attempt(run)
    assert run.state == State.SUCCEEDED, run.error
    assert run.events.filter(message=f"Goes on from step {kept}.").exists()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_was_away_costs_an_attempt_and_only_three_of_them_the_run(user, monkeypatch):
    """F20: infrastructure is no reason of the run's own: it is tried again, each time a little later."""

    def away(*args, **options):
        raise OperationalError("server closed the connection unexpectedly")

    run = make_run(make_ready_dataset(user))
    monkeypatch.setattr(execution, "build_corpus", away)
    for lost in (1, 2):
        attempt(run)
        assert (run.state, run.lost_attempts) == (State.QUEUED, lost)
        TrainingRun.objects.filter(pk=run.pk).update(not_before=None)
    attempt(run)
    assert (run.state, run.error_code) == (State.FAILED, "worker_lost")
    assert "database" in run.error


def test_the_deadline_of_a_run_with_long_steps_is_twenty_of_them(user, settings):
    """R2: a network whose steps take a minute is not taken for one that stands still; their median counts."""
    settings.STALL_SECONDS = 600
    slow, quick = (make_run(make_ready_dataset(user, name=name)) for name in ("Slow", "Quick"))
    one_took_an_hour = {"step": 10, "tokens": 640, "tokens_per_second": 640 / 3600}
    for run, seconds in ((slow, 60.0), (quick, 0.1)):
        token = claim(run).token
        lifecycle.record(run.pk, token, progress=one_took_an_hour | {"step_seconds": seconds})
        let_time_pass(run, progressed_at=900)
        assert lifecycle.look(run.pk, token).is_stalled == (run is quick)
    assert lifecycle.reconcile().runs == {quick.pk: State.FAILED}
    let_time_pass(slow, progressed_at=400)
    assert lifecycle.reconcile().runs == {slow.pk: State.FAILED}
    slow.refresh_from_db()
    assert slow.error.startswith("No step was made for 20 minutes")
