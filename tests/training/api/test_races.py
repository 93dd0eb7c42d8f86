"""Races and comparisons, as programs ask for them."""

import csv
import io

import pytest

from tests.training.finished_runs import make_finished_run
from tests.training.races import SHARED, finish_race, make_race
from training.models import Race, TrainingRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]
RACES = "/api/v1/races/"
COMPARE = "/api/v1/runs/compare/"


def asked(dataset, **changes) -> dict:
    return {
        "dataset": dataset.pk,
        "architectures": ["rnn", "lstm"],
        "seeds": [1, 2],
        "budget": {"tokens": 6400},
        "config": SHARED | {"hidden_size": 64, "embedding_size": 24},
    } | changes


def post(api, dataset, **changes):
    return api.post(RACES, asked(dataset, **changes), format="json")


def table(answer) -> list[dict]:
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_a_race_is_queued_with_one_run_for_each_cell_and_seed(api, ready_dataset):
    answer = post(api, ready_dataset, name="Spring")
    body = answer.json()
    assert answer.status_code == 202
    assert answer["Location"].endswith(f"{RACES}{body['id']}/")
    assert (body["name"], body["budget"], body["promises_equal_batches"]) == ("Spring", {"tokens": 6400}, True)
    assert [(run["architecture"], run["seed"], run["state"]) for run in body["runs"]] == [
        ("rnn", 1, "queued"), ("lstm", 1, "queued"), ("rnn", 2, "queued"), ("lstm", 2, "queued"),
    ]  # fmt: skip
    assert {run.config["steps"] for run in TrainingRun.objects.all()} == {100}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"architectures": ["rnn"]}, {"architectures"}),
        ({"architectures": "rnn"}, {"architectures"}),
        ({"architectures": [["rnn"], {}]}, {"architectures"}),
        ({"architectures": ["rnn", "transformer"], "seeds": []}, {"architectures", "seeds"}),
        ({"seeds": ["x"]}, {"seeds"}),
        ({"seeds": [10**30]}, {"seeds"}),
        ({"budget": 5}, {"budget"}),
        ({"budget": {"tokens": "many"}}, {"budget"}),
        ({"budget": {"tokens": [1]}}, {"budget"}),
        ({"budget": {"seconds": 1e308}}, {"budget"}),
        ({"budget": {"seconds": 0}}, {"budget"}),
        ({"config": {"hidden_size": 10**6, "num_layers": 1000}}, {"hidden_size", "num_layers"}),
        ({"config": {"steps": 5, "seed": [1]}}, {"steps", "seed"}),
        ({"config": []}, {"config"}),
        ({"preset": "dinner"}, {"preset"}),
        ({"name": "x" * 121}, {"name"}),
    ],
)
def test_what_cannot_race_is_refused_at_its_field(api, ready_dataset, changes, fields):
    answer = post(api, ready_dataset, **changes)
    assert answer.status_code == 400
    assert set(answer.json()) == fields
    assert all(isinstance(message, str) for messages in answer.json().values() for message in messages)
    assert not TrainingRun.objects.exists()


def test_a_dataset_of_another_is_not_found(other_api, ready_dataset):
    assert post(other_api, ready_dataset).status_code == 404
    ready_dataset.pk = "nothing"
    assert post(other_api, ready_dataset).status_code == 404


def test_a_race_comes_with_its_comparison(api, ready_dataset):
    race = finish_race(make_race(ready_dataset))
    body = api.get(f"{RACES}{race.pk}/").json()
    found = body["comparison"]
    assert found["verdict"].startswith("GRU knows these songs best")
    assert [entrant["label"] for entrant in found["entrants"]] == ["RNN", "GRU"]
    score = found["entrants"][1]["scores"]["nats_per_character"]
    assert (score["mean"], score["runs"]) == (pytest.approx(1.0075), 2)
    assert len(found["curves"]) == 4
    assert found["same_songs"] is True
    assert found["same_batches"] is None
    assert [difference["setting"] for difference in found["differences"]] == ["hidden_size"]
    at_1_4 = api.get(f"{RACES}{race.pk}/", {"loss": 1.4}).json()["comparison"]
    assert at_1_4["target_loss"] == 1.4
    assert at_1_4["entrants"][1]["scores"]["seconds_to_loss"] == {"mean": 4.0, "spread": 0.0, "runs": 2}


