"""Attempts that go on where the one before them stopped: the same model, the same measurements, and a history of it."""

from pathlib import Path

import pytest
import torch
from django.db.models import Value
from django.db.models.functions import Concat

from tests.training.runs import SMALL, claim, make_run
from training import execution, lifecycle, resuming, storage
from training.language_model.checkpoint import load_model, weights_sha256
from training.language_model.config import resolve_config
from training.language_model.errors import TrainingDiverged
from training.language_model.learner import Learner
from training.models import Checkpoint, TrainingRun

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
    storage.remove_work(run.pk)
    train(run)
    assert weights_of(run) == weights_of(whole)
    assert judgements(run) == judgements(whole)
    assert warnings(run) == ["On this machine there is no resume file of this run, so it starts anew."]


def test_a_damaged_file_is_passed_over_for_the_one_before_it(run, whole, settings):
    settings.RESUME_SECONDS = 0
    train(run, until=12)
    newest, older = sorted(storage.work_folder(run.pk).glob("resume-*"), reverse=True)
    newest.write_bytes(newest.read_bytes()[:-9])
    train(run)
    assert weights_of(run) == weights_of(whole)
    assert judgements(run) == judgements(whole)
    [warning] = warnings(run)
    assert "is left aside" in warning
    assert f"Goes on from step {int(older.stem.split('-')[1])}." in run.events.values_list("message", flat=True)


def test_files_that_are_all_damaged_cost_the_work_and_not_the_run(run, whole, settings):
    settings.RESUME_SECONDS = 0
    train(run, until=12)
    for path in storage.work_folder(run.pk).glob("resume-*"):
        path.write_bytes(b"{}")
    train(run)
    assert weights_of(run) == weights_of(whole)
    assert len(warnings(run)) == 3
    assert warnings(run)[-1] == "No resume file can be gone on from, so it starts anew."


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


def test_a_cancelled_run_writes_no_last_file(run):
    claimed = claim(run)
    lifecycle.request_cancel(run, "mara")
    told = iter(range(10**6))
    execution.execute(run.pk, claimed.token, is_asked_to_stop=lambda: next(told) > 1)
    run.refresh_from_db()
    assert run.state == State.CANCELLED
    assert storage.runs_with_work() == []


def test_a_disk_that_is_full_at_the_very_end_does_not_keep_a_run_out_of_the_line(run, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(resuming.ResumeFiles, "write", full)
    monkeypatch.setattr(resuming.ResumeFiles, "offer", lambda files, report, best: setattr(files, "resumable", report))
    assert train(run, until=8).state == State.QUEUED


def test_a_resume_file_that_can_not_be_written_fails_the_run_loudly(run, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.language_model.resume.write_durably", full)
    with pytest.raises(OSError, match="No space"):
        execution.execute(run.pk, claim(run).token)
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "storage_full")


def test_what_other_machines_ended_is_forgotten_here(run, ready_dataset, whole):
    waiting = make_run(ready_dataset)
    for one in (whole, waiting):
        storage.work_folder(one.pk).mkdir(parents=True, exist_ok=True)
    storage.work_folder("nobodys").mkdir()
    resuming.forget_ended_runs()
    assert storage.runs_with_work() == [waiting.pk]


def test_writing_takes_a_small_share_of_the_time(run, monkeypatch):
    written = []
    clock = iter(range(10**6))
    monkeypatch.setattr(resuming.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(resuming.ResumeFolder, "keep", lambda folder, snapshot: written.append(snapshot.step))
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
    best_step = run.metrics["best_step"]
    train(run)
    assert (run.state, run.error_code) == (State.FAILED, "diverged")
    assert run.checkpoints.published().get().step == best_step


def test_a_run_that_runs_away_on_a_full_disk_still_says_why(run, monkeypatch):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    diverge_at(monkeypatch, 15)
    monkeypatch.setattr(execution, "save_model", full)
    train(run)
    assert (run.state, run.error_code) == (State.FAILED, "diverged")
    assert "kept as its model" not in run.error
    assert not Checkpoint.objects.exists()


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
