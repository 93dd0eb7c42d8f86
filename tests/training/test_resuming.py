"""Attempts that go on where the one before them stopped: the same model, the same measurements, and a history of it."""

import errno
import os
from pathlib import Path

import pytest
import torch
from django.db import OperationalError
from django.db.models import Value
from django.db.models.functions import Concat

from tests.training.runs import SMALL, claim, expire_lease, make_run
from training import execution, lifecycle, publishing, resuming, retention, storage
from training.language_model.checkpoint import load_model, weights_sha256
from training.language_model.config import resolve_config
from training.language_model.errors import TrainingDiverged
from training.language_model.learner import Learner
from training.language_model.resume import ResumeRefused
from training.models import Checkpoint, TrainingRun
from training.services import quota

pytestmark = pytest.mark.django_db
State = TrainingRun.State
STEPS = 24
MEASURED = ("step", "epoch", "valid_loss", "nats_per_character", "learning_rate", "gradient_norm")


def make_longer_run(dataset, **overrides) -> TrainingRun:
    values = SMALL | {"steps": STEPS, "evaluations": 4, "dropout": 0.3, "learning_rate": 0.02} | overrides
    config = resolve_config(architecture="lstm", overrides=values)
    return make_run(dataset, config=config.to_dict())


@pytest.fixture
def run(ready_dataset):
    return make_longer_run(ready_dataset)


def train(run, *, until=None) -> TrainingRun:
    """One attempt; it is asked to stop after ``until`` reports."""
    told = iter(range(10**6))
    stop = (lambda: next(told) >= until) if until is not None else (lambda: False)
    execution.execute(run.pk, claim(run).token, is_asked_to_stop=stop)
    run.refresh_from_db()
    return run


def weights_of(run) -> str:
    model = run.checkpoints.get()
    return weights_sha256(load_model(model_path(model)).network)


def model_path(model) -> Path:
    return Path(storage.default_storage.path(model.model_file))


def judgements(run) -> list[tuple]:
    return list(run.metric_points.filter(valid_loss__isnull=False).values_list(*MEASURED))


def samples(run) -> list[tuple]:
    return list(run.samples.values_list("step", "text", "nats_per_character"))


def warnings(run) -> list[str]:
    return list(run.events.filter(kind="warning").values_list("message", flat=True))


@pytest.fixture
def whole(ready_dataset):
    """The same run, never stopped."""
    return train(make_longer_run(ready_dataset))


@pytest.mark.parametrize("stops", [[3], [6], [9], [12], [7, 4], [5, 0, 6]])
def test_a_run_handed_back_anywhere_ends_as_if_it_had_never_been(run, whole, stops):
    for until in stops:
        assert train(run, until=until).state == State.QUEUED
    train(run)
    assert (run.state, run.attempts) == (State.SUCCEEDED, len(stops) + 1)
    assert weights_of(run) == weights_of(whole)
    assert judgements(run) == judgements(whole)
    assert samples(run) == samples(whole)
    assert (run.metrics, run.step, run.tokens) == (whole.metrics, whole.step, whole.tokens)
    assert run.checkpoints.get().step == whole.checkpoints.get().step
    assert "no_longer_exact" not in {name for name, value in run.facts.items() if value}
    assert warnings(run) == []
    assert "Goes on from step" in " ".join(run.events.values_list("message", flat=True))


def test_a_run_that_waits_again_keeps_its_progress(run):
    train(run, until=8)
    step = run.step
    assert step > 0
    claimed = claim(run)
    run.refresh_from_db()
    assert run.step == step
    lifecycle.hand_back(run.pk, claimed.token)


def test_where_the_files_are_gone_the_run_starts_anew_and_says_so(run, whole):
    train(run, until=8)
    run.checkpoints.all().delete()
    train(run)
    assert weights_of(run) == weights_of(whole)
    assert judgements(run) == judgements(whole)
    assert warnings(run) == ["There is no checkpoint of this run, so it starts anew."]


