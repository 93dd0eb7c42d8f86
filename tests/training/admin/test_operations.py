"""The operators' page: what it shows, and what only those may do who are allowed to."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from tests.conftest import make_user
from tests.training.runs import claim, make_run
from training import lifecycle

pytestmark = pytest.mark.django_db
PAGE = "admin:training_worker_changelist"


@pytest.fixture
def staff(client, staff_user):
    client.force_login(staff_user)
    return client


@pytest.fixture
def worker():
    lifecycle.worker_beat("training@here", host="here", pid=7, queues=["training"], processes=2)


def page(client) -> str:
    return client.get(reverse(PAGE)).content.decode()


def test_an_idle_platform_says_so(staff):
    text = page(staff)
    assert "No worker was heard of today" in text
    assert "Nothing waits." in text
    assert "The gate is open" in text


def test_who_works_what_waits_and_what_failed(staff, worker, ready_dataset, django_assert_max_num_queries):
    runs = {name: make_run(ready_dataset, name=name) for name in ("Trained now", "Failed today", "In line")}
    claim(runs["Trained now"])
    lifecycle.finish(
        runs["Failed today"].pk, claim(runs["Failed today"]).token, "failed", message="It failed.", error="Too hot."
    )
    for number in range(30):
        make_run(ready_dataset, name=f"Later {number}")
    with django_assert_max_num_queries(24):
        text = page(staff)
    for words in ("training@here", "listening", "Trained now", "Too hot.", "In line", "31", "took"):
        assert words.lower() in text.lower()
    assert "Later 25" not in text


def test_the_gate_is_closed_with_a_reason_and_opened_again(staff, staff_user, doorbells):
    staff.post(reverse("admin:training_intake_set"), {"reason": "A new disk"})
    assert not lifecycle.intake().is_open
    text = page(staff)
    assert "The gate is closed" in text
    assert "A new disk" in text
    assert str(staff_user) in text
    staff.post(reverse("admin:training_intake_set"), {"open": "yes"})
    assert lifecycle.intake().is_open


def test_a_worker_is_sent_home(staff, worker):
    address = reverse("admin:training_worker_drain", args=["training@here"])
    assert "hands back" in staff.post(address, follow=True).content.decode()
    assert lifecycle.is_draining("training@here")
    assert "draining" in page(staff)
    assert staff.get(address).status_code == 405
    assert staff.post(reverse("admin:training_worker_drain", args=["nobody@here"])).status_code == 404


def test_who_may_only_look_changes_nothing(client, worker):
    reader = make_user("eve", is_staff=True)
    client.force_login(reader)
    assert client.get(reverse(PAGE)).status_code == 403
    reader.user_permissions.add(Permission.objects.get(codename="view_worker"))
    assert "Close the gate" not in page(client)
    assert client.post(reverse("admin:training_intake_set")).status_code == 403
    assert client.post(reverse("admin:training_worker_drain", args=["training@here"])).status_code == 403
    assert lifecycle.intake().is_open
    client.force_login(make_user("tim"))
    assert client.get(reverse(PAGE)).status_code == 302
