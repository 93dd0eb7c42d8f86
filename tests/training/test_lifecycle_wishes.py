"""What people wish of a run: when it is followed, when it comes too late, and what is written down of it."""

from uuid import uuid4

import pytest
from django.utils import timezone

from tests.songs import make_ready_dataset
from tests.training.runs import claim, history, make_run
from training import lifecycle
from training.lifecycle import PauseAnswer
from training.models import Checkpoint, RunEvent, TrainingRun

pytestmark = pytest.mark.django_db
State = TrainingRun.State


@pytest.fixture
def run(ready_dataset):
    return make_run(ready_dataset)


@pytest.fixture
def line(ready_dataset):
    """Three waiting runs of one person."""
    return [make_run(ready_dataset, name=name) for name in ("a", "b", "c")]


def names_in_line(owner=None) -> list[str]:
    line = TrainingRun.objects.in_line()
    return [run.name for run in line if owner is None or run.owner == owner]


def end(run, state) -> TrainingRun:
    claimed = claim(run)
    lifecycle.finish(run.pk, claimed.token, state, message="It ended.", error="It ended.", error_code="internal")
    run.refresh_from_db()
    return run


# ── Pause and resume ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_waiting_run_is_paused_at_once_and_taken_by_nobody(run):
    assert lifecycle.request_pause(run, "mara") == PauseAnswer.PAUSED
    run.refresh_from_db()
    assert (run.state, run.pause_requested_at, run.queue_position) == (State.PAUSED, None, None)
    event = run.events.get()
    assert (event.state, event.actor, event.message) == ("paused", "mara", "Paused while it waited.")
    assert lifecycle.claim_next("w", "h", 1) is None


def test_asking_twice_to_pause_is_the_same_as_once(run):
    claim(run)
    assert lifecycle.request_pause(run, "mara") == PauseAnswer.REQUESTED
    assert lifecycle.request_pause(run, "mara") == PauseAnswer.REQUESTED
    assert run.events.filter(kind=RunEvent.Kind.NOTE).count() == 1


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED])
def test_a_run_that_has_ended_is_neither_paused_nor_resumed(run, state):
    end(run, state)
    assert lifecycle.request_pause(run, "mara") == PauseAnswer.TOO_LATE
    assert not lifecycle.resume(run, "mara")
    assert history(run) == ["running", state]


def test_a_paused_run_is_resumed_first_in_its_owners_line_and_once(line, other_user):
    others = make_run(make_ready_dataset(other_user), name="other")
    last = line[-1]
    lifecycle.request_pause(last, "mara")
    assert lifecycle.request_pause(last, "mara") == PauseAnswer.TOO_LATE
    assert names_in_line(last.owner) == ["a", "b"]
    assert lifecycle.resume(last, "mara")
    assert not lifecycle.resume(last, "mara")
    assert names_in_line(last.owner) == ["c", "a", "b"]
    assert history(last) == ["paused", "queued"]
    others.refresh_from_db()
    assert others.own_position == 1


def test_a_paused_run_can_be_cancelled(run):
    lifecycle.request_pause(run, "mara")
    assert lifecycle.request_cancel(run, "mara") == lifecycle.CancelAnswer.CANCELLED


# ── Trying again ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_run_that_failed_or_was_cancelled_waits_again_with_all_its_chances(run, line, state):
    TrainingRun.objects.filter(pk=run.pk).update(lost_attempts=0)
    end(run, state)
    TrainingRun.objects.filter(pk=run.pk).update(lost_attempts=1, step=4)
    assert lifecycle.retry(run, "mara")
    run.refresh_from_db()
    assert (run.state, run.lost_attempts, run.finished_at, run.cancel_requested_at) == (State.QUEUED, 0, None, None)
    assert (run.error, run.error_code, run.step, run.attempts) == ("", "", 4, 1)
    assert names_in_line() == ["a", "b", "c", run.name]
    assert run.events.last().actor == "mara"
    assert claim(run).attempt == 2


def test_only_what_failed_or_was_cancelled_is_tried_again(run):
    assert not lifecycle.retry(run, "mara")
    lifecycle.request_pause(run, "mara")
    assert not lifecycle.retry(run, "mara")
    lifecycle.resume(run, "mara")
    end(run, State.SUCCEEDED)
    assert not lifecycle.retry(run, "mara")
    assert history(run) == ["paused", "queued", "running", "succeeded"]


