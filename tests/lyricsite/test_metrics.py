"""What an operator's Prometheus reads, and who may."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import api_client
from tests.training.runs import claim, expire_lease, let_time_pass, make_run
from training import lifecycle

pytestmark = pytest.mark.django_db


@pytest.fixture
def read(staff_user):
    def ask(name, **labels) -> float:
        answer = api_client(staff_user).get("/metrics")
        assert answer["Content-Type"].startswith("text/plain")
        samples = [one for family in text_string_to_metric_families(answer.content.decode()) for one in family.samples]
        (value,) = (one.value for one in samples if one.name == name and labels.items() <= one.labels.items())
        return value

    return ask


def test_it_is_for_staff_by_session_or_token(client, user, staff_user, api):
    assert client.get("/metrics").status_code == 401
    assert api.get("/metrics").status_code == 403
    client.force_login(user)
    assert client.get("/metrics").status_code == 403
    client.force_login(staff_user)
    assert client.get("/metrics").status_code == 200


def test_the_line_and_what_runs(read, ready_dataset):
    assert read("lyrics_queue_age_seconds") == 0
    waits, runs = make_run(ready_dataset), make_run(ready_dataset)
    let_time_pass(waits, queued_at=120)
    lifecycle.worker_beat("training@here", host="here", pid=1, queues=["training"], processes=2)
    token = claim(runs).token
    lifecycle.record(runs.pk, token, progress={"tokens_per_second": 1500.0})
    assert 119 < read("lyrics_queue_age_seconds") < 150
    assert read("lyrics_runs", state="queued") == read("lyrics_runs", state="running") == 1
    assert read("lyrics_training_tokens_per_second") == 1500
    assert (read("lyrics_workers"), read("lyrics_free_hands")) == (1, 1)


def test_what_was_lost(read, ready_dataset):
    run = make_run(ready_dataset)
    claim(run)
    expire_lease(run)
    lifecycle.reconcile()
    assert read("lyrics_attempts_total", outcome="lost") == 1
    assert read("lyrics_lease_failures_total") == 1


def test_streams_and_disk(read, settings):
    settings.MEDIA_ROOT.mkdir(parents=True)
    assert read("lyrics_open_streams") == 0
    assert read("lyrics_free_disk_bytes", folder=str(settings.MEDIA_ROOT)) > 0
