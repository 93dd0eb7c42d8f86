"""First light, by the API alone: a song file becomes a bookmarked lyric, through real processes."""

import json
import os
import signal

import httpx
import pytest

from lyricsite.models import ApiToken
from tests.processes import running_platform, wait_until
from tests.songs import small_songs
from training.models import TrainingRun

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]

SMALL = {"threads": 1, "hidden_size": 32, "embedding_size": 16, "num_layers": 1, "sequence_length": 32, "batch_size": 8}
BRIEF = {**SMALL, "steps": 60, "epochs": 20, "evaluations": 2}
ENDLESS = {**SMALL, "steps": 500_000, "epochs": 1000, "patience": 0}


def songs_as_json_lines() -> bytes:
    return "\n".join(json.dumps(song) for song in small_songs()).encode()


@pytest.fixture
def platform(user, tmp_path_factory):
    with running_platform(tmp_path_factory.mktemp("p")) as platform:
        yield platform


@pytest.fixture
def session(platform, user):
    _, token = ApiToken.issue(user=user)
    with httpx.Client(
        base_url=platform.url + "/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60
    ) as client:
        yield client


def upload(session) -> str:
    # These songs differ in two words each: every one of them is wanted all the same.
    told = {"name": "By program", "options": '{"near_duplicates": false}'}
    answer = session.post("/datasets/", data=told, files={"file": ("s.jsonl", songs_as_json_lines())})
    assert answer.status_code == 202, answer.text
    dataset = answer.json()["id"]
    wait_until(lambda: session.get(f"/datasets/{dataset}/").json()["state"] == "ready", what="the import")
    return dataset


def start(session, dataset: str, config: dict, architecture: str = "gru") -> str:
    body = {"dataset": dataset, "architecture": architecture, "preset": "tiny", "config": config}
    answer = session.post("/runs/", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def run_state(session, run: str) -> str:
    return session.get(f"/runs/{run}/").json()["state"]


def test_a_song_file_becomes_a_bookmarked_lyric(session):
    dataset = upload(session)
    report = session.get(f"/datasets/{dataset}/").json()["report"]
    assert (report["records"], report["accepted"]) == (24, 24)

    run = start(session, dataset, BRIEF)
    wait_until(lambda: run_state(session, run) in {"succeeded", "failed"}, what="the training")
    finished = session.get(f"/runs/{run}/").json()
    assert finished["state"] == "succeeded", finished["error"]
    assert finished["metrics"]["nats_per_character"] > 0
    assert session.get(f"/runs/{run}/metrics/").json()["results"]
    assert session.get(f"/runs/{run}/samples/").json()["results"]

    asked = {"model": finished["model"], "prompt": "Oh my", "max_tokens": 60, "seed": 7, "temperature": 0.7}
    lyric = session.post("/lyrics/generate/", json=asked).json()
    again = session.post("/lyrics/generate/", json=asked).json()
    assert lyric["choices"][0]["text"] == again["choices"][0]["text"]

    with session.stream("POST", "/lyrics/generate/", json={**asked, "stream": True}) as stream:
        events = [line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: ")]
    streamed = "".join(json.loads(event)["text"] for event in events[:-1])
    assert streamed.strip() == lyric["choices"][0]["text"].strip()

    saved = session.post("/lyrics/generate/", json={**asked, "save": True}).json()["id"]
    assert session.put(f"/lyrics/{saved}/bookmark/").status_code in {200, 204}
    kept = session.get("/lyrics/", params={"bookmarked": "true"}).json()["results"]
    assert [row["id"] for row in kept] == [saved]


def test_a_running_training_can_be_cancelled_and_the_next_one_starts(session):
    dataset = upload(session)
    endless = start(session, dataset, ENDLESS)
    waiting = start(session, dataset, BRIEF, "rnn")
    wait_until(lambda: session.get(f"/runs/{endless}/").json()["progress"]["step"] > 0, what="its first step")
    assert session.get(f"/runs/{waiting}/").json()["queue_position"] == 1
    assert session.post(f"/runs/{endless}/cancel/").status_code in {200, 202}
    wait_until(lambda: run_state(session, endless) == "cancelled", what="the cancellation")
    assert session.post(f"/runs/{endless}/cancel/").status_code == 409
    wait_until(lambda: run_state(session, waiting) == "succeeded", what="the next run")


def test_the_events_of_a_run_tell_its_story_to_the_end(session):
    run = start(session, upload(session), BRIEF, "lstm")
    kinds, ids = [], []
    with session.stream("GET", f"/runs/{run}/events/") as stream:
        for line in stream.iter_lines():
            if line.startswith("event: "):
                kinds.append(line.removeprefix("event: "))
            if line.startswith("id: "):
                ids.append(int(line.removeprefix("id: ")))
    assert kinds[-1] == "end"
    assert {"state", "metric", "sample"} <= set(kinds)
    assert ids == sorted(ids)


def test_a_killed_worker_loses_no_run(session, platform):
    run = start(session, upload(session), {**SMALL, "steps": 1200, "epochs": 1000, "patience": 0, "evaluations": 2})
    wait_until(lambda: session.get(f"/runs/{run}/").json()["progress"]["step"] > 0, what="its first step")
    worker = platform.processes.pop("training")
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    platform.start_worker("second")
    wait_until(lambda: run_state(session, run) == "succeeded", what="the second attempt")
    attempts = TrainingRun.objects.get(pk=run).attempt_rows.all()
    assert [attempt.outcome for attempt in attempts] == ["lost", "succeeded"]
