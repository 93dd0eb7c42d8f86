"""Training runs by API: the contract's statuses, bodies and borders."""

import json

import pytest

from tests.songs import make_ready_dataset
from tests.training.finished_runs import make_baseline_row, make_finished_run, make_model, make_running_run
from tests.training.runs import make_run
from training.language_model.config import resolve_config
from training.language_model.shapes import CELL_KINDS
from training.models import Dataset, MetricPoint, TrainingRun

pytestmark = pytest.mark.django_db
RUNS = "/api/v1/runs/"


def body(dataset, **fields) -> dict:
    return {"dataset": dataset.pk, "architecture": "lstm", "preset": "tiny", **fields}


def test_the_options_name_everything_a_run_can_be_told(api):
    options = api.get("/api/v1/run-options/").json()
    assert [one["name"] for one in options["architectures"]] == [*CELL_KINDS]
    assert [one["name"] for one in options["presets"]] == ["tiny", "coffee", "lunch", "overnight"]
    hidden = next(one for one in options["fields"] if one["name"] == "hidden_size")
    assert hidden["type"] == "int"
    assert hidden["minimum"] < hidden["default"] < hidden["maximum"]
    assert hidden["help"]


def test_a_run_is_queued_and_its_address_given(api, ready_dataset, doorbells):
    answer = api.post(RUNS, body(ready_dataset, name="By program", config={"hidden_size": 32, "tokenizer": "char"}))
    assert answer.status_code == 202
    run = answer.json()
    assert answer["Location"].endswith(f"/api/v1/runs/{run['id']}/")
    assert api.get(answer["Location"]).json() == run
    assert (run["state"], run["queue_position"], run["name"]) == ("queued", 1, "By program")
    assert (run["config"]["hidden_size"], run["config"]["tokenizer"]) == (32, "char")
    assert (run["dataset"], run["dataset_version"], run["model"]) == (ready_dataset.pk, 1, None)
    assert doorbells == ["training"]


def test_the_same_key_gives_the_same_run(api, ready_dataset, doorbells):
    first, second = (
        api.post(RUNS, body(ready_dataset), headers={"Idempotency-Key": "once"}).json()["id"] for _ in range(2)
    )
    assert first == second
    assert doorbells == ["training"]


def test_a_key_that_is_too_long_is_refused(api, ready_dataset):
    answer = api.post(RUNS, body(ready_dataset), headers={"Idempotency-Key": "k" * 201})
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"architecture": "transformer"}, "architecture"),
        ({"preset": "banquet"}, "preset"),
        ({"name": "x" * 121}, "name"),
        ({"config": {"hidden_size": 1}}, "hidden_size"),
        ({"config": {"hidden_size": True, "nonsense": 1}}, "nonsense"),
        ({"config": [1]}, "config"),
        ({"config": {"sample_prompt": "\ud800"}}, "config"),
        ({"dataset": ["nowhere"]}, "dataset"),
        ({"config": {"hidden_size": 1_000_000}}, "hidden_size"),
        ({"config": {"num_layers": 1_000}}, "num_layers"),
        ({"config": {"sequence_length": 1_000_000}}, "sequence_length"),
        ({"config": {"learning_rate": "NaN"}}, "learning_rate"),
        ({"config": {"dropout": 2, "seed": 2**70}}, "dropout"),
        ({"config": {"steps": 10**400}}, "steps"),
        ({"config": {"hidden_size": {}, "batch_size": []}}, "batch_size"),
        ({"name": "two\nlines"}, "name"),
        ({"dataset": None}, "dataset"),
    ],
)
def test_what_breaks_a_rule_is_named(api, ready_dataset, fields, named):
    answer = api.post(RUNS, json.dumps(body(ready_dataset) | fields), content_type="application/json")
    assert answer.status_code == 400
    assert named in answer.json()
    assert not TrainingRun.objects.exists()


