"""Starting and cancelling races, as people and programs do."""

import pytest

from tests.songs import make_ready_dataset
from tests.training.runs import SMALL, claim
from training.errors import Conflict, Invalid, LimitReached
from training.language_model.config import TrainingConfig, count_parameters
from training.models import Dataset, Race, TrainingRun
from training.services.races import cancel_race, start_race
from training.services.runs import start_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]
TINY = {name: SMALL[name] for name in ("tokenizer", "sequence_length", "batch_size", "evaluations", "threads")}
TINY |= {"embedding_size": 24, "hidden_size": 64}


def race_on(dataset, **options) -> Race:
    asked = {"architectures": ["gru", "rnn", "lstm"], "seeds": [3, 4], "budget": {"tokens": 6400}, "overrides": TINY}
    return start_race(**({"owner": dataset.owner, "dataset": dataset} | asked | options))


def configs(race: Race) -> list[TrainingConfig]:
    return [TrainingConfig.from_dict(run.config) for run in race.runs.order_by("queued_at")]


def test_one_run_waits_for_each_cell_and_seed(ready_dataset, doorbells):
    race = race_on(ready_dataset)
    runs = list(race.runs.order_by("queued_at"))
    assert [(run.seed, run.architecture) for run in runs] == [
        (seed, cell) for seed in (3, 4) for cell in ("rnn", "lstm", "gru")
    ]
    assert {run.state for run in runs} == {"queued"}
    assert {(run.dataset_version, run.dataset_hash) for run in runs} == {(race.dataset_version, race.dataset_hash)}
    assert race.name == f"RNN, LSTM and GRU on {ready_dataset.name}"
    assert runs[0].name == f"RNN, seed 3: {race.name}"
    assert [run.events.get().actor for run in runs] == [ready_dataset.owner.username] * 6
    assert doorbells == ["training"]


def test_all_networks_are_equally_heavy_and_all_else_is_the_same(ready_dataset):
    race = race_on(ready_dataset)
    found = configs(race)
    for vocabulary in (30, 500):
        heavy = [count_parameters(config, vocabulary) for config in found]
        assert max(heavy) <= 1.02 * min(heavy)
    own = ("architecture", "hidden_size", "seed")
    shared = [{name: value for name, value in config.to_dict().items() if name not in own} for config in found]
    assert all(one == shared[0] for one in shared)
    assert race.config == shared[0] | {"hidden_size": 64}


def test_tokens_become_the_same_steps_for_all_and_the_first_seed_orders_the_songs(ready_dataset):
    race = race_on(ready_dataset, budget={"tokens": 6400})
    found = configs(race)
    assert {(one.steps, one.budget_seconds, one.order_seed, one.patience) for one in found} == {(100, None, 3, 0)}
    assert race.promises_equal_batches
    assert race.budget == {"tokens": 6400}


def test_seconds_are_given_to_each_run_without_a_promise_of_equal_batches(ready_dataset):
    race = race_on(ready_dataset, budget={"seconds": 90})
    assert {(one.steps, one.budget_seconds, one.epochs) for one in configs(race)} == {(None, 90, 1000)}
    assert not race.promises_equal_batches
    assert race.budget == {"seconds": 90}


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"architectures": ["lstm"]}, {"architectures"}),
        ({"architectures": ["lstm", "lstm"]}, {"architectures"}),
        ({"architectures": ["lstm", "transformer"]}, {"architectures"}),
        ({"architectures": [], "seeds": [], "budget": {}}, {"architectures", "seeds", "budget"}),
        ({"name": "x" * 121, "seeds": []}, {"name", "seeds"}),
        ({"seeds": [1, 1]}, {"seeds"}),
        ({"seeds": [1, 2, 3, 4, 5, 6]}, {"seeds"}),
        ({"seeds": [-1]}, {"seeds"}),
        ({"seeds": ["1"]}, {"seeds"}),
        ({"budget": {"tokens": 1, "seconds": 1}}, {"budget"}),
        ({"budget": {"tokens": 0}}, {"budget"}),
        ({"budget": {"tokens": 10**10}}, {"budget"}),
        ({"budget": {"tokens": True}}, {"budget"}),
        ({"budget": {"seconds": float("nan")}}, {"budget"}),
        ({"budget": {"seconds": None}}, {"budget"}),
        ({"budget": {"hours": 1}}, {"budget"}),
        ({"preset": "dinner"}, {"preset"}),
        ({"overrides": TINY | {"hidden_size": 10**6, "learning_rate": float("nan")}}, {"hidden_size", "learning_rate"}),
        ({"overrides": {"embedding_size": 64, "hidden_size": 2048}}, {"hidden_size"}),
        ({"overrides": TINY | {"tie_embeddings": False}}, {"tie_embeddings"}),
        ({"overrides": {"seed": 1, "steps": 5, "architecture": "gru"}}, {"seed", "steps", "architecture"}),
        ({"overrides": {"patience": 3, "epochs": 5}}, {"patience", "epochs"}),
        ({"overrides": {"no_such": [1]}, "seeds": []}, {"no_such", "seeds"}),
    ],
)  # fmt: skip
def test_whatever_breaks_a_rule_is_refused_at_its_field_before_anything_waits(
    ready_dataset, doorbells, options, fields
):
    with pytest.raises(Invalid) as refusal:
        race_on(ready_dataset, **options)
    assert set(refusal.value.errors) == fields
    assert not TrainingRun.objects.exists()
    assert not Race.objects.exists()
    assert doorbells == []


def test_more_than_twenty_runs_are_no_race(ready_dataset, monkeypatch):
    monkeypatch.setattr("training.services.races.MOST_RUNS", 8)
    with pytest.raises(Invalid, match="9 runs are too many"):
        race_on(ready_dataset, seeds=[1, 2, 3])


def test_a_setting_that_the_race_decides_may_be_said_all_the_same(ready_dataset):
    assert race_on(ready_dataset, overrides=TINY | {"patience": 0}).runs.count() == 6


def test_a_race_counts_as_one_waiting_run(ready_dataset, settings):
    settings.QUEUED_RUNS_PER_USER = 2
    race_on(ready_dataset)
    start_run(owner=ready_dataset.owner, dataset=ready_dataset, architecture="lstm")
    with pytest.raises(LimitReached):
        race_on(ready_dataset)
    assert Race.objects.count() == 1


def test_a_dataset_of_another_or_one_that_is_not_ready_holds_no_race(ready_dataset, other_user):
    with pytest.raises(Invalid):
        race_on(ready_dataset, owner=other_user)
    Dataset.objects.filter(pk=ready_dataset.pk).update(state="importing")
    with pytest.raises(Conflict):
        race_on(ready_dataset)
    assert not Race.objects.exists()


def test_cancelling_a_race_cancels_what_waits_and_stops_what_runs(ready_dataset, user):
    race = race_on(ready_dataset)
    claim(race.runs.order_by("queued_at").first())
    cancel_race(race=race, by=user)
    assert race.runs.filter(state="cancelled").count() == 5
    assert race.runs.get(state="running").cancel_requested_at
    TrainingRun.objects.filter(race=race, state="running").delete()
    with pytest.raises(Conflict):
        cancel_race(race=race, by=user)


def test_runs_outlive_their_race(ready_dataset):
    race_on(ready_dataset).delete()
    assert TrainingRun.objects.filter(race=None).count() == 6


def test_a_long_name_is_cut(user):
    dataset = make_ready_dataset(user, name="x" * 120)
    race = race_on(dataset)
    assert len(race.name) == 120
    assert all(len(run.name) == 120 for run in race.runs.all())
