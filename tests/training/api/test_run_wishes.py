"""What programs wish of their runs: pause, resume, retry, move; and staff's priority."""

from uuid import uuid4

import pytest

from tests.conftest import api_client
from tests.songs import make_ready_dataset
from tests.training.finished_runs import make_finished_run, make_running_run
from tests.training.runs import claim, make_run
from tests.training.test_lifecycle_wishes import make_checkpoint
from training import lifecycle
from training.models import TrainingRun

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]
RUNS = "/api/v1/runs/"
WISHES = ("pause", "resume", "retry", "move")


@pytest.fixture
def staff_api(staff_user):
    return api_client(staff_user)


def wish(api, run, name: str, asked: dict | None = None):
    return api.post(f"{RUNS}{run.pk}/{name}/", asked or {})


def fail(run) -> TrainingRun:
    lifecycle.finish(run.pk, claim(run).token, "failed", message="It diverged.", error="It diverged.")
    return run


def test_a_waiting_run_is_paused_and_resumed(api, ready_dataset, doorbells):
    run = make_run(ready_dataset)
    paused = wish(api, run, "pause")
    assert (paused.status_code, paused.json()["state"], paused.json()["queue_position"]) == (202, "paused", None)
    assert wish(api, run, "pause").status_code == 409
    resumed = wish(api, run, "resume")
    assert (resumed.status_code, resumed.json()["state"], resumed.json()["queue_position"]) == (202, "queued", 1)
    assert resumed["Location"].endswith(f"{RUNS}{run.pk}/")
    assert doorbells == ["training"]
    again = wish(api, run, "resume")
    assert (again.status_code, again.json()["state"]) == (409, "queued")


