"""A worker's part in an explanation: its child is watched, ended in time, and the run stays as it was."""

import subprocess
import sys

import pytest
from django.conf import settings as project
from django.core.management import CommandError, call_command

from tests.processes import test_database_url
from tests.training.finished_runs import make_finished_run, make_model
from tests.training.runs import claim, make_run
from training import children, execution, explaining, lifecycle, supervision, tasks
from training.lifecycle import Explaining
from training.models import Explanation, TrainingRun

WORKER = "training@here"


@pytest.fixture
def run(ready_dataset):
    run = make_finished_run(ready_dataset)
    make_model(run)
    return run


@pytest.fixture
def child(monkeypatch):
    """Have the child be a program of the test's own."""

    def use(program: str) -> None:
        monkeypatch.setattr(children, "LOOK_SECONDS", 0.05)
        monkeypatch.setattr(children, "_start", lambda command, _: subprocess.Popen([sys.executable, "-c", program]))

    return use


def state_of(run) -> tuple:
    run.refresh_from_db()
    return run.state, lifecycle.explaining_of(run), Explanation.objects.get().tries


@pytest.mark.django_db
def test_a_child_that_fails_costs_a_try_and_not_the_run(run, child):
    child("raise SystemExit(1)")
    assert explaining.explain_first_in_line(WORKER)
    assert state_of(run) == ("succeeded", Explaining.WAITS, 1)
    explaining.explain_first_in_line(WORKER), explaining.explain_first_in_line(WORKER)
    assert state_of(run) == ("succeeded", Explaining.GIVEN_UP, 3)
    assert not explaining.explain_first_in_line(WORKER)


@pytest.mark.django_db
def test_a_child_that_takes_too_long_is_ended(run, child, settings):
    settings.EXPLAIN_SECONDS = 0.2
    child("import time; time.sleep(600)")
    assert explaining.explain_first_in_line(WORKER)
    assert state_of(run) == ("succeeded", Explaining.WAITS, 1)


@pytest.mark.django_db
def test_a_worker_that_shuts_down_hands_back(run, child, monkeypatch):
    lifecycle.worker_beat(WORKER, host="here", pid=1, queues=["training"])
    child("import time; time.sleep(600)")
    claim_first = lifecycle.claim_explanation

    def claim_and_drain():
        claimed = claim_first()
        lifecycle.announce_drain(WORKER)
        return claimed

    monkeypatch.setattr(lifecycle, "claim_explanation", claim_and_drain)
    assert explaining.explain_first_in_line(WORKER)
    assert state_of(run) == ("succeeded", Explaining.WAITS, 0)
    assert not explaining.explain_first_in_line(WORKER)  # it takes nothing new


@pytest.mark.django_db
def test_who_has_trained_explains_what_was_learnt(ready_dataset, child, monkeypatch):
    def see_through(self):
        lifecycle.finish(self.claim.run_id, self.claim.token, "succeeded", message="Done.")
        make_model(TrainingRun.objects.get(pk=self.claim.run_id))

    monkeypatch.setattr(supervision.Supervisor, "run", see_through)
    child("pass")
    make_run(ready_dataset)
    tasks.train_next.apply()
    assert Explanation.objects.get().tries == 1


@pytest.mark.django_db
def test_the_sweep_rings_for_a_run_that_lost_its_worker(run, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks, "_send", lambda task, *args: sent.append(task.name.split(".")[-1]) or True)
    lifecycle.worker_beat(WORKER, host="here", pid=1, queues=["training"])
    tasks.reconcile_and_ring(at_once=True)
    assert "explain_next" in sent


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_a_trained_run_is_explained_in_a_real_child(ready_dataset, monkeypatch, settings):
    monkeypatch.setenv("DATABASE_URL", test_database_url())
    monkeypatch.setenv("SECRET_KEY", project.SECRET_KEY)
    monkeypatch.setenv("MEDIA_ROOT", str(settings.MEDIA_ROOT))
    run = make_run(ready_dataset)
    execution.execute(run.pk, claim(run).token)
    tasks.explain_next.apply()
    assert state_of(run) == ("succeeded", Explaining.ENDED, 1)
    assert sorted(run.insights.values_list("kind", flat=True)) == ["chorus_recall", "gradient_reach", "memory_ruler"]
    assert all(insight.sentence for insight in run.insights.all())


@pytest.mark.django_db
def test_a_run_without_a_model_can_not_be_explained():
    with pytest.raises(CommandError, match="no finished run"):
        call_command("explain_run", "nothing")
