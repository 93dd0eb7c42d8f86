"""What should never be is told in words, and what is well is not."""

from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command

from tests.training.runs import claim, expire_lease, let_time_pass, make_run
from training import invariants, lifecycle, storage
from training.invariants import breaches
from training.models import Attempt, Checkpoint, MetricPoint, RunEvent, TrainingRun

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(invariants, "SECOND_LOOK_SECONDS", 0)


@pytest.fixture
def run(ready_dataset):
    return make_run(ready_dataset)


def listen():
    lifecycle.worker_beat("training@here", host="here", pid=1, queues=["training"], processes=2)


def measure(run, sequence, step):
    MetricPoint.objects.create(run=run, sequence=sequence, step=step, epoch=1.0, seconds=1.0)
    TrainingRun.objects.filter(pk=run.pk).update(step=100)


def test_nothing_is_amiss_with_runs_in_every_state(ready_dataset):
    listen()
    make_run(ready_dataset)
    for state in ("succeeded", "failed", "cancelled"):
        run = make_run(ready_dataset)
        assert lifecycle.finish(run.pk, claim(run).token, state, message="It ended.")
    claim(make_run(ready_dataset))
    assert breaches() == []


def test_a_run_held_by_a_lease_that_is_long_over(run):
    claim(run)
    expire_lease(run)
    assert [one for one in breaches() if one.startswith("I1") and run.pk in one and "lease" in one]


def test_a_run_that_nobody_hears_beside_a_free_hand(run):
    let_time_pass(run, queued_at=90)
    assert breaches() == []
    listen()
    (sentence,) = breaches()
    assert run.pk in sentence
    assert "nothing to do" in sentence
    lifecycle.set_intake(False, by="ada")
    assert breaches() == []


def test_two_ends_of_a_run_between_which_nobody_tried_it_again(run):
    lifecycle.finish(run.pk, claim(run).token, "failed", message="It failed.")
    run.refresh_from_db()
    RunEvent.objects.create(
        run=run, sequence=99, kind=RunEvent.Kind.STATE, state="succeeded", actor="nobody", message="Twice."
    )
    assert f"I2: run {run.pk}: it ended as failed and then as succeeded." in breaches()


def test_a_run_that_failed_was_tried_again_and_succeeded_is_well(run, user):
    lifecycle.finish(run.pk, claim(run).token, "failed", message="It failed.")
    run.refresh_from_db()
    assert lifecycle.retry(run, user, restart=True)
    lifecycle.finish(run.pk, claim(run).token, "succeeded", message="It succeeded.")
    assert breaches() == []


def test_attempts_with_a_gap(run):
    claim(run)
    Attempt.objects.filter(run=run).update(number=2)
    assert f"I2: run {run.pk}: its attempts are numbered 2." in breaches()


def test_a_run_without_the_attempt_that_runs_it(run):
    claim(run)
    Attempt.objects.filter(run=run).delete()
    assert f"I2: run {run.pk}: it is running without an attempt." in breaches()


def test_a_state_that_no_history_tells_of(run):
    claim(run)
    RunEvent.objects.filter(run=run).update(state="paused")
    assert f"I10: run {run.pk}: it is running, but its history tells of paused last." in breaches()


def test_steps_that_do_not_rise(run):
    measure(run, 1, 10)
    measure(run, 2, 5)
    assert f"I3: run {run.pk} was measured at step 5 after step 10." in breaches()


def test_more_runs_running_than_one_may_have(ready_dataset, user, other_user, settings):
    for _ in range(settings.RUNNING_RUNS_PER_USER + 1):
        claim(make_run(ready_dataset))
    (sentence,) = breaches()
    assert sentence.startswith(f"I6: {user} has")
    assert str(other_user) not in sentence


def test_a_model_whose_file_was_changed(user):
    stored = storage.publish("models/one", lambda folder: (folder / storage.MODEL_FILE).write_bytes(b"weights"))
    Checkpoint.objects.create(
        owner=user, name="One", folder=stored.folder, manifest=stored.manifest, sha256=stored.sha256, size_bytes=7,
        architecture="lstm", tokenizer="word", parameters=1, vocabulary_size=1,
    )  # fmt: skip
    assert breaches() == []
    Path(default_storage.path(f"models/one/{storage.MODEL_FILE}")).write_bytes(b"weighty")
    (sentence,) = breaches()
    assert sentence.startswith("I4: ")
    assert "checksum" in sentence
    assert breaches(with_files=False) == []


def test_the_command_tells_breaches_and_how_it_went(run, capsys):
    call_command("check_invariants")
    assert "All is well." in capsys.readouterr().out
    claim(run)
    expire_lease(run)
    with pytest.raises(SystemExit) as ended:
        call_command("check_invariants", "--without-files")
    assert ended.value.code == 1
    assert run.pk in capsys.readouterr().out
