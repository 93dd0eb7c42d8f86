"""A run's events: everything once, in order, with numbers to come back by."""

import asyncio
import json

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import OperationalError
from django.test import AsyncClient

from tests.training.finished_runs import make_finished_run, make_model, make_running_run
from training import lifecycle, live
from training.models import TrainingRun
from training.services.runs import start_run

pytestmark = pytest.mark.django_db


def names(news) -> list[str]:
    return [name for name, _, _ in news.events]


def numbers(news) -> list[int]:
    return [number for _, number, _ in news.events]


def test_everything_that_was_written_comes_in_order(ready_dataset, user):
    run, _ = make_running_run(ready_dataset, losses=(2.4, 2.1))
    news = live.news_of(run.pk, user, 0)
    assert names(news) == ["state", "metric", "sample", "metric", "sample", "progress"]
    assert not news.is_over


def test_numbers_never_fall_and_what_is_written_has_its_own(ready_dataset, user):
    run, held = make_running_run(ready_dataset)
    told = numbers(live.news_of(run.pk, user, 0))
    for step in (7, 8):
        lifecycle.record(run.pk, held.token, progress={"step": step})
        told += numbers(live.news_of(run.pk, user, told[-1]))
    lifecycle.finish(run.pk, held.token, TrainingRun.State.SUCCEEDED, message="Finished.")
    ending = live.news_of(run.pk, user, told[-1])
    assert names(ending) == ["state", "progress", "end"]
    assert told == sorted(set(told))
    assert numbers(ending) == [ending.reached] * 3
    assert names(live.news_of(run.pk, user, ending.reached)) == ["progress", "end"]  # who comes back hears of it again


def test_a_number_from_elsewhere_brings_everything(ready_dataset, user):
    run, _ = make_running_run(ready_dataset)
    assert live.news_of(run.pk, user, run.sequence + 1) == live.news_of(run.pk, user, 0)


def test_who_may_see_a_run_no_longer_hears_no_more_of_it(ready_dataset, other_user):
    run, _ = make_running_run(ready_dataset, visibility="shared")
    assert live.news_of(run.pk, other_user, 0) is not None
    TrainingRun.objects.filter(pk=run.pk).update(visibility="private")
    assert live.news_of(run.pk, other_user, 0) is None


def test_only_what_followed_a_number_comes_again(ready_dataset, user):
    run, _ = make_running_run(ready_dataset, losses=(2.4, 2.1))
    first_sample = run.samples.first().sequence
    assert names(live.news_of(run.pk, user, first_sample)) == ["metric", "sample", "progress"]


def test_progress_comes_only_when_it_moved(ready_dataset, user):
    run, held = make_running_run(ready_dataset)
    assert live.news_of(run.pk, user, run.sequence).events == []
    lifecycle.record(run.pk, held.token, progress={"step": 7})
    assert names(live.news_of(run.pk, user, run.sequence)) == ["progress"]


def test_progress_has_the_gauges_of_the_training(ready_dataset, user):
    run, _ = make_running_run(ready_dataset)
    TrainingRun.objects.filter(pk=run.pk).update(facts={"device": "cpu"})
    _, _, told = live.news_of(run.pk, user, 0).events[-1]
    assert (told["learning_rate"], told["gradient_norm"], told["utilisation"]) == (0.0043, 0.87, 0.412)
    assert (told["memory_bytes"], told["device"]) == (430 * 1024**2, "cpu")


def test_an_attempt_from_the_beginning_has_no_gauges_yet(ready_dataset, user):
    run, held = make_running_run(ready_dataset)
    lifecycle.hand_back(run.pk, held.token)
    lifecycle.claim(run.pk, worker="training@there", host="there", pid=2)
    told = live.progress_of(TrainingRun.objects.get())
    assert {told[name] for name in ("learning_rate", "gradient_norm", "memory_bytes", "utilisation")} == {None}


def test_a_finished_run_ends_with_its_model(ready_dataset, user):
    run = make_finished_run(ready_dataset)
    model = make_model(run)
    news = live.news_of(run.pk, user, run.sequence)
    assert names(news) == ["progress", "end"]
    assert news.events[-1][2] == {"state": "succeeded", "error": "", "model": model.pk}
    assert news.is_over


def test_who_watches_a_shared_run_does_not_hear_of_its_private_model(ready_dataset, other_user):
    run = make_finished_run(ready_dataset, visibility="shared")
    make_model(run)
    assert live.news_of(run.pk, other_user, 0).events[-1][2]["model"] is None


def test_more_than_fits_at_once_comes_in_turns(ready_dataset, user, monkeypatch):
    whole = live.news_of(make_finished_run(ready_dataset).pk, user, 0)
    monkeypatch.setattr(live, "MOST_AT_ONCE", 4)
    run = TrainingRun.objects.get()
    told, is_over = [], False
    while not is_over:
        news = live.news_of(run.pk, user, told[-1][1] if told else 0)
        told += news.events
        assert news.has_more or news.is_over
        is_over = news.is_over
    assert told == whole.events