def test_a_number_that_is_none_is_refused_though_python_reads_it(api, ready_dataset):
    for number in ("NaN", "Infinity", "1e999"):
        written = json.dumps(body(ready_dataset))[:-1] + f', "config": {{"learning_rate": {number}}}}}'
        assert api.post(RUNS, written, content_type="application/json").status_code == 400
    assert not TrainingRun.objects.exists()


def test_what_a_run_takes_is_told_without_queueing_it(api, other_api, ready_dataset, doorbells):
    asked = body(ready_dataset, config={"hidden_size": 16, "embedding_size": 16, "tokenizer": "char"})
    told = api.post(f"{RUNS}estimate/", asked)
    assert told.status_code == 200
    told = told.json()
    assert told["seconds"] > 0
    assert told["memory_bytes"] > 100_000_000
    assert (told["config"]["hidden_size"], told["config"]["tokenizer"]) == (16, "char")
    assert told["parameters"] == 16 * 102 + 4 * 16 * (16 + 16 + 2) + 102
    assert all(sentence.endswith(".") for sentence in told["warnings"])
    assert api.post(f"{RUNS}estimate/", body(ready_dataset, config={"dropout": 2})).json()["dropout"]
    assert api.post(f"{RUNS}estimate/", {"architecture": "lstm"}).status_code == 400
    assert other_api.post(f"{RUNS}estimate/", asked).status_code == 404
    assert not TrainingRun.objects.exists()
    assert doorbells == []


def test_a_run_is_queued_again_with_what_is_changed(api, other_api, ready_dataset, doorbells):
    run = make_finished_run(ready_dataset)
    answer = api.post(f"{RUNS}{run.pk}/clone/", {"config": {"learning_rate": 0.002}})
    assert answer.status_code == 202
    assert answer.json()["config"] == run.config | {"learning_rate": 0.002}
    assert api.post(f"{RUNS}{run.pk}/clone/", {"config": {"learning_rate": 7}}).json()["learning_rate"]
    assert other_api.post(f"{RUNS}{run.pk}/clone/").status_code == 404
    assert TrainingRun.objects.count() == 2


def test_the_key_of_another_person_is_another_key(api, other_api, ready_dataset, doorbells):
    Dataset.objects.update(visibility="shared")
    answers = [one.post(RUNS, body(ready_dataset), headers={"Idempotency-Key": "once"}) for one in (api, other_api)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert TrainingRun.objects.count() == 2


def test_a_dataset_that_is_not_ready_is_a_conflict_with_its_state(api, ready_dataset):
    Dataset.objects.update(state="importing")
    answer = api.post(RUNS, body(ready_dataset))
    assert answer.status_code == 409
    assert answer.json()["state"] == "importing"


def test_more_waiting_runs_than_allowed_are_refused_for_a_while(api, ready_dataset, settings):
    settings.QUEUED_RUNS_PER_USER = 1
    make_run(ready_dataset)
    answer = api.post(RUNS, body(ready_dataset))
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


def test_nobody_trains_on_what_is_not_theirs(api, other_user):
    dataset = make_ready_dataset(other_user)
    answer = api.post(RUNS, body(dataset))
    assert answer.status_code == 404
    nowhere = api.post(RUNS, body(dataset) | {"dataset": "nowhere"})
    assert nowhere.json() == answer.json()  # nothing tells that there is one
    Dataset.objects.update(visibility="shared")
    assert api.post(RUNS, body(dataset)).status_code == 202


def test_a_finished_run_has_its_scores_and_its_model(api, ready_dataset):
    run = make_finished_run(ready_dataset, losses=(2.4, 2.0))
    model = make_model(run)
    found = api.get(f"{RUNS}{run.pk}/").json()
    assert found["model"] == model.pk
    assert found["metrics"]["nats_per_character"] == 1.0
    assert found["metrics"]["bits_per_character"] == pytest.approx(1.4427, abs=1e-4)
    assert set(found["metrics"]) >= {"train_loss", "valid_loss", "perplexity", "best_step", "test_nats_per_character"}
    assert found["progress"]["percent"] == 100
    assert found["queue_position"] is None


def test_a_running_run_tells_its_progress(api, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    progress = api.get(f"{RUNS}{run.pk}/").json()["progress"]
    told = {name: progress[name] for name in ("step", "steps", "percent", "eta_seconds", "tokens_per_second")}
    assert told == {"step": 6, "steps": 12, "percent": 50, "eta_seconds": 30.0, "tokens_per_second": 1200.0}


def ids(answer) -> list[str]:
    return [row["id"] for row in answer.json()["results"]]


def test_the_list_holds_own_and_shared_runs(api, other_api, ready_dataset):
    run = make_run(ready_dataset)
    assert ids(api.get(RUNS)) == [run.pk]
    assert ids(other_api.get(RUNS)) == []
    TrainingRun.objects.update(visibility="shared")
    assert ids(other_api.get(RUNS)) == [run.pk]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"state": "queued"}, ["first", "second"]),
        ({"state": "queued", "ordering": "-name"}, ["second", "first"]),
        ({"architecture": "rnn"}, ["second"]),
        ({"search": "SEC"}, ["second"]),
        ({"dataset": "nowhere"}, []),
        ({"page_size": 1}, ["third"]),
    ],
)
def test_the_list_is_filtered_searched_ordered_and_cut(api, ready_dataset, asked, expected):
    make_run(ready_dataset, name="first")
    make_run(ready_dataset, name="second", architecture="rnn")
    make_finished_run(ready_dataset, name="third")
    found = [row["name"] for row in api.get(RUNS, {"ordering": "name"} | asked).json()["results"]]
    assert found == expected if "page_size" not in asked else len(found) == 1


