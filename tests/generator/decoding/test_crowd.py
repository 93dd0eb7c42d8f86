"""A crowd is waited for, and nobody else is."""

import pytest

from generator.decoding import crowd as crowds
from generator.decoding.crowd import GAP_SECONDS, MOST_SECONDS, Crowd
from generator.decoding.engine import Engine
from tests.generator.decoding.test_engine import endless, start, wait_until

SOON, LATER = GAP_SECONDS / 2, GAP_SECONDS * 2


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(crowds, "time", clock)
    return clock


def come(crowd, clock, *gaps):
    for gap in gaps:
        clock.now += gap
        crowd.note()


def test_who_comes_alone_is_not_kept_waiting(clock):
    crowd = Crowd()
    assert not crowd.is_coming(clock.now)
    come(crowd, clock, LATER)
    assert not crowd.is_coming(clock.now)
    come(crowd, clock, LATER, LATER)
    assert not crowd.is_coming(clock.now)


def test_more_are_expected_shortly_after_two_came_together(clock):
    crowd = Crowd()
    come(crowd, clock, LATER, SOON)
    assert crowd.is_coming(clock.now + SOON)
    assert not crowd.is_coming(clock.now + LATER)


def test_the_first_of_a_crowd_without_an_end_waits_no_longer_than_it_has_to(clock):
    crowd = Crowd()
    come(crowd, clock, LATER, *[SOON] * int(MOST_SECONDS / SOON + 2))
    assert not crowd.is_coming(clock.now)


def test_a_crowd_begins_with_one_step(monkeypatch):
    monkeypatch.setattr(crowds, "GAP_SECONDS", 0.3)
    monkeypatch.setattr(crowds, "MOST_SECONDS", 10)
    engine, model = Engine(per_person=4), endless(gated=True)
    model.network.gate.release()
    alone = start(engine, model)
    wait_until(lambda: model.network.rows)  # its step was made without anybody
    crowd = [start(engine, model) for _ in range(3)]
    model.network.open_gate()
    for writing in [alone, *crowd]:
        assert sum(map(len, writing)) == 40
    rows = model.network.rows
    assert set(rows[: rows.index(4)]) == {1}  # all three came in between the same two steps
