"""Real workers: they say that they listen, hand back what they train when told to end, and leave nothing behind."""

import os
import signal
from pathlib import Path

import pytest

from lyricsite.worker_life import Life
from tests.processes import running_platform, wait_until
from tests.training.runs import SMALL, make_run
from training import lifecycle, tasks
from training.language_model.config import resolve_config
from training.models import Worker

ENDLESS = SMALL | {"steps": 1_000_000, "epochs": 1000, "patience": 0, "evaluations": 1, "sample_tokens": 0}
real_processes = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def platform(db, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("LEASE_SECONDS", "4")
    with running_platform(tmp_path_factory.mktemp("p"), workers=False) as platform:
        yield platform


@pytest.fixture
def run(transactional_db, ready_dataset):
    """A run that nobody was rung for, and that does not end by itself."""
    return make_run(ready_dataset, config=resolve_config(architecture="rnn", overrides=ENDLESS).to_dict())


def learns(run, attempt: int = 1) -> bool:
    run.refresh_from_db()
    return run.phase == "Learning" and run.attempts == attempt


def children_of(run) -> list[int]:
    """The processes of this machine that train ``run``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:  # it has just ended
            continue
        if b"train_attempt" in words and run.pk.encode() in words:
            found.append(int(path.parent.name))
    return found


class TestRealWorkers:
    pytestmark = real_processes

    def test_a_worker_that_is_told_to_end_hands_its_run_back_and_leaves(self, run, platform):
        worker = platform.start_worker()
        wait_until(lambda: learns(run), what="the first step")
        assert Worker.objects.listening_to("training").count() == 1
        worker.terminate()
        assert worker.wait(60) == 0
        run.refresh_from_db()
        assert (run.state, run.lost_attempts) == ("queued", 0)
        assert not Worker.objects.exists()
        assert not children_of(run)

    def test_a_worker_that_is_killed_takes_its_child_along_and_another_trains_the_run(self, run, platform):
        first = platform.start_worker("first")
        wait_until(lambda: learns(run), what="the first step")
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        wait_until(lambda: not children_of(run), what="the end of the child")
        platform.start_worker("second")
        wait_until(lambda: learns(run, attempt=2), what="the second attempt")
        assert run.lost_attempts == 1


@pytest.fixture
def life(db, monkeypatch):
    """A worker's life, without its thread and with nobody to ring."""
    monkeypatch.setattr(tasks, "_send", lambda *bell: True)
    return Life("training@here", ["training"], 2)


def test_a_beat_says_who_listens_to_what(life):
    life.beat()
    worker = Worker.objects.listening_to("training").get()
    assert (worker.name, worker.pid, worker.processes) == ("training@here", os.getpid(), 2)


def test_an_end_that_is_near_is_announced_once_and_the_worker_goes_on_beating(life):
    life.is_draining.set()
    life.beat()
    assert life.has_announced
    assert Worker.objects.get().is_draining
    life.beat()
    assert Worker.objects.get().is_draining


def test_a_worker_that_staff_empties_tells_itself_to_end_once(life, monkeypatch):
    told = []
    monkeypatch.setattr(os, "kill", lambda *signal: told.append(signal))
    life.beat()
    assert lifecycle.drain_worker("training@here", by="mara")
    life.beat()
    life.beat()
    assert told == [(os.getpid(), signal.SIGTERM)]
    assert life.is_draining.is_set()
    life._forget()
    assert Worker.objects.get().stays_down


def test_it_sweeps_at_its_first_beat_and_then_when_it_is_time(life, settings, monkeypatch):
    sweeps = []
    monkeypatch.setattr(tasks, "reconcile_and_ring", lambda: sweeps.append(True))
    life.beat()
    life.beat()
    assert len(sweeps) == 1
    life.sweep_at = 0
    life.beat()
    assert len(sweeps) == 2
