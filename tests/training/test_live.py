"""A run's events: everything once, in order, with numbers to come back by."""

import asyncio
import json

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from tests.training.finished_runs import make_finished_run, make_model, make_running_run
from tests.training.runs import make_run
from training import live

pytestmark = pytest.mark.django_db


def names(news) -> list[str]:
    return [name for name, _, _ in news.events]


def test_everything_that_was_written_comes_in_order(ready_dataset):
    run, _ = make_running_run(ready_dataset, losses=(2.4, 2.1))
    news = live.news_of(run.pk, 0, None)
    assert names(news) == ["state", "metric", "sample", "metric", "sample", "progress"]
    numbers = [number for _, number, _ in news.events]
    assert numbers == sorted(numbers)
    assert not news.is_over


def test_only_what_followed_a_number_comes_again(ready_dataset):
    run, _ = make_running_run(ready_dataset, losses=(2.4, 2.1))
    first_sample = run.samples.first().sequence
    assert names(live.news_of(run.pk, first_sample, None)) == ["metric", "sample", "progress"]


def test_progress_comes_only_when_it_moved(ready_dataset):
    run, _ = make_running_run(ready_dataset)
    assert live.news_of(run.pk, run.sequence, live.progress_of(run)).events == []


def test_a_finished_run_ends_with_its_model(ready_dataset):
    run = make_finished_run(ready_dataset)
    model = make_model(run)
    news = live.news_of(run.pk, run.sequence, live.progress_of(run))
    assert news.events == [("end", run.sequence, {"state": "succeeded", "error": "", "model": model.pk})]
    assert news.is_over


def test_more_than_fits_at_once_comes_in_turns(ready_dataset, monkeypatch):
    monkeypatch.setattr(live, "MOST_AT_ONCE", 4)
    run = make_finished_run(ready_dataset)
    after, told, progress = 0, [], None
    while True:
        news = live.news_of(run.pk, after, progress)
        told += news.events
        after = max([after, *(number for _, number, _ in news.events)])
        if news.is_over:
            break
    kinds = [name for name, _, _ in told]
    assert kinds.count("metric") == kinds.count("sample") == 3
    assert kinds[-1] == "end"


def test_a_run_that_is_gone_has_no_news(db):
    assert live.news_of("nowhere", 0, None) is None


def test_an_event_is_one_frame_whatever_its_text_holds():
    frame = live.event_text("sample", 7, {"text": "one\n\ndata: two\r\n"})
    assert frame.startswith("id: 7\nevent: sample\ndata: ")
    assert frame.count("\n") == 4
    assert json.loads(frame.split("data: ", 1)[1])["text"] == "one\n\ndata: two\r\n"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_the_stream_of_a_finished_run_tells_all_and_closes(prefix, user, ready_dataset):
    run = make_finished_run(ready_dataset)
    client = AsyncClient()
    client.force_login(user)

    async def text() -> str:
        answer = await client.get(f"{prefix}/runs/{run.pk}/events/", headers={"Accept": "text/event-stream"})
        assert answer["Content-Type"] == "text/event-stream"
        return b"".join([part async for part in answer.streaming_content]).decode()

    told = async_to_sync(text)()
    assert told.startswith("retry: 1000")
    assert told.count("event: metric") == 3
    assert told.rstrip().split("event: ")[-1].startswith("end")


@pytest.mark.django_db(transaction=True)
def test_a_waiting_run_keeps_its_stream_open(ready_dataset):
    run = make_run(ready_dataset)

    async def first_frames() -> list[str]:
        events = live.run_events(run.pk)
        frames = [await anext(events), await anext(events)]
        following = asyncio.ensure_future(anext(events))
        done, _ = await asyncio.wait([following], timeout=0.05)
        assert not done
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        return frames

    assert "event: progress" in async_to_sync(first_frames)()[1]