def test_scores_and_curves_come_as_tables(api, ready_dataset):
    race = finish_race(make_race(ready_dataset))
    scores = table(api.get(f"{RACES}{race.pk}/", {"format": "csv"}))
    assert [row["entrant"] for row in scores] == ["RNN", "GRU"]
    assert float(scores[1]["nats_per_character"]) == pytest.approx(1.0075)
    curves = table(api.get(f"{RACES}{race.pk}/", {"format": "csv", "table": "curves"}))
    assert len(curves) == 12
    assert api.get(f"{RACES}{race.pk}/", {"format": "csv", "table": "nonsense"}).status_code == 400
    assert api.get(f"{RACES}{race.pk}/", {"loss": "x"}).status_code == 400


def test_races_of_others_are_not_found(other_api, ready_dataset):
    race = make_race(ready_dataset)
    assert other_api.get(RACES).json()["count"] == 0
    assert other_api.get(f"{RACES}{race.pk}/").status_code == 404
    assert other_api.post(f"{RACES}{race.pk}/cancel/").status_code == 404
    Race.objects.update(visibility="shared")
    body = other_api.get(f"{RACES}{race.pk}/").json()
    assert (body["name"], body["runs"]) == (race.name, [])
    assert other_api.post(f"{RACES}{race.pk}/cancel/").status_code == 404


def test_races_are_listed_newest_first(api, ready_dataset):
    names = ["first", "second"]
    for name in names:
        make_race(ready_dataset, name=name)
    assert [race["name"] for race in api.get(RACES).json()["results"]] == names[::-1]


def test_a_race_is_cancelled(api, ready_dataset):
    race = make_race(ready_dataset)
    answer = api.post(f"{RACES}{race.pk}/cancel/")
    assert answer.status_code == 202
    assert {run["state"] for run in answer.json()["runs"]} == {"cancelled"}
    assert api.post(f"{RACES}{race.pk}/cancel/").status_code == 409


def test_any_runs_are_compared(api, ready_dataset):
    runs = [make_finished_run(ready_dataset, architecture=cell) for cell in ("rnn", "gru")]
    body = api.get(COMPARE, {"run": [run.pk for run in runs]}).json()
    assert [entrant["runs"] for entrant in body["entrants"]] == [[run.pk] for run in runs]
    assert len(table(api.get(COMPARE, {"run": [run.pk for run in runs], "format": "csv"}))) == 2


def test_two_to_ten_runs_that_are_mine_to_see_are_compared(api, other_api, ready_dataset):
    runs = [make_finished_run(ready_dataset).pk for _ in range(11)]
    assert api.get(COMPARE).status_code == 400
    assert api.get(COMPARE, {"run": runs[:1] * 2}).status_code == 400
    assert api.get(COMPARE, {"run": runs}).status_code == 400
    assert other_api.get(COMPARE, {"run": runs[:2]}).status_code == 404
    assert api.get(COMPARE, {"run": [runs[0], "a\0b", "nothing"]}).status_code == 404


def test_a_page_of_races_takes_no_more_queries_for_more_of_them(api, ready_dataset, django_assert_max_num_queries):
    for number in range(4):
        make_race(ready_dataset, name=str(number))
    with django_assert_max_num_queries(7):
        api.get(RACES)


def test_a_race_is_shared_with_its_runs_and_taken_back_with_them(api, other_api, ready_dataset):
    race = make_race(ready_dataset)
    address = f"{RACES}{race.pk}/"
    assert other_api.get(address).status_code == 404
    answer = api.patch(address, {"visibility": "shared"})
    assert (answer.status_code, answer.json()["visibility"]) == (200, "shared")
    assert len(other_api.get(address).json()["runs"]) == 4
    assert api.patch(address, {"visibility": "private", "name": "Mine again"}).json()["name"] == "Mine again"
    assert other_api.get(address).status_code == 404
    assert set(race.runs.values_list("visibility", flat=True)) == {"private"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"visibility": "public"}, "visibility"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": None}, "name"),
    ],
)
def test_a_change_of_a_race_is_refused_at_its_field(api, ready_dataset, changes, field):
    race = make_race(ready_dataset)
    answer = api.patch(f"{RACES}{race.pk}/", changes)
    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_a_race_is_deleted_by_its_owner_alone_and_its_runs_stay(api, other_api, ready_dataset):
    race = make_race(ready_dataset)
    Race.objects.update(visibility="shared")
    address = f"{RACES}{race.pk}/"
    assert other_api.patch(address, {"visibility": "private"}).status_code == 404
    assert other_api.delete(address).status_code == 404
    assert api.delete(address).status_code == 204
    assert api.delete(address).status_code == 404
    assert not Race.objects.exists()
    assert TrainingRun.objects.queued().count() == 4
