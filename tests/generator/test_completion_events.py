"""The events of a completion with several prompts, read one by one: who reads slowly, leaves, or waits."""

import asyncio
import json
from contextlib import aclosing, asynccontextmanager

import pytest

from generator.api.openai import completion_events
from generator.api.openai_answers import Completion
from generator.services import writing
from tests.generator.endless import endless_model
from tests.generator.tiny_models import publish

PROMPTS = ["oh", "my", "la"]


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine())
    return writing.engine


@pytest.fixture
def model(user, monkeypatch):
    one = endless_model()
    monkeypatch.setattr(writing, "load_model", lambda _: one)
    return publish(user)


@pytest.fixture
def open_completion(user, model):
    """A function that begins a completion, and gives its events and what is written for it."""

    def begin(*, max_tokens=1024, echo=False):
        recipe = writing.Recipe(max_tokens=max_tokens, temperature=0)
        generations = writing.begin_together(user=user, model=model, prompts=PROMPTS, recipe=recipe)
        completion = Completion(generations, echo=echo, logprobs=None)
        return completion_events(generations, completion, includes_usage=True), generations

    return begin


@asynccontextmanager
async def no_task_left():
    async with asyncio.timeout(20):
        yield
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def until(condition) -> None:
    while not condition():
        await asyncio.sleep(0.01)


def parked(engine) -> int:
    return sum(len(desk.parked) for desk in engine._desks.values())


def chunks_of(events: list[str]) -> list[dict]:
    assert events[-1] == "data: [DONE]\n\n"
    return [json.loads(event.removeprefix("data: ")) for event in events[:-1]]


def test_a_slow_reader_lets_all_prompts_rest_and_gets_every_token(open_completion, engine):
    events, _ = open_completion()

    async def read():
        async with no_task_left(), aclosing(events):
            first = await anext(events)
            await until(lambda: parked(engine) == len(PROMPTS))
            return [first] + [event async for event in events]

    *chunks, usage = chunks_of(asyncio.run(read()))
    assert usage["usage"] == {"prompt_tokens": 6, "completion_tokens": 3 * 1024, "total_tokens": 3 * 1024 + 6}
    for index in range(len(PROMPTS)):
        parts = [choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]
        assert len("".join(part["text"] for part in parts)) == 1024
        assert [part["finish_reason"] for part in parts if part["finish_reason"]] == ["length"]


@pytest.mark.parametrize("is_cancelled", [True, False])
def test_who_leaves_frees_all_prompts_at_once(open_completion, engine, is_cancelled):
    events, _ = open_completion()

    async def read():
        async with aclosing(events):
            async for _ in events:
                if is_cancelled:
                    asyncio.current_task().cancel()
                    await asyncio.sleep(0)
                return

    async def leave():
        async with no_task_left():
            await asyncio.gather(read(), return_exceptions=True)
            assert engine.open_count == 0

    asyncio.run(leave())


def test_prompts_are_repeated_before_anything_is_written(open_completion):
    events, _ = open_completion(max_tokens=3, echo=True)

    async def read():
        return [event async for event in events]

    chunks = chunks_of(asyncio.run(read()))
    assert [chunk["choices"][0]["text"] for chunk in chunks[:3]] == PROMPTS
    assert [chunk["choices"][0]["index"] for chunk in chunks[:3]] == [0, 1, 2]


def test_who_waits_with_several_prompts_is_told_one_place(open_completion, monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine(slots=0))
    events, generations = open_completion()

    heard = []

    async def read():
        async for event in events:
            heard.append(event)

    async def wait():
        async with no_task_left():
            reading = asyncio.ensure_future(read())
            await until(lambda: heard)
            await asyncio.sleep(0.05)
            assert [generation.writing.place for generation in generations] == [0, 1, 2]
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(wait())
    assert heard == [": waiting, 0 first\n\n"]