def test_trying_again_from_the_beginning_forgets_what_was_learnt(run):
    claimed = claim(run)
    point = {"step": 4, "epoch": 0.5, "seconds": 1.0, "train_loss": 2.0, "valid_loss": 2.1}
    lifecycle.record(run.pk, claimed.token, progress={"step": 4, "tokens": 64}, metrics={"step": 4}, points=[point])
    lifecycle.finish(run.pk, claimed.token, State.FAILED, message="It diverged.")
    kept = make_checkpoint(run, claimed.token, published_at=None)
    kept.save()
    run.refresh_from_db()
    assert lifecycle.can_go_on(run)
    assert lifecycle.retry(run, "mara", restart=True)
    run.refresh_from_db()
    assert (run.step, run.tokens, run.metrics, run.metric_points.count()) == (0, 0, {}, 0)
    kept.refresh_from_db()
    assert (kept.run, kept.state) == (None, Checkpoint.State.DELETING)


def test_a_run_can_go_on_from_a_checkpoint_that_is_ready_and_not_its_model(run):
    assert lifecycle.can_go_on(run)  # it had made no step
    run.step = 4
    assert not lifecycle.can_go_on(run)
    make_checkpoint(run, uuid4()).save()
    assert not lifecycle.can_go_on(run)
    kept = make_checkpoint(run, uuid4(), published_at=None, step=3)
    kept.save()
    assert lifecycle.can_go_on(run)
    kept.state = Checkpoint.State.CORRUPT
    kept.save()
    assert not lifecycle.can_go_on(run)


def test_the_model_of_an_end_before_stays_beside_the_one_of_the_end_after(run):
    ends = []
    for state in (State.FAILED, State.SUCCEEDED):
        claimed = claim(run)
        model = make_checkpoint(run, claimed.token)
        lifecycle.finish(run.pk, claimed.token, state, message="It ended.", checkpoint=model)
        ends.append(model.pk)
        lifecycle.retry(run, "mara")
    first, second = (Checkpoint.objects.get(pk=pk) for pk in ends)
    assert (first.run, second.run) == (None, run)


def make_checkpoint(run, token, **fields) -> Checkpoint:
    columns = {"step": 4, "published_at": timezone.now(), "sha256": "0" * 64, "size_bytes": 1}
    network = {"architecture": "lstm", "tokenizer": "char", "parameters": 1, "vocabulary_size": 1}
    place = {"owner": run.owner, "run": run, "name": run.name, "attempt_token": token, "folder": f"checkpoints/{token}"}
    return Checkpoint(**(columns | network | place | fields))


# ── Moving ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "position", "expected"),
    [
        ("c", 1, ["c", "a", "b"]),
        ("a", 2, ["b", "a", "c"]),
        ("b", 9, ["a", "c", "b"]),
        ("b", 2, ["a", "b", "c"]),
    ],
)
def test_a_run_is_moved_among_its_owners_runs(line, name, position, expected):
    run = next(run for run in line if run.name == name)
    assert lifecycle.move(run, position, "mara")
    assert names_in_line() == expected
    run.refresh_from_db()
    assert run.own_position == expected.index(name) + 1
    assert run.events.last().actor == "mara"


def test_runs_with_the_same_place_are_moved_apart(line):
    TrainingRun.objects.update(place=7)
    before = names_in_line()
    lifecycle.move(TrainingRun.objects.get(name=before[2]), 1, "mara")
    assert names_in_line() == [before[2], before[0], before[1]]


def test_moving_changes_nothing_for_anybody_else(line, other_user):
    make_run(make_ready_dataset(other_user), name="other")
    before = names_in_line().index("other")
    lifecycle.move(line[2], 1, "mara")
    assert names_in_line().index("other") == before


def test_what_does_not_wait_is_not_moved(line):
    claim(line[0])
    assert not lifecycle.move(line[0], 2, "mara")
    assert not lifecycle.prioritise(line[0], 1, "ada")


def test_a_run_with_a_higher_priority_is_before_everybodys(line, other_user):
    make_run(make_ready_dataset(other_user), name="other")
    assert lifecycle.prioritise(line[2], 3, "ada")
    assert names_in_line()[0] == "c"
    assert line[2].events.last().message == "Its priority is now 3."
