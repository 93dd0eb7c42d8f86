"""The process says it lives; the site says which part is missing."""

import pytest
from django.urls import reverse
from django.utils import timezone

from lyricsite import health
from training.models import Worker


def make_worker(**fields) -> Worker:
    now = timezone.now()
    values = {
        "name": "training@here",
        "host": "here",
        "pid": 1,
        "queues": ",training,",
        "started_at": now,
        "seen_at": now,
    }
    return Worker.objects.create(**{**values, **fields})


@pytest.mark.django_db
def test_healthz_asks_nobody(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db(transaction=True)
def test_readyz_names_the_missing_parts(client, settings, monkeypatch):
    monkeypatch.setitem(health.CHECKS, "broker", lambda: (_ for _ in ()).throw(ConnectionError("refused")))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    parts = answer.json()["parts"]
    assert parts["database"]["ok"]
    assert parts["storage"]["ok"]
    assert not parts["broker"]["ok"]
    assert parts["worker"]["detail"] == "no worker listens to the training queue"


@pytest.mark.django_db(transaction=True)
def test_readyz_is_content_when_every_part_answers(client, monkeypatch):
    make_worker()
    monkeypatch.setitem(health.CHECKS, "broker", lambda: "answers")
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.json()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "fields", [{"is_draining": True}, {"queues": ",imports,"}, {"seen_at": timezone.now().replace(year=2020)}]
)
def test_a_worker_that_cannot_take_a_run_does_not_count(fields):
    make_worker(**fields)
    with pytest.raises(LookupError):
        health.check_worker()


@pytest.mark.django_db(transaction=True)
def test_the_footer_says_it_in_words(client, monkeypatch):
    monkeypatch.setitem(health.CHECKS, "broker", lambda: "answers")
    assert "no worker" in client.get(reverse("health-line")).content.decode()


@pytest.mark.django_db
def test_every_answer_carries_a_request_id(client):
    assert len(client.get("/healthz")["X-Request-ID"]) == 32
