"""Many writers, one batch for each model. Steps are gated by semaphores, so nothing here depends on how fast it is."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from generator.decoding import desk as desks
from generator.decoding import engine as engines
from generator.decoding import turns
from generator.decoding.batch import write
from generator.decoding.desk import TURN_STEPS
from generator.decoding.engine import Engine, InboxFull, TooManyAtOnce
from generator.decoding.model_file import WritingModel
from generator.recipe import Recipe
from tests.generator.tiny_models import tiny_model, tiny_tokenizer

PATIENCE = 20  # seconds before a test gives up; nothing takes them
RECIPE = Recipe(seed=41, temperature=1.0, max_tokens=40)


class Endless:
    """A network that never ends a song; it counts its steps and their rows, and waits at a gate where it has one."""

    def __init__(self, size, *, gated=False):
        self.size, self.made, self.rows = size, 0, []
        self.gate = threading.Semaphore(0) if gated else None
        self.started = threading.Event()

    def first_memory(self, rows):
        return [np.zeros((rows, 1), np.float32)]

    def step(self, tokens, memory):
        self.started.set()
        if self.gate is not None:
            assert self.gate.acquire(timeout=PATIENCE)
        self.made += 1
        self.rows.append(len(tokens))
        scores = np.zeros((len(tokens), self.size), np.float32)
        scores[:, -1] = 9
        return scores, [memory[0] + 1]

    def open_gate(self, steps=10_000):
        for _ in range(steps):
            self.gate.release()


def endless(*, gated=False) -> WritingModel:
    tokenizer = tiny_tokenizer("char")
    return WritingModel(Endless(tokenizer.vocabulary_size, gated=gated), tokenizer, size_bytes=0)


def start(engine, model, prompt="", recipe=RECIPE, *, person="mara", seconds=PATIENCE, **changes):
    return engine.open(model, prompt, replace(recipe, **changes), person=person, seconds=seconds)


def wait_until(condition):
    waiting = threading.Event()
    for _ in range(PATIENCE * 100):
        if condition():
            return
        waiting.wait(0.01)
    raise AssertionError("It never came.")


def pieces_of(turns):
    return [piece for turn in turns for piece in turn]


def texts_of(pieces, n=1):
    return ["".join(piece.text for piece in pieces if piece.index == index) for index in range(n)]


def alone(model, prompt, recipe):
    return texts_of([piece for step in write(model, prompt, recipe) for piece in step], recipe.n)


@pytest.fixture(scope="module")
def model():
    return tiny_model("lstm", "char", layers=2)


def test_everything_arrives_as_it_would_be_written_alone(model):
    writing = start(Engine(), model, "The river")
    assert texts_of(pieces_of(writing)) == alone(model, "The river", RECIPE)


def test_the_first_token_comes_alone_and_the_others_in_turns():
    turns = list(start(Engine(), endless(), max_tokens=50))
    assert len(turns[0]) == 1
    assert max(len(turn) for turn in turns) <= TURN_STEPS


PROMPTS = ("", "I went down to the river\n", "oh", "word " * 70, "[Chorus]\n")


def test_a_seed_gives_the_same_text_whoever_comes_and_goes(model):
    """Texts of different lengths, prompts, recipes and numbers of candidates, joining as others leave."""
    engine, numbers = Engine(per_person=1000, slots=7, inbox=1000), np.random.default_rng(3)
    asked = []
    for seed in range(60):
        recipe = replace(
            RECIPE,
            seed=seed,
            n=int(numbers.integers(1, 5)),
            max_tokens=int(numbers.integers(1, 60)),
            top_k=int(numbers.integers(0, 40)),
            top_p=float(numbers.choice([1.0, 0.9])),
            typical_p=float(numbers.choice([1.0, 0.8])),
            repetition_penalty=float(numbers.choice([1.0, 1.3])),
            no_repeat_ngram=int(numbers.choice([0, 3])),
        )
        prompt = str(numbers.choice(PROMPTS))
        asked.append((prompt, recipe, start(engine, model, prompt, recipe, person=seed)))
    for prompt, recipe, writing in asked:
        assert texts_of(pieces_of(writing), recipe.n) == alone(tiny_model("lstm", "char", layers=2), prompt, recipe)
    wait_until(lambda: engine.open_count == 0)


def test_those_who_write_with_one_model_share_its_steps():
    engine, model = Engine(per_person=9), endless(gated=True)
    writings = [start(engine, model, max_tokens=20) for _ in range(5)]
    model.network.open_gate()
    for writing in writings:
        assert len(pieces_of(writing)) == 20
    assert max(model.network.rows) == 5
    assert model.network.made <= 22  # the first step may have been alone


def test_candidates_share_the_reading_of_their_prompt():
    model = endless()
    assert len(pieces_of(start(Engine(), model, "oh my", n=8, max_tokens=3))) == 24
    assert model.network.rows == [1] * 6 + [8] * 2


def test_a_prompt_that_was_read_before_is_not_read_again():
    model = endless()
    list(start(Engine(), model, "oh my home", max_tokens=1))
    before = model.network.made
    list(start(Engine(), model, "oh my home", max_tokens=1))
    assert (before, model.network.made) == (11, 12)


def test_models_are_written_with_beside_each_other():
    engine, waiting, free = Engine(), endless(gated=True), endless()
    held = start(engine, waiting)
    assert len(pieces_of(start(engine, free, max_tokens=30))) == 30
    held.cancel()
    waiting.network.open_gate()


def test_it_can_be_read_on_an_event_loop():
    async def read(writing):
        return [turn async for turn in writing]

    turns = asyncio.run(read(start(Engine(), endless(), max_tokens=300)))
    assert len(pieces_of(turns)) == 300


def test_one_person_may_have_so_many_open_and_no_more():
    engine, model = Engine(per_person=2), endless(gated=True)
    held = [start(engine, model) for _ in range(2)]
    with pytest.raises(TooManyAtOnce):
        start(engine, model)
    start(engine, model, person="tom")
    held[1].cancel()
    model.network.open_gate()
    wait_until(lambda: held[1] not in engine._open)
    start(engine, model).cancel()


def test_a_full_inbox_takes_no_more():
    engine, model = Engine(slots=1, inbox=2, per_person=9), endless(gated=True)
    for _ in range(3):
        start(engine, model)
    with pytest.raises(InboxFull):
        start(engine, model)
    model.network.open_gate()


def test_who_waits_is_served_when_a_place_gets_free():
    engine, model = Engine(slots=1, per_person=9), endless()
    writings = [start(engine, model, max_tokens=5) for _ in range(2)]
    assert [len(pieces_of(writing)) for writing in writings] == [5, 5]


def test_those_who_have_the_fewest_places_come_first():
    engine, model = Engine(slots=2, per_person=9), endless(gated=True)
    held = [start(engine, model) for _ in range(2)]
    assert model.network.started.wait(PATIENCE)
    own, newcomer = start(engine, model, max_tokens=1), start(engine, model, person="tom", max_tokens=1)
    held[1].cancel()
    model.network.open_gate(1)
    wait_until(lambda: newcomer not in engine._inbox)
    assert own in engine._inbox
    held[0].cancel()
    own.cancel()
    model.network.open_gate()


def test_who_waits_is_told_the_place_in_the_inbox_each_time_it_changes():
    engine, model = Engine(slots=1, per_person=9), endless(gated=True)
    first, second, third = (start(engine, model, max_tokens=2) for _ in range(3))
    assert (first.place, second.place, third.place) == (None, 0, 1)
    reading = iter(third)
    assert (next(reading), third.place) == ([], 1)
    first.cancel()
    model.network.open_gate(1)
    assert (next(reading), third.place, second.place) == ([], 0, None)
    model.network.open_gate()
    assert len(pieces_of(reading)) == 2
    assert third.place is None


def test_places_are_told_in_the_order_in_which_they_will_be_served():
    engine, model = Engine(slots=1, per_person=9), endless(gated=True)
    start(engine, model)
    own = [start(engine, model) for _ in range(2)]
    newcomer, next_one = (start(engine, model, person="tom") for _ in range(2))
    assert [one.place for one in (newcomer, own[0], next_one, own[1])] == [0, 1, 2, 3]
    newcomer.cancel()
    assert [one.place for one in (next_one, own[0], own[1])] == [0, 1, 2]
    model.network.open_gate()


def test_a_reader_on_an_event_loop_is_told_its_place_too():
    engine, model = Engine(slots=1, per_person=9), endless(gated=True)
    first, second = start(engine, model, max_tokens=2), start(engine, model, max_tokens=2)

    async def read():
        places = []
        async for turn in second:
            places += [] if turn else [second.place]
            model.network.open_gate()
        return places

    assert asyncio.run(read()) == [0]
    assert len(pieces_of(first)) == 2


def test_who_waits_in_a_thread_gets_an_empty_turn_after_a_silence_and_can_leave(monkeypatch):
    monkeypatch.setattr(turns, "SILENCE_SECONDS", 0.01)
    engine, model = Engine(), endless(gated=True)
    for turn in start(engine, model):
        assert turn == []
        break
    model.network.open_gate()
    wait_until(lambda: engine.open_count == 0)


def test_writings_opened_together_are_one_request_and_come_all_or_not_at_all():
    engine, model = Engine(slots=2, inbox=2, per_person=2), endless(gated=True)
    together = {"person": "mara", "seconds": PATIENCE}
    three = engine.open_together(model, ["a", "b", "c"], RECIPE, **together)
    with pytest.raises(InboxFull):
        engine.open_together(model, ["a", "b"], RECIPE, **together)
    assert engine.open_count == 3
    start(engine, model)
    with pytest.raises(TooManyAtOnce):
        start(engine, model)
    model.network.open_gate()
    assert [len(pieces_of(writing)) for writing in three] == [40, 40, 40]


def test_leaving_early_ends_the_work_and_frees_the_place():
    engine, model = Engine(), endless()
    for _ in start(engine, model, max_tokens=1024):
        break
    wait_until(lambda: engine.open_count == 0)
    wait_until(lambda: not engine._desks)


def test_a_cancel_counts_within_one_step():
    engine, model = Engine(), endless(gated=True)
    writing = start(engine, model)
    assert model.network.started.wait(PATIENCE)
    writing.cancel()
    model.network.gate.release()
    wait_until(lambda: not engine._desks)
    assert model.network.made == 1


def test_a_task_that_is_cancelled_frees_the_place():
    engine, model = Engine(), endless(gated=True)

    async def read_and_be_cancelled():
        async def read():
            async for _ in start(engine, model):
                pass

        task = asyncio.create_task(read())
        model.network.open_gate(3)
        while not model.network.made:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(read_and_be_cancelled())
    model.network.open_gate()
    wait_until(lambda: engine.open_count == 0)


def test_a_slow_reader_rests_without_blocking_others_and_loses_nothing(model, monkeypatch):
    monkeypatch.setattr(desks, "UNREAD_TURNS_LIMIT", 4)
    monkeypatch.setattr(desks, "TURN_STEPS", 2)
    engine, long = Engine(), replace(RECIPE, max_tokens=200, n=2)
    slow = start(engine, model, "oh", long)
    wait_until(lambda: any(slow in desk.parked for desk in engine._desks.values()))
    assert len(slow._unread) <= 5
    assert texts_of(pieces_of(start(engine, model, "I", person="tom"))) == alone(model, "I", RECIPE)
    assert texts_of(pieces_of(slow), 2) == alone(model, "oh", long)


def test_the_deadline_ends_it_and_what_came_stands():
    engine, model = Engine(), endless(gated=True)
    writing = start(engine, model)
    model.network.open_gate(3)
    reading = iter(writing)
    first = next(reading)
    writing.deadline = 0
    model.network.open_gate()
    rest = list(reading)
    assert 1 <= len(pieces_of([first, *rest])) < 40
    assert writing.ran_out_of_time
    wait_until(lambda: engine.open_count == 0)


def test_one_that_is_never_read_is_ended_at_its_deadline(monkeypatch):
    monkeypatch.setattr(engines, "SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(desks, "UNREAD_TURNS_LIMIT", 2)
    engine = Engine()
    writing = start(engine, endless(), max_tokens=1024)
    wait_until(lambda: any(writing in desk.parked for desk in engine._desks.values()))
    writing.deadline = 0
    wait_until(lambda: engine.open_count == 0)
    assert writing.ran_out_of_time


class Broken(Endless):
    def step(self, tokens, memory):
        scores, memory = super().step(tokens, memory)
        if self.made == 3:
            raise ZeroDivisionError
        return scores, memory


class Torn(Broken):
    """It breaks off with memory of another size than the batch has rows."""

    def step(self, tokens, memory):
        scores, memory = super().step(tokens, memory)
        return (scores, memory[:0]) if self.made == 5 else (scores, memory)


def test_a_step_that_leaves_a_torn_batch_behind_ends_nobody_but_its_own():
    tokenizer = tiny_tokenizer("char")
    engine, model = Engine(), WritingModel(Torn(tokenizer.vocabulary_size, gated=True), tokenizer, size_bytes=0)
    torn = [start(engine, model, person=person, n=2) for person in ("mara", "tom")]
    model.network.open_gate()
    for writing in torn:
        with pytest.raises((ZeroDivisionError, IndexError, ValueError)):
            list(writing)
    for _ in range(3):
        with suppress(ZeroDivisionError, IndexError, ValueError):
            list(start(engine, model, n=8, max_tokens=10))
    assert len(pieces_of(start(engine, model, max_tokens=10))) == 10


def test_a_failure_reaches_its_reader_and_the_next_is_served():
    tokenizer = tiny_tokenizer("char")
    engine, model = Engine(), WritingModel(Broken(tokenizer.vocabulary_size), tokenizer, size_bytes=0)
    writing = start(engine, model)
    with pytest.raises(ZeroDivisionError):
        list(writing)
    wait_until(lambda: engine.open_count == 0)
    assert len(pieces_of(start(engine, model, max_tokens=10))) == 10
