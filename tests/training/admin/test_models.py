"""Models in the admin: what a file says of itself is read, never edited."""

import pytest
from django.urls import reverse

from tests.training.finished_runs import make_finished_run, make_model
from training.models import Checkpoint

pytestmark = pytest.mark.django_db
LIST = "admin:training_checkpoint_changelist"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def staff(client, staff_user):
    client.force_login(staff_user)
    return client


@pytest.fixture
def model(ready_dataset):
    return make_model(make_finished_run(ready_dataset), name="Night train")


def test_models_are_listed_with_few_queries(staff, ready_dataset, django_assert_max_num_queries):
    for _ in range(6):
        make_model(make_finished_run(ready_dataset), name=HOSTILE)
    with django_assert_max_num_queries(12):
        page = staff.get(reverse(LIST), {"q": "script"}).content.decode()
    assert page.count("&lt;script&gt;alert(1)") >= 6
    assert HOSTILE not in page


def test_state_weights_and_scores_can_not_be_written(staff, model):
    address = reverse("admin:training_checkpoint_change", args=[model.pk])
    assert staff.get(address).status_code == 200
    written = {"name": "Renamed", "visibility": "shared", "state": "corrupt", "sha256": "0" * 64, "metrics": "{}"}
    assert staff.post(address, written).status_code == 302
    changed = Checkpoint.objects.get()
    assert (changed.name, changed.visibility) == ("Renamed", "shared")
    assert (changed.state, changed.sha256, changed.metrics) == (model.state, model.sha256, model.metrics)


def test_nobody_makes_a_model_by_hand(staff):
    assert staff.get(reverse("admin:training_checkpoint_add")).status_code == 403
