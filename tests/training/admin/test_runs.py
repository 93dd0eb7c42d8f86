"""Runs and models in the admin: found, read, cancelled; never edited where a worker writes."""

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from tests.training.finished_runs import make_finished_run, make_model, make_running_run
from tests.training.runs import make_run
from training.models import Checkpoint, TrainingRun

pytestmark = pytest.mark.django_db
LIST = "admin:training_trainingrun_changelist"


@pytest.fixture
def staff(client, staff_user):
    client.force_login(staff_user)
    return client


def act(client, address: str, action: str, rows, **fields):
    return client.post(
        reverse(address), {"action": action, "_selected_action": [row.pk for row in rows], **fields}, follow=True
    )


def test_runs_are_listed_with_few_queries(staff, ready_dataset, django_assert_max_num_queries):
    for _ in range(10):
        make_run(ready_dataset, name="A waiting one")
    with django_assert_max_num_queries(12):
        page = staff.get(reverse(LIST), {"q": "waiting"})
    assert page.content.decode().count("A waiting one") >= 10


def test_a_run_is_read_with_its_attempts_and_history(staff, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    page = staff.get(reverse("admin:training_trainingrun_change", args=[run.pk])).content.decode()
    assert "Look 3." in page
    assert 'name="state"' not in page
    assert 'name="owner"' not in page
    assert 'name="name"' in page


def test_state_and_lease_can_not_be_written(staff, ready_dataset):
    run = make_run(ready_dataset)
    inlines = ("attempt_rows", "events", "insights")
    forms = {f"{prefix}-{name}": 0 for prefix in inlines for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    written = {"name": "Renamed", "visibility": "shared", "state": "succeeded", "worker": "me", **forms}
    staff.post(reverse("admin:training_trainingrun_change", args=[run.pk]), written)
    run.refresh_from_db()
    assert (run.name, run.state, run.worker) == ("Renamed", "queued", "")


def test_chosen_runs_are_cancelled_by_the_service(staff, ready_dataset):
    waiting, done = make_run(ready_dataset), make_finished_run(ready_dataset)
    page = act(staff, LIST, "cancel_runs", [waiting, done]).content.decode()
    assert "already ended" in page
    assert "Asked 1 run to stop." in page
    assert TrainingRun.objects.get(pk=waiting.pk).state == "cancelled"


def test_a_run_that_goes_on_is_not_deleted(staff, ready_dataset):
    run, _ = make_running_run(ready_dataset)
    assert staff.post(reverse("admin:training_trainingrun_delete", args=[run.pk]), {"post": "yes"}).status_code == 403


def test_models_are_deleted_with_their_files(staff, ready_dataset):
    model = make_model(make_finished_run(ready_dataset))
    assert "1.38" in staff.get(reverse("admin:training_checkpoint_changelist")).content.decode()
    act(staff, "admin:training_checkpoint_changelist", "delete_selected", [model], post="yes")
    assert not Checkpoint.objects.exists()
    assert not default_storage.exists(model.model_file)


def test_the_admin_is_closed_to_others(signed_in):
    assert signed_in.get(reverse(LIST)).status_code == 302