def test_a_running_run_is_asked_to_pause(api, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    answer = wish(api, run, "pause")
    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    assert answer.json()["pause_requested_at"]
    lifecycle.request_cancel(run, "mara")
    refused = wish(api, run, "pause")
    assert (refused.status_code, refused.json()["state"]) == (409, "running")
    assert "is being cancelled" in refused.json()["detail"]


def test_a_failed_run_is_tried_again(api, ready_dataset, doorbells):
    run = fail(make_run(ready_dataset))
    answer = wish(api, run, "retry")
    assert (answer.status_code, answer.json()["state"], answer.json()["error"]) == (202, "queued", "")
    assert doorbells == ["training"]
    assert wish(api, run, "retry").status_code == 409


def test_a_run_of_which_nothing_is_kept_is_only_tried_again_from_the_beginning(api, ready_dataset):
    run = fail(make_run(ready_dataset))
    TrainingRun.objects.update(step=4)
    refused = wish(api, run, "retry")
    assert (refused.status_code, refused.json()["code"], refused.json()["state"]) == (409, "nothing_kept", "failed")
    anew = wish(api, run, "retry", {"restart": True})
    assert (anew.status_code, anew.json()["progress"]["step"]) == (202, 0)


def test_a_run_of_which_something_is_kept_goes_on(api, ready_dataset):
    run = fail(make_run(ready_dataset))
    TrainingRun.objects.update(step=4)
    make_checkpoint(run, uuid4(), published_at=None).save()
    assert wish(api, run, "retry").json()["progress"]["step"] == 4


def test_a_run_that_succeeded_is_neither_paused_nor_resumed_nor_tried_again_nor_moved(api, ready_dataset):
    run = make_finished_run(ready_dataset)
    for name in WISHES:
        answer = wish(api, run, name, {"position": 1})
        assert (answer.status_code, answer.json()["state"]) == (409, "succeeded")


def test_a_run_is_moved_up_among_ones_own(api, ready_dataset, other_user):
    make_run(make_ready_dataset(other_user))
    first, second = make_run(ready_dataset), make_run(ready_dataset)
    assert api.get(f"{RUNS}{second.pk}/").json()["own_position"] == 2
    moved = wish(api, second, "move", {"position": 1})
    assert (moved.status_code, moved.json()["own_position"]) == (202, 1)
    assert api.get(f"{RUNS}{first.pk}/").json()["own_position"] == 2


@pytest.mark.parametrize("position", [0, -1, 1.5, "first", None, 10**30])
def test_a_place_that_is_none_is_refused(api, ready_dataset, position):
    answer = wish(api, make_run(ready_dataset), "move", {"position": position})
    assert answer.status_code == 400
    assert answer.json()["position"]
    assert api.post(f"{RUNS}{make_run(ready_dataset).pk}/move/", {}).json()["position"]


@pytest.mark.parametrize("name", ["resume", "retry"])
def test_what_comes_back_counts_as_waiting(api, ready_dataset, settings, name):
    settings.QUEUED_RUNS_PER_USER = 1
    run = make_run(ready_dataset)
    wish(api, run, "pause") if name == "resume" else fail(run)
    make_run(ready_dataset)
    answer = wish(api, run, name)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


@pytest.mark.parametrize("name", [*WISHES, "cancel"])
def test_what_others_share_is_only_read(other_api, ready_dataset, name):
    for visibility in ("private", "shared"):
        run = make_run(ready_dataset, visibility=visibility)
        assert wish(other_api, run, name, {"position": 1}).status_code == 404
        run.refresh_from_db()
        assert run.state == "queued"


def test_staff_has_a_run_taken_first(staff_api, api, ready_dataset):
    make_run(ready_dataset)
    run = make_run(ready_dataset)
    assert wish(api, run, "prioritise", {"priority": 5}).status_code == 403
    answer = wish(staff_api, run, "prioritise", {"priority": 5})
    assert (answer.status_code, answer.json()) == (202, {"id": run.pk, "priority": 5, "queue_position": 1})
    assert wish(staff_api, run, "prioritise", {"priority": 11}).json()["priority"]
    assert api.get(f"{RUNS}{run.pk}/").json()["priority"] == 5
    assert run.events.last().actor == "ada"
    claim(run)
    assert wish(staff_api, run, "prioritise", {"priority": 1}).status_code == 409


def test_when_a_waiting_run_starts_is_told_once_a_worker_listens(api, ready_dataset):
    run = make_run(ready_dataset, expected_seconds=30)
    assert api.get(f"{RUNS}{run.pk}/").json()["starts_in_seconds"] is None
    lifecycle.worker_beat("training@here", host="here", pid=1, queues=["training"])
    assert api.get(f"{RUNS}{run.pk}/").json()["starts_in_seconds"] == 0
    assert api.get(RUNS).json()["results"][0]["starts_in_seconds"] == 0


def test_a_new_run_knows_about_how_long_it_takes(api, ready_dataset):
    answer = api.post(RUNS, {"dataset": ready_dataset.pk, "architecture": "lstm"})
    told = api.post(f"{RUNS}estimate/", {"dataset": ready_dataset.pk, "architecture": "lstm"}).json()
    assert TrainingRun.objects.get(pk=answer.json()["id"]).expected_seconds == pytest.approx(told["seconds"])


def test_the_history_tells_who_did_what_and_why(api, other_api, ready_dataset):
    run = make_run(ready_dataset)
    wish(api, run, "pause")
    wish(api, run, "resume")
    lifecycle.hand_back(run.pk, claim(run).token)
    events = api.get(f"{RUNS}{run.pk}/history/").json()["results"]
    assert [(event["state"], event["actor"]) for event in events] == [
        ("paused", "mara"),
        ("queued", "mara"),
        ("running", "training@here"),
        ("queued", "training@here"),
    ]
    assert all(event["message"] and event["created_at"] for event in events)
    [attempt] = api.get(f"{RUNS}{run.pk}/attempts/").json()["results"]
    assert (attempt["number"], attempt["outcome"], attempt["host"]) == (1, "drained", "here")
    for path in ("history", "attempts"):
        assert other_api.get(f"{RUNS}{run.pk}/{path}/").status_code == 404
