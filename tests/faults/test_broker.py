"""A message is a doorbell: lost, doubled, late or unread, it changes nothing but the time of a start."""

import time

import httpx
import pytest
from celery import current_app
from django.conf import settings

from tests.conftest import make_user
from tests.faults import pace, tiny_runs
from tests.processes import wait_until
from training import lifecycle
from training.models import Attempt, TrainingRun

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]
State = TrainingRun.State


def attempts(run) -> int:
    return Attempt.objects.filter(run=run).count()


def cancel(run) -> None:
    lifecycle.request_cancel(run, "the test")
    tiny_runs.wait_for_state(run, State.CANCELLED)


def learns_on(run) -> None:
    """Return once the run has made steps that it had not made before."""
    before = tiny_runs.fresh(run).step
    wait_until(lambda: tiny_runs.fresh(run).step > before, what="further steps")


def redeliver_old_messages(platform) -> None:
    """What every Celery worker on Redis does from time to time: deliver again what was not acknowledged in time."""
    prefix = platform.environment["REDIS_PREFIX"]
    options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "visibility_timeout": 0, "global_keyprefix": prefix}
    url = f"redis://127.0.0.1:{platform.broker.port}/0"
    with current_app.connection_for_write(url=url, transport_options=options) as broker:
        broker.default_channel.qos.restore_visible(num=100, interval=1)


def test_a_training_that_outlasts_the_brokers_patience_is_not_started_again(platform, ready_dataset):
    """F05: messages count as undelivered long before the run ends, and another worker has nothing to do."""
    platform.ensure_worker()
    platform.ensure_worker("second")
    run = tiny_runs.queue_run(ready_dataset, tiny_runs.ENDLESS)
    platform.ring()
    tiny_runs.wait_for_learning(run)
    until = time.monotonic() + pace.scaled(30)
    while time.monotonic() < until:
        redeliver_old_messages(platform)
        time.sleep(0.5)
    learns_on(run)
    assert (run.state, attempts(run)) == (State.RUNNING, 1)
    assert platform.messages() == 0
    cancel(run)
    assert attempts(run) == 1
    platform.terminate("second").wait(30)


def test_a_broker_that_restarts_disturbs_no_run_and_its_worker_listens_again(platform, ready_dataset):
    """F08: the broker restarts while a run is trained, once having lost all and once with its append-only file."""
    platform.ensure_worker()
    run = tiny_runs.queue_run(ready_dataset, tiny_runs.ENDLESS)
    platform.ring()
    tiny_runs.wait_for_learning(run)
    for keeps in (False, True):
        platform.broker.kill()
        learns_on(run)
        platform.broker.keeps = keeps
        platform.broker.start()
        learns_on(run)
    assert (run.state, attempts(run)) == (State.RUNNING, 1)
    cancel(run)
    following = tiny_runs.queue_run(ready_dataset)
    seconds = pace.seconds_until(
        lambda: tiny_runs.fresh(following).attempts, seconds=pace.limit(60), what="the next run's start"
    )
    pace.note("a run's start after the broker was away, s", round(seconds, 1))
    tiny_runs.wait_for_state(following, State.SUCCEEDED)
    assert attempts(following) == 1


@pytest.mark.parametrize("loss", ["flushed", "killed"])
def test_twenty_waiting_runs_whose_messages_are_lost_are_all_claimed_and_none_twice(platform, ready_dataset, loss):
    """F06: the broker loses every message; each run is cancelled as soon as it is claimed, to make room."""
    platform.broker.keeps = False
    if platform.is_running("training"):
        platform.kill("training")
    platform.ensure_worker("four-hands", processes=4)
    frozen = platform.freeze("four-hands")  # until every message is lost
    runs = [
        tiny_runs.queue_run(ready_dataset, tiny_runs.ENDLESS, owner=make_user(f"person{number}"))
        for number in range(20)
    ]
    platform.ring(20)
    if loss == "flushed":
        platform.broker.flush()
    else:
        platform.broker.kill()
        platform.broker.start()
    assert platform.messages() == 0
    platform.thaw(frozen)

    def all_are_claimed() -> bool:
        for run in TrainingRun.objects.running():
            lifecycle.request_cancel(run, "the test")
        return not TrainingRun.objects.filter(attempts=0).exists()

    seconds = pace.seconds_until(all_are_claimed, seconds=pace.limit(60) + 20, what="every claim")
    pace.note(f"all 20 runs claimed after the broker was {loss}, s", round(seconds, 1))
    for run in runs:
        cancel(run)
    assert [attempts(run) for run in runs] == [1] * 20
    platform.kill("four-hands")


def test_a_run_whose_web_process_is_killed_before_it_could_ring_is_started_all_the_same(platform, ready_dataset, user):
    """F21: kill -9 of the web process between the commit of a new run and its message."""
    platform.ensure_worker()
    platform.ensure_web()
    body = {
        "dataset": ready_dataset.pk,
        "architecture": "gru",
        "preset": "tiny",
        "config": tiny_runs.BRIEF | {"threads": 1},
    }
    platform.arm("doorbell.before_send", "kill9")
    with platform.session(user) as api, pytest.raises(httpx.TransportError):
        api.post("/runs/", json=body)
    assert platform.has_struck("doorbell.before_send")
    run = TrainingRun.objects.get()
    seconds = pace.seconds_until(lambda: tiny_runs.fresh(run).attempts, seconds=pace.limit(30), what="the start")
    pace.note("a run's start after the web was killed before it rang, s", round(seconds, 1))
    platform.ensure_web()
    with platform.session(user) as api:
        tiny_runs.wait_for_state(run, State.SUCCEEDED)
        assert api.get(f"/runs/{run.pk}/").json()["state"] == "succeeded"
    assert attempts(run) == 1


def test_a_request_for_a_run_is_answered_at_once_while_the_broker_is_away(platform, ready_dataset, user):
    """F07: the broker refuses, then swallows, while a run is asked for; both runs start once it is back."""
    platform.ensure_worker()
    platform.ensure_web()
    body = {"dataset": ready_dataset.pk, "architecture": "gru", "preset": "tiny", "config": tiny_runs.BRIEF}
    with platform.session(user) as api:
        api.get("/runs/")  # the first request of a process does more
        for fault in (platform.broker_proxy.refuse, platform.broker_proxy.swallow):
            platform.broker_proxy.heal()
            fault()
            begun = time.monotonic()
            answer = api.post("/runs/", json=body)
            seconds = time.monotonic() - begun
            assert answer.status_code == 202, answer.text
            pace.note(f"POST /runs/ while the broker is away ({fault.__name__}), s", round(seconds, 2))
            assert seconds < 5  # the rule is 2 s on an idle machine
    platform.broker_proxy.heal()
    for run in TrainingRun.objects.all():
        tiny_runs.wait_for_state(run, State.SUCCEEDED, seconds=pace.limit(60) + 30)
        assert attempts(run) == 1