@pytest.mark.parametrize("asked", [{"state": "nonsense"}, {"search": "a\0b"}])
def test_a_filter_that_makes_no_sense_is_refused(api, asked):
    assert api.get(RUNS, asked).status_code == 400


def test_places_in_line_are_told_in_the_list(api, ready_dataset, other_user):
    make_run(make_ready_dataset(other_user))
    mine = [make_run(ready_dataset).pk for _ in range(2)]
    places = {row["id"]: row["queue_position"] for row in api.get(RUNS).json()["results"]}
    assert places == {mine[0]: 2, mine[1]: 3}


def test_the_list_takes_as_many_queries_for_many_runs_as_for_one(api, ready_dataset, django_assert_max_num_queries):
    for _ in range(5):
        make_run(ready_dataset)
        make_model(make_finished_run(ready_dataset))
    make_baseline_row(make_run(ready_dataset))
    with django_assert_max_num_queries(9):
        assert api.get(RUNS).json()["results"][0]["baseline"]["nats_per_character"] == 1.5


@pytest.mark.parametrize(
    ("losses", "lead", "word"), [((2.4, 2.0), 1 / 3, "33 % better"), ((4.0, 3.6), -0.2, "20 % worse")]
)
def test_a_run_is_told_beside_what_counting_words_comes_to(api, ready_dataset, losses, lead, word):
    run = make_finished_run(ready_dataset, losses=losses)
    assert api.get(f"{RUNS}{run.pk}/").json()["baseline"] is None
    make_baseline_row(run)
    found = api.get(f"{RUNS}{run.pk}/").json()["baseline"]
    assert (found["order"], found["nats_per_character"]) == (5, 1.5)
    assert found["lead"] == pytest.approx(lead)
    assert word in found["sentence"]
    assert ("Counting words does better." in found["sentence"]) == (lead < 0)


def test_counting_is_compared_by_token_only_with_a_run_of_the_same_tokens(api, ready_dataset):
    letters = make_finished_run(ready_dataset)
    words = make_finished_run(ready_dataset, config=resolve_config(architecture="lstm").to_dict())
    make_baseline_row(words, nats_per_token=4.0)
    assert api.get(f"{RUNS}{words.pk}/").json()["baseline"]["perplexity"] == pytest.approx(54.598, abs=0.001)
    assert api.get(f"{RUNS}{letters.pk}/").json()["baseline"]["perplexity"] is None


