"""What is kept of a run, by API: the list, and pins."""

import pytest

from tests.training.finished_runs import make_model, make_running_run
from tests.training.runs import make_run
from tests.training.test_retention import make_point
from training import retention
from training.code_version import code_version
from training.models import Checkpoint, TrainingRun

pytestmark = pytest.mark.django_db
RUNS = "/api/v1/runs/"


@pytest.fixture
def run(ready_dataset):
    run, _ = make_running_run(ready_dataset)
    return run


def listed(api, run) -> list[dict]:
    return api.get(f"{RUNS}{run.pk}/checkpoints/").json()["results"]


def test_what_is_kept_of_a_run_is_listed_the_furthest_first(api, run, ready_dataset):
    for step in (4, 8):
        make_point(run, step)
    make_point(run, 2, state=Checkpoint.State.DELETING)
    make_point(make_run(ready_dataset), 6)
    model = make_model(run)
    found = listed(api, run)
    assert [(one["step"], one["is_model"], one["pinned"]) for one in found] == [
        (12, True, False),
        (8, False, False),
        (4, False, False),
    ]
    assert found[0]["bytes"] == model.stored_bytes > model.size_bytes
    assert {one["code_version"] for one in found} == {code_version()}


def test_a_pinned_checkpoint_stays_when_the_run_goes_on(api, run):
    first = make_point(run, 1)
    pin = f"{RUNS}{run.pk}/checkpoints/{first.pk}/pin/"
    assert api.put(pin).json()["pinned"] is True
    for step in range(2, 8):
        make_point(run, step)
        retention.rotate(run.pk)
    assert [one["step"] for one in listed(api, run)] == [7, 6, 5, 1]
    assert api.delete(pin).status_code == 204
    retention.rotate(run.pk)
    assert [one["step"] for one in listed(api, run)] == [7, 6, 5]
    assert api.put(pin).status_code == 404


def test_others_see_what_is_kept_of_a_shared_run_and_pin_nothing(api, other_api, run):
    point = make_point(run, 4)
    assert other_api.get(f"{RUNS}{run.pk}/checkpoints/").status_code == 404
    TrainingRun.objects.update(visibility="shared")
    assert [one["id"] for one in listed(other_api, run)] == [point.pk]
    pin = f"{RUNS}{run.pk}/checkpoints/{point.pk}/pin/"
    assert (other_api.put(pin).status_code, other_api.delete(pin).status_code) == (404, 404)
    assert not Checkpoint.objects.filter(is_pinned=True).exists()


def test_a_checkpoint_is_found_at_its_own_run_alone(api, run, ready_dataset):
    point = make_point(make_run(ready_dataset), 4)
    assert api.put(f"{RUNS}{run.pk}/checkpoints/{point.pk}/pin/").status_code == 404