@pytest.mark.parametrize("name", [storage.RESUME_FILE, "best.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "delete"])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_it(run, whole, settings, damage, name):
    """F34: a cut, changed, emptied or missing file costs one checkpoint, is told of, and nothing else."""
    settings.RESUME_SECONDS = 0
    train(run, until=16)
    newest, older = points_of(run)[:2]
    spoil(Path(storage.default_storage.path(newest.folder)) / name, damage)
    train(run)
    assert weights_of(run) == weights_of(whole)
    assert judgements(run) == judgements(whole)
    [warning] = warnings(run)
    assert f"The checkpoint of step {newest.step} is left aside" in warning
    assert name in warning
    assert f"Goes on from step {older.step}." in run.events.values_list("message", flat=True)


def points_of(run) -> list[Checkpoint]:
    """What the run may go on from, newest first."""
    return list(Checkpoint.objects.resume_points().ready().filter(run=run).order_by("-step"))


def folders_of(run) -> set[str]:
    """The folders that lie in the storage for this run."""
    return {found.folder for found in storage.found_folders() if found.folder.split("/")[1] == run.pk}


def spoil(path: Path, damage: str) -> None:
    content = bytearray(path.read_bytes())
    if damage == "delete":
        path.unlink()
        return
    if damage == "flip":
        content[-40] ^= 1
    path.write_bytes({"cut": content[:-1], "flip": content, "empty": b""}[damage])


def test_checkpoints_take_no_more_than_its_owner_needed_room_for(run, settings):
    settings.RESUME_SECONDS = 0
    train(run, until=12)
    kept = points_of(run)
    assert sum(point.stored_bytes for point in kept) <= quota.training_bytes(kept[0].parameters)


def test_checkpoints_that_are_all_damaged_cost_the_work_and_not_the_run(run, whole, settings):
    settings.RESUME_SECONDS = 0
    train(run, until=12)
    damaged = points_of(run)
    for point in damaged:
        (Path(storage.default_storage.path(point.folder)) / storage.RESUME_FILE).write_bytes(b"{}")
    train(run)
    assert weights_of(run) == weights_of(whole)
    assert len(warnings(run)) == len(damaged) + 1
    assert warnings(run)[-1] == "No checkpoint can be gone on from, so it starts anew."


def test_what_was_refused_does_not_stand_in_the_way_of_what_comes_after(run, whole, settings, monkeypatch):
    settings.RESUME_SECONDS = 0
    train(run, until=16)
    before = points_of(run)
    monkeypatch.setattr(resuming, "read_resume", of_another_version)
    train(run, until=8)
    monkeypatch.undo()
    after = points_of(run)
    assert 0 < after[0].step < before[0].step
    assert {point.pk for point in before}.isdisjoint(point.pk for point in after)
    train(run)
    assert weights_of(run) == weights_of(whole)


def of_another_version(*args, **options):
    raise ResumeRefused("It was written by another version.")


def test_the_last_three_are_kept_and_nothing_else_lies_in_the_storage(run, settings):
    settings.RESUME_SECONDS = 0
    train(run, until=30)
    points = points_of(run)
    assert len(points) == retention.KEPT
    newest = points[0].step
    assert newest >= run.step
    assert [point.step for point in points] == [newest, newest - 1, newest - 2]
    assert folders_of(run) == {point.folder for point in points}
    assert run.checkpoints.count() == retention.KEPT


def test_a_run_that_succeeded_keeps_its_model_alone(run):
    train(run, until=8)
    assert points_of(run)
    train(run)
    model = run.checkpoints.get()
    assert folders_of(run) == {model.folder}


def test_a_model_may_be_of_a_step_that_was_kept_to_go_on_from(run, settings):
    settings.RESUME_SECONDS = 0
    train(run)
    assert (run.state, run.checkpoints.count()) == (State.SUCCEEDED, 1)


def test_a_checkpoint_belongs_to_who_holds_the_run(run, settings, monkeypatch):
    settings.RESUME_SECONDS = 0
    claimed = claim(run)
    published = storage.publish

    def taken_over_meanwhile(*args, **options):
        expire_lease(run)
        return published(*args, **options)

    monkeypatch.setattr(storage, "publish", taken_over_meanwhile)
    with pytest.raises(resuming.LeaseLost):
        execution.execute(run.pk, claimed.token)
    assert not run.checkpoints.exists()
    assert folders_of(run) == set()


def test_a_file_that_this_program_can_not_put_back_is_passed_over(run, whole, settings, monkeypatch):
    train(run, until=8)
    go_to = Learner.go_to

    def of_another_version(learner, **values):
        monkeypatch.setattr(Learner, "go_to", go_to)
        raise KeyError("of another version")

    monkeypatch.setattr(Learner, "go_to", of_another_version)
    train(run)
    assert weights_of(run) == weights_of(whole)
    assert "another version" in warnings(run)[0]


def test_another_kind_of_machine_goes_on_and_the_run_says_that_it_is_no_longer_exact(run, monkeypatch):
    train(run, until=8)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "ABACUS")
    train(run)
    assert run.state == State.SUCCEEDED
    [warning] = warnings(run)
    assert "no longer bit-exact" in warning
    assert "ABACUS" in warning
    assert run.facts["no_longer_exact"] == warning


def test_a_cancelled_run_keeps_no_last_checkpoint(run):
    claimed = claim(run)
    lifecycle.request_cancel(run, "mara")
    told = iter(range(10**6))
    execution.execute(run.pk, claimed.token, is_asked_to_stop=lambda: next(told) > 1)
    run.refresh_from_db()
    assert run.state == State.CANCELLED
    assert not run.checkpoints.exists()


def test_a_disk_that_is_full_at_the_very_end_does_not_keep_a_run_out_of_the_line(run, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(resuming.ResumeFiles, "write", full)
    monkeypatch.setattr(resuming.ResumeFiles, "offer", lambda files, report, best: setattr(files, "resumable", report))
    assert train(run, until=8).state == State.QUEUED


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "storage_full"), (errno.EROFS, "storage_failed")])
def test_a_checkpoint_that_can_not_be_written_fails_the_run_loudly(run, monkeypatch, number, code):
    def refuse(*args):
        raise OSError(number, os.strerror(number))

    train(run, until=8)
    kept = points_of(run)
    monkeypatch.setattr(storage, "describe", refuse)
    with pytest.raises(OSError, match=os.strerror(number)):
        execution.execute(run.pk, claim(run).token)
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, code)
    assert "still there" in run.error
    assert points_of(run) == kept
    assert folders_of(run) == {point.folder for point in kept}


