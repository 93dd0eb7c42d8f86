"""One attempt from its songs to its model, with a real network of sixteen units."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from tests.songs import make_ready_dataset
from tests.training.runs import SMALL, claim, expire_lease, make_run
from training import execution, lifecycle, publishing, storage
from training.code_version import code_version
from training.language_model import losses
from training.language_model.checkpoint import load_model
from training.language_model.config import resolve_config
from training.models import Attempt, Checkpoint, TrainingRun
from training.services import quota

pytestmark = pytest.mark.django_db
State = TrainingRun.State


@pytest.fixture
def run(ready_dataset):
    return make_run(ready_dataset)


def train(run, **options) -> TrainingRun:
    claimed = claim(run)
    execution.execute(run.pk, claimed.token, **options)
    run.refresh_from_db()
    return run


def published_files(settings) -> list[Path]:
    return [path for path in (Path(settings.MEDIA_ROOT) / "checkpoints").rglob("*") if path.is_file()]


@pytest.mark.parametrize("architecture", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("tokenizer", ["char", "word"])
def test_a_training_ends_in_a_model_whose_file_is_what_its_row_says(ready_dataset, settings, architecture, tokenizer):
    config = resolve_config(architecture=architecture, overrides=SMALL | {"tokenizer": tokenizer})
    run = train(make_run(ready_dataset, architecture=architecture, config=config.to_dict()))
    assert (run.state, run.error) == (State.SUCCEEDED, "")
    model = run.checkpoints.published().get()
    storage.verify(model.folder, model.manifest)
    assert model.manifest["files"][storage.MODEL_FILE] == {"size": model.size_bytes, "sha256": model.sha256}
    assert model.code_version == run.facts["code"] == code_version()
    with safe_open(Path(settings.MEDIA_ROOT) / model.model_file, framework="pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["network"])["architecture"] == architecture
    assert json.loads(metadata["data"])["name"] == ready_dataset.name
    assert (model.architecture, model.tokenizer, model.owner) == (architecture, tokenizer, run.owner)
    assert model.vocabulary_size == json.loads(metadata["network"])["vocabulary_size"]
    assert model.parameters == run.parameters
    assert model.stored_bytes <= quota.model_bytes(run.parameters)


def test_a_model_of_pieces_keeps_how_it_reads_lines_and_what_it_was_told_of_songs(ready_dataset, settings):
    asked = {"tokenizer": "bpe", "vocabulary_limit": 1000, "lines_right_to_left": True, "condition_on": "genre+artist"}
    config = resolve_config(architecture="gru", overrides=SMALL | asked)
    run = train(make_run(ready_dataset, architecture="gru", config=config.to_dict()))
    assert (run.state, run.error) == (State.SUCCEEDED, "")
    assert run.facts["conditions"] == {"genre": ["folk"], "artist": ["Nobody"]}
    model = run.checkpoints.published().get()
    tokenizer = load_model(Path(settings.MEDIA_ROOT) / model.model_file).tokenizer
    assert tokenizer.conditions.knows("genre", "Folk")
    assert tokenizer.lines_right_to_left
    assert model.tokenizer == "bpe"


def test_the_steps_of_a_training_are_written_down(run):
    train(run)
    points = list(run.metric_points.all())
    assert points[-1].step == run.step == run.steps == run.config["steps"] == 12
    assert len({point.step for point in points}) == len(points)
    assert points[-1].valid_loss is not None
    assert run.metrics["nats_per_character"] == min(point.nats_per_character for point in points if point.valid_loss)
    assert run.metrics["best_step"] in {point.step for point in points}
    assert run.metrics["bits_per_character"] > run.metrics["nats_per_character"]
    assert points[-1].epoch > 0
    assert run.samples.count() == 2
    assert run.samples.first().text
    assert run.facts["device"] == "cpu"
    assert run.facts["allocator"] in ("jemalloc", "system")
    assert len(run.facts["batch_hash"]) == 64
    assert run.facts["songs_kept_aside"] >= 1
    states = run.events.filter(kind="state")
    assert list(states.values_list("state", flat=True)) == ["running", "succeeded"]
    assert "Best so far" in run.events.filter(kind="note").last().message


def test_steps_are_decided_once_and_then_frozen(ready_dataset):
    config = resolve_config(architecture="gru", overrides=SMALL | {"steps": None, "epochs": 1, "evaluations": 1})
    run = train(make_run(ready_dataset, config=config.to_dict()))
    assert run.state == State.SUCCEEDED
    assert run.config["steps"] == run.steps > 0
    assert run.config_hash == lifecycle.config_hash(run.config)


def test_only_the_songs_of_the_frozen_version_are_learnt_from(run):
    run.dataset.songs.filter(ordinal__lte=12).update(removed_in=2)
    run.dataset.songs.filter(ordinal=1).update(excluded_as="person")
    type(run.dataset).objects.filter(pk=run.dataset_id).update(version=2)
    train(run)
    assert run.facts["songs"] == 23  # version 1, but for the one left out


def test_the_same_run_gives_the_same_weights(run, ready_dataset):
    first, second = train(run), train(make_run(ready_dataset))

    def weights(one) -> dict:
        with safe_open(storage.default_storage.path(one.checkpoints.get().model_file), framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary

    before, after = weights(first), weights(second)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_songs_too_few_fail_the_run_with_a_sentence(user):
    dataset = make_ready_dataset(user)
    dataset.songs.filter(ordinal__gt=1).delete()
    run = train(make_run(dataset))
    assert (run.state, run.error_code) == (State.FAILED, "corpus_too_small")
    assert "song" in run.error
    assert not Checkpoint.objects.exists()
    assert run.attempt_rows.get().outcome == Attempt.Outcome.FAILED


def test_a_loss_that_is_no_number_fails_the_run_with_advice(run, monkeypatch):
    monkeypatch.setattr(losses, "cross_entropy", lambda *args, **kwargs: torch.tensor(float("nan")))
    config = run.config | {"sample_tokens": 0}
    TrainingRun.objects.filter(pk=run.pk).update(config=config)
    monkeypatch.setattr(torch.Tensor, "backward", lambda self: None)
    run = train(run)
    assert (run.state, run.error_code) == (State.FAILED, "diverged")
    assert "learning rate" in run.error


@pytest.mark.parametrize(
    "problem",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
        torch.OutOfMemoryError("CUDA out of memory"),
    ],
)
def test_too_little_memory_fails_the_run_with_advice(run, monkeypatch, problem):
    def too_large(*args, **options):
        raise problem

    monkeypatch.setattr(execution, "build_corpus", too_large)
    train(run)
    assert (run.state, run.error_code) == (State.FAILED, "out_of_memory")
    assert "smaller" in run.error


def test_a_fault_of_ours_fails_the_run_and_is_raised(run, monkeypatch):
    def faulty(*args, **options):
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(execution, "build_corpus", faulty)
    claimed = claim(run)
    with pytest.raises(ZeroDivisionError):
        execution.execute(run.pk, claimed.token)
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "internal")
    assert "secret" not in run.error  # that is for the log


def test_a_full_disk_fails_the_run_and_leaves_no_half_model(run, monkeypatch, settings):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing, "save_model", full)
    claimed = claim(run)
    with pytest.raises(OSError, match="No space"):
        execution.execute(run.pk, claimed.token)
    run.refresh_from_db()
    assert (run.state, run.error_code) == (State.FAILED, "storage_full")
    assert not [path for path in published_files(settings) if path.name == storage.MODEL_FILE]
    assert not run.checkpoints.published().exists()


def test_a_cancelled_run_stops_and_leaves_no_model(run):
    claimed = claim(run)
    lifecycle.request_cancel(run, "mara")
    execution.execute(run.pk, claimed.token, is_asked_to_stop=lambda: True)
    run.refresh_from_db()
    assert run.state == State.CANCELLED
    assert not Checkpoint.objects.exists()


def test_a_cancel_is_heeded_in_the_last_judgement_too(run, monkeypatch):
    judge = execution.Best.judge_at_last
    asked = []

    def cancelled_meanwhile(best, test, **options):
        lifecycle.request_cancel(run, "mara")
        asked.append(True)
        judge(best, test, **options)

    monkeypatch.setattr(execution.Best, "judge_at_last", cancelled_meanwhile)
    train(run, is_asked_to_stop=lambda: bool(asked))
    assert run.state == State.CANCELLED
    assert not run.checkpoints.published().exists()


def test_a_run_whose_worker_shuts_down_waits_again_and_is_trained_anew(run):
    train(run, is_asked_to_stop=lambda: True)
    assert (run.state, run.lost_attempts) == (State.QUEUED, 0)
    train(run)
    assert (run.state, run.attempts) == (State.SUCCEEDED, 2)
    assert run.checkpoints.count() == 1


def test_an_attempt_that_was_taken_over_writes_nothing_more(run):
    claimed = claim(run)

    def is_taken_over() -> bool:
        expire_lease(run)
        lifecycle.reconcile()
        return False

    with pytest.raises(execution.LeaseLost):
        execution.execute(run.pk, claimed.token, is_asked_to_stop=is_taken_over)
    run.refresh_from_db()
    assert run.state == State.QUEUED
    assert not Checkpoint.objects.exists()


def test_an_attempt_taken_over_while_it_publishes_takes_its_files_away(run, monkeypatch, settings):
    publish = storage.publish

    def slow_publish(*args, **options):
        published = publish(*args, **options)
        expire_lease(run)
        lifecycle.reconcile()
        return published

    monkeypatch.setattr(storage, "publish", slow_publish)
    with pytest.raises(execution.LeaseLost):
        execution.execute(run.pk, claim(run).token)
    assert not Checkpoint.objects.exists()
    assert not published_files(settings)
