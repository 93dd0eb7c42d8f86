"""Which children are started again when they end."""

import sys

import pytest

from lyricsite.supervisor import Child, Supervisor


def ended(child: Child) -> Supervisor:
    """A supervisor that has just found out that its only child ended."""
    supervisor = Supervisor()
    supervisor.start(child)
    child.process.wait()
    supervisor._tend(child)
    return supervisor


def python(code: str, **options) -> Child:
    return Child("child", [sys.executable, "-c", code], **options)


def test_a_worker_that_was_asked_to_leave_stays_down():
    worker = python("", may_leave=True)
    supervisor = ended(worker)
    assert worker.has_left
    supervisor._tend(worker)
    assert worker.process is None
    supervisor.end_all()


@pytest.mark.parametrize(("code", "may_leave"), [("raise SystemExit(3)", True), ("", False)])
def test_any_other_end_is_followed_by_a_new_start(code, may_leave):
    child = python(code, may_leave=may_leave)
    supervisor = ended(child)
    assert not child.has_left
    child.start_at = 0  # it need not wait in this test
    supervisor._tend(child)
    assert child.process is not None
    child.wait_for_end()