def test_a_folder_that_can_not_be_written_to_fails_the_run_within_one_checkpoint(run, settings):
    """F33: what can't be kept is never silently left out."""
    settings.RESUME_SECONDS = 0
    (Path(settings.MEDIA_ROOT) / storage.ROOT).mkdir(parents=True)
    (Path(settings.MEDIA_ROOT) / storage.ROOT / run.pk).write_text("in the way")
    with pytest.raises(OSError):  # noqa: PT011 - the system says it in its own words
        execution.execute(run.pk, claim(run).token)
    run.refresh_from_db()
    assert (run.state, run.error_code, run.step) == (State.FAILED, "storage_failed", run.step)
    assert run.step <= 2


class Flaky:
    """A store that does not answer the first so many times."""

    def __init__(self, monkeypatch, times: int) -> None:
        self.left, self.publish = times, storage.publish
        monkeypatch.setattr(storage, "publish", self)

    def __call__(self, *args, **options):
        if self.left:
            self.left -= 1
            raise storage.StorageAway("The storage does not answer as it should (TimeOut).")
        return self.publish(*args, **options)


def test_a_store_that_does_not_answer_now_and_then_costs_a_checkpoint_and_not_the_run(
    run, whole, settings, monkeypatch
):
    settings.RESUME_SECONDS = 0
    Flaky(monkeypatch, resuming.FAILURES_ALLOWED - 1)
    train(run)
    assert weights_of(run) == weights_of(whole)
    assert len(warnings(run)) == resuming.FAILURES_ALLOWED - 1


def test_a_store_that_stays_away_costs_an_attempt_and_the_next_goes_on(run, whole, settings, monkeypatch):
    settings.RESUME_SECONDS = 0
    train(run, until=12)
    flaky = Flaky(monkeypatch, 10**6)
    train(run)
    assert (run.state, run.lost_attempts) == (State.QUEUED, 1)
    assert "storage" in run.attempt_rows.last().reason
    flaky.left = 0
    train(run)
    assert weights_of(run) == weights_of(whole)
    assert "Goes on from step" in " ".join(run.events.values_list("message", flat=True))


def test_a_database_that_is_away_costs_a_checkpoint_and_leaves_no_folder(run, whole, settings, monkeypatch):
    settings.RESUME_SECONDS = 0
    free_step, answers = retention.free_step, iter([False, True])

    def away_once(*args):
        if not next(answers, True):
            raise OperationalError("the server closed the connection")
        return free_step(*args)

    monkeypatch.setattr(retention, "free_step", away_once)
    monkeypatch.setattr(resuming.connection, "close", lambda: None)  # the test's own transaction hangs on it
    train(run, until=12)
    assert folders_of(run) == {point.folder for point in points_of(run)}
    train(run)
    assert weights_of(run) == weights_of(whole)


def test_writing_takes_a_small_share_of_the_time(run, monkeypatch):
    written = []
    clock = iter(range(10**6))
    monkeypatch.setattr(resuming.time, "monotonic", lambda: float(next(clock)))
    write = resuming.write_resume
    monkeypatch.setattr(
        resuming, "write_resume", lambda *args, **options: (written.append(args[1].step), write(*args, **options))
    )
    train(run)  # each look at the clock is a second later: a file costs one, which is worth another in fifty
    assert len(written) == 1