def test_a_run_that_is_gone_has_no_news(user):
    assert live.news_of("nowhere", user, 0) is None


@pytest.mark.parametrize(
    ("header", "asked", "number"),
    [
        ("7", "", 7),
        ("7", "3", 7),
        ("", "3", 3),
        ("", "", 0),
        ("-1", "", 0),
        ("²", "", 0),
        ("9" * 10, "", 0),
        ("x", "", 0),
    ],
)
def test_the_last_event_a_reader_has_is_a_whole_number_or_none(rf, header, asked, number):
    assert live.last_heard(rf.get("/", {"after": asked}, headers={"Last-Event-ID": header})) == number


def test_an_event_is_one_frame_whatever_its_text_holds():
    frame = live.event_text("sample", 7, {"text": "one\n\ndata: two\r\n"})
    assert frame.startswith("id: 7\nevent: sample\ndata: ")
    assert frame.count("\n") == 4
    assert json.loads(frame.split("data: ", 1)[1])["text"] == "one\n\ndata: two\r\n"


def stream_of(client, address: str, **headers) -> str:
    async def text() -> str:
        answer = await client.get(address, headers={"Accept": "text/event-stream", **headers})
        assert answer["Content-Type"] == "text/event-stream"
        return b"".join([part async for part in answer.streaming_content]).decode()

    return async_to_sync(text)()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_a_stream_that_was_cut_goes_on_where_it_ended(prefix, user, ready_dataset):
    run = make_finished_run(ready_dataset)
    client = AsyncClient()
    client.force_login(user)
    told = stream_of(client, f"{prefix}/runs/{run.pk}/events/")
    assert told.startswith("retry: ")
    assert told.count("event: metric") == 3
    frames = told.strip().split("\n\n")[1:]
    assert frames[-1].splitlines()[1] == "event: end"
    ids = [int(frame.splitlines()[0].removeprefix("id: ")) for frame in frames]
    assert ids == sorted(ids)
    again = stream_of(client, f"{prefix}/runs/{run.pk}/events/", **{"Last-Event-ID": str(ids[3])})
    assert again.strip().split("\n\n")[1:] == frames[4:]


@pytest.mark.django_db(transaction=True)
def test_a_waiting_run_keeps_its_stream_open(user, ready_dataset, doorbells):
    run = start_run(owner=user, dataset=ready_dataset, architecture="lstm")

    async def first_frames() -> list[str]:
        events = live.run_events(run.pk, reader=user)
        frames = [await anext(events), await anext(events)]
        following = asyncio.ensure_future(anext(events))
        done, _ = await asyncio.wait([following], timeout=0.05)
        assert not done
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        return frames

    assert "event: state" in async_to_sync(first_frames)()[1]


@pytest.mark.django_db(transaction=True)
def test_all_streams_look_with_one_question_and_only_what_moved_reads(user, ready_dataset, monkeypatch):
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.01)
    still, _ = make_running_run(ready_dataset)
    moving, held = make_running_run(ready_dataset)
    looks, readings = [], []
    real_look, real_news = live.reached_by, live.news_of
    monkeypatch.setattr(live, "reached_by", lambda runs: looks.append(set(runs)) or real_look(runs))
    monkeypatch.setattr(live, "news_of", lambda run_id, *rest: readings.append(run_id) or real_news(run_id, *rest))

    async def watch() -> str:
        streams = [live.run_events(run.pk, reader=user, after=run.sequence) for run in (still, still, moving)]
        for stream in streams:
            await anext(stream)  # the time to come back after
        waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
        async with asyncio.timeout(20):
            while {still.pk, moving.pk} not in looks:  # until each waits
                await asyncio.sleep(0.01)
            await sync_to_async(lifecycle.record)(moving.pk, held.token, progress={"step": 7})
            told = await waiting[2]
        for future in waiting[:2]:
            future.cancel()
        await asyncio.gather(*waiting[:2], return_exceptions=True)
        return told

    assert "event: progress" in async_to_sync(watch)()
    assert sorted(readings) == sorted([still.pk, still.pk, moving.pk, moving.pk])


@pytest.mark.django_db(transaction=True)
def test_a_stream_outlives_a_database_that_goes_away(user, ready_dataset, monkeypatch):
    monkeypatch.setattr(live, "AWAY_SECONDS", 0.01)
    run = make_finished_run(ready_dataset)
    absences = iter([True, True])
    real_news = live.news_of

    def news(*asked):
        if next(absences, False):
            raise OperationalError("the connection is gone")
        return real_news(*asked)

    monkeypatch.setattr(live, "news_of", news)

    async def told() -> list[str]:
        return [event async for event in live.run_events(run.pk, reader=user)]

    assert "event: end" in async_to_sync(told)()[-1]
