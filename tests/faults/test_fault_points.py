"""A fault point breaks where and when a test asked for it, and never where faults are not enabled."""

import os
import subprocess
import sys
import time

import pytest

from training import fault_points
from training.fault_points import InjectedFault, fault_point


@pytest.fixture(autouse=True)
def _nothing_is_planted(monkeypatch, settings):
    settings.FAULTS_ENABLED = True
    monkeypatch.delenv("FAULT", raising=False)
    monkeypatch.delenv("FAULT_FOLDER", raising=False)
    fault_points._passages.clear()


def test_without_the_setting_nothing_breaks(monkeypatch, settings, tmp_path):
    settings.FAULTS_ENABLED = False
    monkeypatch.setenv("FAULT", "here:raise")
    monkeypatch.setenv("FAULT_FOLDER", str(tmp_path))
    (tmp_path / "here").write_text("raise")
    fault_point("here")
    assert (tmp_path / "here").exists()


def test_only_the_point_that_is_named_breaks(monkeypatch):
    monkeypatch.setenv("FAULT", "there:raise,here:raise")
    fault_point("elsewhere")
    for point in ("here", "there", "here"):
        with pytest.raises(InjectedFault, match=point):
            fault_point(point)


def test_a_planted_file_breaks_once(monkeypatch, tmp_path):
    monkeypatch.setenv("FAULT_FOLDER", str(tmp_path))
    (tmp_path / "here").write_text("raise")
    with pytest.raises(InjectedFault):
        fault_point("here")
    fault_point("here")
    assert not (tmp_path / "here").exists()


def test_a_later_passage_can_be_meant(monkeypatch, tmp_path):
    monkeypatch.setenv("FAULT_FOLDER", str(tmp_path))
    (tmp_path / "here").write_text("raise@3")
    fault_point("here")
    fault_point("here")
    with pytest.raises(InjectedFault):
        fault_point("here")


def test_it_can_sleep(monkeypatch):
    monkeypatch.setenv("FAULT", "here:sleep:0.05")
    begun = time.monotonic()
    fault_point("here")
    assert time.monotonic() - begun >= 0.05


def test_what_is_no_action_is_said(monkeypatch):
    monkeypatch.setenv("FAULT", "here:explode")
    with pytest.raises(ValueError, match="explode"):
        fault_point("here")


@pytest.mark.parametrize(("action", "code"), [("kill9", -9), ("exit", 1)])
def test_it_can_end_its_process(action, code):
    script = (
        "from django.conf import settings; settings.configure(FAULTS_ENABLED=True)\n"
        "from training.fault_points import fault_point\n"
        "fault_point('here')\n"
    )
    environment = {**os.environ, "FAULT": f"here:{action}"}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == code
