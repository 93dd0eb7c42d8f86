"""What staff's programs do with workers and with the gate before them."""

import pytest

from tests.conftest import api_client
from tests.training.runs import claim, let_time_pass, make_run
from training import lifecycle, tasks
from training.models import Worker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]
WORKERS, INTAKE = "/api/v1/workers/", "/api/v1/intake/"


@pytest.fixture
def staff_api(staff_user):
    return api_client(staff_user)


@pytest.fixture
def worker(db) -> Worker:
    lifecycle.worker_beat("training@here.example", host="here", pid=7, queues=["training", "imports"], processes=2)
    return Worker.objects.get()


def test_staff_sees_who_listens_and_what_is_trained(staff_api, worker, ready_dataset):
    run = make_run(ready_dataset)
    claim(run, worker=worker.pk)
    [told] = staff_api.get(WORKERS).json()["results"]
    assert (told["id"], told["host"], told["queues"]) == ("training@here.example", "here", ["imports", "training"])
    assert (told["is_alive"], told["is_draining"], told["runs"]) == (True, False, [run.pk])
    assert told["last_claim_at"]


def test_staff_drains_a_worker_which_then_takes_nothing(staff_api, worker):
    answer = staff_api.post(f"{WORKERS}{worker.pk}/drain/")
    assert answer.status_code == 202
    assert (answer.json()["is_draining"], answer.json()["drain_requested_by"]) == (True, "ada")
    assert not Worker.objects.listening_to("training").exists()


def test_a_worker_that_nobody_hears_of_is_not_drained(staff_api, worker):
    let_time_pass(worker, seen_at=600)
    answer = staff_api.post(f"{WORKERS}{worker.pk}/drain/")
    assert (answer.status_code, answer.json()["state"]) == (409, "gone")
    assert staff_api.post(f"{WORKERS}training@nowhere/drain/").status_code == 404


def test_staff_closes_and_opens_the_gate(staff_api, api, ready_dataset, doorbells):
    assert staff_api.get(INTAKE).json() == {"open": True, "reason": "", "changed_by": "", "changed_at": None}
    closed = staff_api.put(INTAKE, {"open": False, "reason": " New disk. "})
    assert closed.status_code == 200
    assert (closed.json()["open"], closed.json()["reason"], closed.json()["changed_by"]) == (False, "New disk.", "ada")
    queued = api.post("/api/v1/runs/", {"dataset": ready_dataset.pk, "architecture": "lstm"})
    assert (queued.status_code, queued.json()["starts_in_seconds"]) == (202, None)
    assert lifecycle.claim_next("w", "h", 1) is None
    assert api.get(INTAKE).json()["reason"] == "New disk."  # those who wait may know why
    doorbells.clear()
    assert staff_api.put(INTAKE, {"open": True}).json()["open"]
    assert doorbells == ["training"]
    assert lifecycle.claim_next("w", "h", 1)


def test_while_the_gate_is_closed_no_worker_reads_a_file(staff_api, ready_dataset):
    from tests.training.test_tasks import make_import

    job = make_import(ready_dataset)
    staff_api.put(INTAKE, {"open": False})
    tasks.import_dataset.apply([job.pk])
    job.refresh_from_db()
    assert job.state == "queued"
    staff_api.put(INTAKE, {"open": True})
    tasks.import_dataset.apply([job.pk])
    job.refresh_from_db()
    assert job.state == "succeeded"


@pytest.mark.parametrize("body", [{}, {"open": "perhaps"}, {"open": True, "reason": "x" * 301}, {"open": None}])
def test_what_makes_no_sense_changes_nothing(staff_api, body):
    assert staff_api.put(INTAKE, body).status_code == 400
    assert lifecycle.intake().is_open


def test_workers_and_the_gate_are_staffs(api, client, worker):
    assert client.get(WORKERS).status_code == client.get(INTAKE).status_code == 401
    assert api.get(WORKERS).status_code == 403
    assert api.post(f"{WORKERS}{worker.pk}/drain/").status_code == 403
    assert api.put(INTAKE, {"open": False}).status_code == 403
    assert lifecycle.intake().is_open
    assert not Worker.objects.get().is_draining