# ── Running away ─────────────────────────────────────────────────────────────────────────────────────────────────


def diverge_at(monkeypatch, step: int) -> None:
    learn = Learner.learn

    def learn_until_it_runs_away(learner, **options):
        if learner.step + 1 == step:
            raise TrainingDiverged(step, learner.config.learning_rate)
        return learn(learner, **options)

    monkeypatch.setattr(Learner, "learn", learn_until_it_runs_away)


def test_a_run_that_runs_away_fails_and_keeps_the_best_weights_before(run, monkeypatch, whole):
    diverge_at(monkeypatch, 15)
    train(run)
    assert (run.state, run.error_code) == (State.FAILED, "diverged")
    assert "half the learning rate" in run.error
    model = run.checkpoints.published().get()
    assert f"The weights of step {model.step}" in run.error
    assert model.step in (6, 12)
    assert run.metrics["best_step"] == model.step
    storage.verify(model.folder, model.manifest)
    assert load_model(model_path(model)).metrics["step"] == model.step


def test_a_run_that_runs_away_after_it_was_resumed_keeps_them_too(run, monkeypatch):
    train(run, until=8)
    diverge_at(monkeypatch, run.step + 1)
    could_be = {run.metrics["best_step"], run.step}  # it may have stopped right before it was judged at this step
    train(run)
    assert (run.state, run.error_code) == (State.FAILED, "diverged")
    assert run.checkpoints.published().get().step in could_be


def test_a_run_that_runs_away_on_a_full_disk_still_says_why(run, monkeypatch):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    diverge_at(monkeypatch, 15)
    monkeypatch.setattr(publishing, "save_model", full)
    train(run)
    assert (run.state, run.error_code) == (State.FAILED, "diverged")
    assert "kept as its model" not in run.error
    assert not run.checkpoints.published().exists()


def test_a_run_that_runs_away_before_it_was_judged_leaves_no_model(run, monkeypatch):
    diverge_at(monkeypatch, 2)
    train(run)
    assert (run.state, run.error_code) == (State.FAILED, "diverged")
    assert not Checkpoint.objects.exists()


# ── Fine-tuning ──────────────────────────────────────────────────────────────────────────────────────────────────


def make_fine_tuning(dataset, model, **overrides) -> TrainingRun:
    run = make_longer_run(dataset, **overrides)
    TrainingRun.objects.filter(pk=run.pk).update(starts_from=model, starts_from_name=model.name)
    return TrainingRun.objects.get(pk=run.pk)


def test_a_fine_tuning_starts_where_its_model_ended(ready_dataset, whole):
    model = whole.checkpoints.get()
    tuned = train(make_fine_tuning(ready_dataset, model, learning_rate=1e-5))
    assert (tuned.state, tuned.error) == (State.SUCCEEDED, "")
    valid_loss = MEASURED.index("valid_loss")
    assert judgements(tuned)[0][valid_loss] == pytest.approx(model.metrics["valid_loss"], abs=0.002)
    child = load_model(model_path(tuned.checkpoints.get()))
    assert child.data["starts_from"] == {"name": model.name, "sha256": model.sha256}


def test_a_fine_tuning_keeps_the_vocabulary_of_its_model(ready_dataset, whole):
    ready_dataset.songs.update(text=Concat("text", Value(" Ψψ")))
    tuned = train(make_fine_tuning(ready_dataset, whole.checkpoints.get()))
    before, after = (load_model(model_path(one.checkpoints.get())).tokenizer.to_dict() for one in (whole, tuned))
    assert before == after


def test_a_fine_tuning_is_resumed_like_any_other_run(ready_dataset, whole):
    model = whole.checkpoints.get()
    once, twice = make_fine_tuning(ready_dataset, model), make_fine_tuning(ready_dataset, model)
    train(once)
    train(twice, until=8)
    train(twice)
    assert weights_of(once) == weights_of(twice)


def test_a_fine_tuning_whose_model_is_gone_or_damaged_fails_with_a_sentence(ready_dataset, whole):
    model = whole.checkpoints.get()
    orphan, broken = make_fine_tuning(ready_dataset, model), make_fine_tuning(ready_dataset, model)
    model_path(model).write_bytes(b"nothing")
    train(broken)
    assert (broken.state, broken.error_code) == (State.FAILED, "model_gone")
    assert "damaged" in broken.error
    model.delete()
    train(orphan)
    assert (orphan.state, orphan.error_code) == (State.FAILED, "model_gone")
    assert f"“{model.name}”" in orphan.error
