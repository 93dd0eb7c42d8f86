"""Many writers, few threads. Steps are gated by semaphores, so nothing here depends on how fast anything is."""

import asyncio
import threading

import pytest

from generator.decoding import engine as engines
from generator.decoding.engine import Engine, InboxFull, TooManyAtOnce
from generator.decoding.writer import Piece

PATIENCE = 20  # seconds before a test gives up; nothing takes them


class Steps:
    """A generator of one-piece steps that counts them, waits at a gate, and knows when it was closed."""

    def __init__(self, count=1000, *, gated=False):
        self.count, self.made, self.closed = count, 0, threading.Event()
        self.gate = threading.Semaphore(0) if gated else None
        self.started = threading.Event()
        self.steps = self._run()

    def _run(self):
        try:
            for number in range(self.count):
                self.started.set()
                if self.gate is not None:
                    assert self.gate.acquire(timeout=PATIENCE)
                self.made += 1
                yield [Piece(0, f"{number} ", number, -1.0)]
        finally:
            self.closed.set()

    def open_gate(self):
        for _ in range(self.count):
            self.gate.release()


def start(engine, steps, person="mara", seconds=PATIENCE):
    return engine.open(steps.steps, person=person, seconds=seconds)


def wait_until(condition):
    waiting = threading.Event()
    for _ in range(PATIENCE * 100):
        if condition():
            return
        waiting.wait(0.01)
    raise AssertionError("It never came.")


def numbers_of(turns):
    return [piece.token for turn in turns for piece in turn]


def test_everything_arrives_in_order():
    writing = start(Engine(threads=2), Steps(100))
    assert numbers_of(writing) == list(range(100))


def test_the_first_token_comes_alone_and_the_others_in_turns():
    turns = list(start(Engine(threads=1), Steps(50)))
    assert len(turns[0]) == 1
    assert max(len(turn) for turn in turns) <= engines.TURN_STEPS


def test_many_at_once_each_get_their_own():
    engine = Engine(threads=2, per_person=100)
    writings = [start(engine, Steps(30 + number)) for number in range(20)]
    for number, writing in enumerate(writings):
        assert numbers_of(writing) == list(range(30 + number))
    wait_until(lambda: engine.open_count == 0)


def test_it_can_be_read_on_an_event_loop():
    async def read(writing):
        return [turn async for turn in writing]

    assert numbers_of(asyncio.run(read(start(Engine(threads=2), Steps(300))))) == list(range(300))


def test_one_person_may_have_so_many_open_and_no_more():
    engine = Engine(threads=1, per_person=2)
    held = [start(engine, Steps(gated=True)) for _ in range(2)]
    with pytest.raises(TooManyAtOnce):
        start(engine, Steps())
    other = start(engine, Steps(3, gated=True), person="tom")
    held[1].cancel()
    start(engine, Steps(1)).cancel()
    other.cancel()


def test_a_full_inbox_takes_no_more():
    engine = Engine(threads=1, slots=1, inbox=2, per_person=9)
    writings = [start(engine, Steps(gated=True)) for _ in range(3)]
    with pytest.raises(InboxFull):
        start(engine, Steps())
    for writing in writings:
        writing.cancel()


def test_who_waits_is_served_when_a_place_gets_free():
    engine = Engine(threads=1, slots=1, per_person=9)
    first, second = Steps(5, gated=True), Steps(5)
    writings = [start(engine, steps) for steps in (first, second)]
    first.open_gate()
    assert numbers_of(writings[1]) == list(range(5))


def test_those_who_have_the_fewest_places_come_first():
    engine = Engine(threads=1, slots=2, per_person=9)
    gated = Steps(gated=True)
    held = [start(engine, gated), start(engine, Steps(gated=True))]
    own, newcomer = start(engine, Steps(1)), start(engine, Steps(1), person="tom")
    held[1].cancel()
    assert newcomer in engine._rotation or newcomer.is_over
    assert own in engine._inbox
    for writing in (*held, own, newcomer):
        writing.cancel()
    gated.gate.release()


def test_leaving_early_ends_the_work_and_frees_the_place():
    engine, steps = Engine(threads=1), Steps(10**9)
    for _ in start(engine, steps):
        break
    assert steps.closed.wait(PATIENCE)
    wait_until(lambda: engine.open_count == 0)


def test_a_cancel_counts_within_one_step():
    engine, steps = Engine(threads=1), Steps(gated=True)
    writing = start(engine, steps)
    assert steps.started.wait(PATIENCE)
    writing.cancel()
    steps.gate.release()
    assert steps.closed.wait(PATIENCE)
    assert steps.made == 1
    wait_until(lambda: engine.open_count == 0)


def test_a_task_that_is_cancelled_frees_the_place():
    engine, steps = Engine(threads=1), Steps(10**9)

    async def read_and_be_cancelled():
        async def read():
            async for _ in start(engine, steps):
                pass

        task = asyncio.create_task(read())
        while not steps.made:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(read_and_be_cancelled())
    assert steps.closed.wait(PATIENCE)
    wait_until(lambda: engine.open_count == 0)


def test_a_slow_reader_rests_without_blocking_others_and_loses_nothing():
    engine, steps = Engine(threads=1), Steps(2000)
    slow = start(engine, steps)
    wait_until(lambda: slow in engine._parked)
    assert steps.made <= engines.UNREAD_TURNS_LIMIT * engines.TURN_STEPS
    assert numbers_of(start(engine, Steps(100))) == list(range(100))
    assert numbers_of(slow) == list(range(2000))


def test_the_deadline_ends_it_and_what_came_stands():
    engine, steps = Engine(threads=1), Steps(gated=True)
    writing = start(engine, steps)
    for _ in range(3):
        steps.gate.release()
    reading = iter(writing)
    first = next(reading)
    writing.deadline = 0
    steps.open_gate()
    rest = list(reading)
    assert numbers_of([first, *rest]) == list(range(steps.made))
    assert writing.ran_out_of_time
    assert steps.closed.wait(PATIENCE)


def test_one_that_is_never_read_is_ended_at_its_deadline(monkeypatch):
    monkeypatch.setattr(engines, "SWEEP_SECONDS", 0.01)
    engine = Engine(threads=1)
    writing = start(engine, Steps(10**9))
    wait_until(lambda: writing in engine._parked)
    writing.deadline = 0
    wait_until(lambda: engine.open_count == 0)
    assert writing.ran_out_of_time


def test_a_failure_reaches_its_reader_and_nobody_else():
    def broken():
        yield [Piece(0, "a", 1, 0.0)]
        raise ZeroDivisionError

    engine = Engine(threads=1)
    writing = engine.open(broken(), person="mara", seconds=PATIENCE)
    with pytest.raises(ZeroDivisionError):
        list(writing)
    assert numbers_of(start(engine, Steps(10))) == list(range(10))
    assert engine.open_count == 0