def test_the_baseline_of_a_run_is_seen_by_those_who_see_the_run(other_api, ready_dataset):
    run = make_finished_run(ready_dataset)
    make_baseline_row(run)
    assert other_api.get(f"{RUNS}{run.pk}/").status_code == 404
    assert other_api.get(RUNS).json()["results"] == []
    TrainingRun.objects.update(visibility="shared")
    assert other_api.get(f"{RUNS}{run.pk}/").json()["baseline"]["nats_per_character"] == 1.5


def test_measurements_come_as_pages_and_as_a_table(api, ready_dataset):
    run = make_finished_run(ready_dataset)
    rows = api.get(f"{RUNS}{run.pk}/metrics/").json()["results"]
    assert [row["step"] for row in rows] == [4, 8, 12]
    assert set(rows[0]) >= {"epoch", "seconds", "train_loss", "valid_loss", "nats_per_character", "gradient_norm"}
    table = api.get(f"{RUNS}{run.pk}/metrics/", {"format": "csv"})
    assert table["Content-Type"].startswith("text/csv")
    assert len(table.content.decode().splitlines()) == 4
    assert api.get(f"{RUNS}{run.pk}/metrics/", headers={"Accept": "text/csv"}).status_code == 200


def test_samples_come_by_step(api, ready_dataset):
    rows = api.get(f"{RUNS}{make_finished_run(ready_dataset).pk}/samples/").json()["results"]
    assert [row["text"] for row in rows] == [f"oh my lantern {look}" for look in (1, 2, 3)]


def test_a_waiting_run_is_cancelled_and_a_second_time_is_a_conflict(api, ready_dataset):
    run = make_run(ready_dataset)
    assert api.post(f"{RUNS}{run.pk}/cancel/").json()["state"] == "cancelled"
    again = api.post(f"{RUNS}{run.pk}/cancel/")
    assert again.status_code == 409
    assert again.json()["state"] == "cancelled"


def test_a_running_run_is_asked_to_stop(api, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    answer = api.post(f"{RUNS}{run.pk}/cancel/")
    assert answer.status_code == 202
    assert answer.json()["state"] == "running"
    assert answer.json()["cancel_requested_at"]


@pytest.mark.parametrize("path", ["", "metrics/", "samples/", "events/"])
def test_another_persons_run_is_not_found(other_api, ready_dataset, path):
    run = make_finished_run(ready_dataset)
    assert other_api.get(f"{RUNS}{run.pk}/{path}").status_code == 404


@pytest.mark.parametrize("path", ["metrics/", "events/"])
def test_a_refusal_is_json_whatever_was_accepted(other_api, ready_dataset, path):
    run = make_finished_run(ready_dataset)
    for accepted in ("text/csv" if path == "metrics/" else "text/event-stream", "*/*"):
        answer = other_api.get(f"{RUNS}{run.pk}/{path}", headers={"Accept": accepted})
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")


def test_a_shared_run_is_read_and_never_cancelled_by_others(other_api, ready_dataset):
    run = make_run(ready_dataset, visibility="shared")
    assert other_api.get(f"{RUNS}{run.pk}/").status_code == 200
    assert other_api.post(f"{RUNS}{run.pk}/cancel/").status_code == 404


def test_the_private_model_of_a_shared_run_stays_private(other_api, ready_dataset):
    run = make_finished_run(ready_dataset, visibility="shared")
    make_model(run)
    assert other_api.get(f"{RUNS}{run.pk}/").json()["model"] is None


def test_runs_need_a_token(client):
    answer = client.get(RUNS)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_loss_that_is_no_number_is_null(api, ready_dataset):
    run = make_finished_run(ready_dataset)
    TrainingRun.objects.update(tokens_per_second=float("inf"))
    MetricPoint.objects.update(gradient_norm=float("inf"))
    found = api.get(f"{RUNS}{run.pk}/")
    assert found.json()["progress"]["tokens_per_second"] is None
    assert b"inf" not in api.get(f"{RUNS}{run.pk}/metrics/").content.lower()
