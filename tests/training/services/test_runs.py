"""Starting and cancelling runs, as people and programs do."""

import threading

import pytest
from django.db import connection

from tests.songs import make_ready_dataset
from tests.training.runs import claim
from training import lifecycle
from training.errors import Conflict, Invalid, LimitReached
from training.models import Dataset, TrainingRun
from training.services.runs import cancel_run, run_options, start_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]


def start(dataset, **options) -> TrainingRun:
    return start_run(**({"owner": dataset.owner, "dataset": dataset, "architecture": "lstm"} | options))


def test_a_new_run_waits_with_everything_it_will_use(ready_dataset, doorbells):
    run = start(ready_dataset, overrides={"hidden_size": 32, "seed": 7})
    assert (run.state, run.attempts, run.queue_position) == ("queued", 0, 1)
    assert (run.dataset_version, run.dataset_hash) == (ready_dataset.version, ready_dataset.content_hash)
    assert (run.architecture, run.preset, run.seed, run.config["hidden_size"]) == ("lstm", "tiny", 7, 32)
    assert run.config_hash == lifecycle.config_hash(run.config)
    assert run.events.get().actor == ready_dataset.owner.username
    assert doorbells == ["training"]


def test_a_run_without_a_name_is_named_after_what_it_is(ready_dataset):
    assert start(ready_dataset).name == f"LSTM on {ready_dataset.name}, tiny"
    assert start(ready_dataset, architecture="gru", preset="coffee", name=" Mine ").name == "Mine"
    Dataset.objects.filter(pk=ready_dataset.pk).update(name="x" * 120)
    name = start(ready_dataset).name
    assert len(name) == 120
    assert name.endswith("…, tiny")


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"overrides": {"hidden_size": 10**6, "learning_rate": float("nan")}}, {"hidden_size", "learning_rate"}),
        ({"overrides": {"unknown": 1}}, {"unknown"}),
        ({"architecture": "transformer"}, {"architecture"}),
        ({"preset": "dinner"}, {"preset"}),
        ({"name": "x" * 121}, {"name"}),
        ({"name": "a\x00b"}, {"name"}),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused_at_its_field(ready_dataset, doorbells, options, fields):
    with pytest.raises(Invalid) as refusal:
        start(ready_dataset, **options)
    assert set(refusal.value.errors) == fields
    assert not TrainingRun.objects.exists()
    assert doorbells == []


@pytest.mark.parametrize("state", ["uploaded", "needs_mapping", "importing", "failed", "cancelled"])
def test_a_dataset_that_is_not_ready_is_refused_with_its_state(ready_dataset, state):
    Dataset.objects.filter(pk=ready_dataset.pk).update(state=state)
    with pytest.raises(Conflict) as refusal:
        start(ready_dataset)
    assert refusal.value.details["state"] == state


def test_another_persons_dataset_is_trained_on_only_when_it_is_shared(ready_dataset, other_user):
    with pytest.raises(Invalid):
        start(ready_dataset, owner=other_user)
    Dataset.objects.filter(pk=ready_dataset.pk).update(visibility="shared")
    assert start(ready_dataset, owner=other_user).owner == other_user


def test_one_person_has_only_so_many_waiting_runs(ready_dataset, other_user, settings):
    settings.QUEUED_RUNS_PER_USER = 2
    first, _ = start(ready_dataset), start(ready_dataset)
    with pytest.raises(LimitReached):
        start(ready_dataset)
    assert start(make_ready_dataset(other_user), owner=other_user)
    claim(first)
    assert start(ready_dataset)  # one that runs waits no more


def test_the_same_key_gives_the_same_run_to_one_person_alone(ready_dataset, other_user, settings):
    settings.QUEUED_RUNS_PER_USER = 1
    first = start(ready_dataset, idempotency_key="k")
    assert start(ready_dataset, idempotency_key="k") == first
    assert start(make_ready_dataset(other_user), owner=other_user, idempotency_key="k") != first


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("key", "expected"), [(None, 3), ("same", 1)])
def test_requests_at_the_same_moment_pass_neither_the_quota_nor_the_key(ready_dataset, settings, key, expected):
    settings.QUEUED_RUNS_PER_USER = 3
    refused, ready = [], threading.Barrier(8)

    def one():
        try:
            ready.wait()
            start(ready_dataset, idempotency_key=key)
        except LimitReached as refusal:
            refused.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert TrainingRun.objects.count() == expected
    assert len(refused) == (0 if key else 5)


def test_a_waiting_run_is_cancelled_at_once_and_a_running_one_as_soon_as_its_worker_sees_it(ready_dataset):
    waiting, running = start(ready_dataset), start(ready_dataset)
    claim(running)
    assert cancel_run(run=waiting, by=ready_dataset.owner).state == "cancelled"
    assert cancel_run(run=running, by=ready_dataset.owner).cancel_requested_at
    with pytest.raises(Conflict) as refusal:
        cancel_run(run=waiting, by=ready_dataset.owner)
    assert refusal.value.details["state"] == "cancelled"


def test_the_options_name_every_architecture_and_preset():
    options = run_options()
    assert {one["name"] for one in options["architectures"]} == {"rnn", "lstm", "gru"}
    assert {one["name"] for one in options["presets"]} == {"tiny", "coffee", "lunch", "overnight"}
