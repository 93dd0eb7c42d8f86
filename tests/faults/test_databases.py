"""A database that is locked, busy or gone: the site says so within seconds, and goes on by itself when it is back."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from django.db import connection

from generator.services import lyrics
from tests.conftest import make_user
from tests.faults import pace
from tests.faults.conftest import judged
from tests.processes import ROOT, wait_until
from tests.songs import make_ready_dataset

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]

ANSWER_SECONDS = 5
SPARE_SECONDS = 2  # for a machine that does something else as well
SLOW_MACHINE = 1 if pace.IS_FULL else 3  # the tests share two cores with each other


@pytest.fixture(scope="module")
def cut_off_platform(platform_of_a_module):
    """Parts that reach PostgreSQL through a proxy."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite is a file: it can be locked, not cut off.")
    yield from platform_of_a_module(proxies_database=True)


@pytest.fixture
def cut_off(cut_off_platform, transactional_db, settings, request):
    for platform in judged(cut_off_platform, settings, request):
        platform.ensure_web()
        yield platform


def timed(ask) -> tuple[httpx.Response, float]:
    begun = time.monotonic()
    answer = ask()
    return answer, time.monotonic() - begun


def assert_says_so_soon(ask) -> None:
    answer, seconds = timed(ask)
    assert answer.status_code == 503, answer.text[:500]
    assert int(answer.headers["Retry-After"]) > 0
    assert seconds < ANSWER_SECONDS + SPARE_SECONDS
    pace.note("F25 seconds until the web says 503", round(seconds, 2))


@contextmanager
def locked_database():
    """Another writer holds SQLite and does not let go."""
    with sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, timeout=20) as holder:
        holder.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            holder.execute("ROLLBACK")
    holder.close()


def test_while_another_writes_pages_are_read_and_what_would_write_is_refused_in_time(web, user):
    """F25: SQLite's write lock is held; the web's half."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no lock of this kind; see the next tests.")
    lyric = lyrics.save_lyric(user=user, text="oh my lantern")
    with web.session(user) as client:
        with locked_database():
            answer, seconds = timed(lambda: client.get("/lyrics/"))
            assert answer.status_code == 200
            assert seconds < ANSWER_SECONDS
            assert_says_so_soon(lambda: client.put(f"/lyrics/{lyric.pk}/bookmark/"))
        assert client.put(f"/lyrics/{lyric.pk}/bookmark/").status_code < 300


def test_a_table_that_is_locked_for_long_is_told_in_time(web, user):
    """F25: an operator's lock on a table of PostgreSQL."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks as a whole; see the test before.")
    lyrics.save_lyric(user=user, text="oh my lantern")
    with web.session(user) as client:
        assert client.get("/lyrics/").status_code == 200
        with connection.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE generator_lyric IN ACCESS EXCLUSIVE MODE")
            try:
                assert_says_so_soon(lambda: client.get("/lyrics/"))
                assert client.get("/models/").status_code == 200
            finally:
                cursor.execute("ROLLBACK")
        assert client.get("/lyrics/").status_code == 200


@pytest.mark.parametrize("fault", ["refuse", "swallow"])
def test_a_database_that_is_gone_is_told_in_time_and_used_again_when_it_is_back(cut_off, user, fault):
    """F25: PostgreSQL stops at once, or nothing that is sent to it arrives."""
    with cut_off.session(user) as client:
        assert client.get("/runs/").status_code == 200
        getattr(cut_off.database_proxy, fault)()
        for _ in range(3):
            assert_says_so_soon(lambda: client.get("/runs/"))
        with ThreadPoolExecutor(12) as many:  # more than the pool has connections
            answers = list(many.map(lambda _: timed(lambda: client.get("/runs/")), range(12)))
        assert {answer.status_code for answer, _ in answers} == {503}
        assert max(seconds for _, seconds in answers) < ANSWER_SECONDS + SPARE_SECONDS
        page, seconds = timed(lambda: httpx.get(cut_off.url + "/healthz", timeout=20))
        assert page.status_code == 200
        assert seconds < SPARE_SECONDS
        cut_off.database_proxy.heal()
        begun = time.monotonic()
        wait_until(lambda: client.get("/runs/").status_code == 200, seconds=20)
        pace.note(f"F25 seconds until pages are back after {fault}", round(time.monotonic() - begun, 2))


# ── Busy ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def percentile(seconds: list[float], share: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


def script(platform, code: str, *arguments: str) -> subprocess.Popen:
    """A process of its own that does something with the same database."""
    command = [sys.executable, "-c", f"import django; django.setup()\n{code}", *arguments]
    environment = platform.environment | {"DJANGO_SETTINGS_MODULE": "lyricsite.settings"}
    log = (platform.folder / "script.log").open("ab")
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)


# Five times as many writes as a worker makes for its run: it renews its lease, measures and says how far it is.
LEARNING = """
import sys, time
from training import lifecycle
run_id, seconds = sys.argv[1], float(sys.argv[2])
held = lifecycle.claim(run_id, worker=f"training@{run_id}", host="there", pid=1)
step, ends_at = 0, time.monotonic() + seconds
while time.monotonic() < ends_at:
    step += 1
    assert lifecycle.renew(run_id, held.token).ok
    point = {"step": step, "epoch": step / 10, "seconds": step / 5, "train_loss": 2.0}
    assert lifecycle.record(run_id, held.token, points=[point], progress={"step": step})
    time.sleep(0.2)
print("steps", step)
"""


def bookmarks_until(url: str, headers: dict, lyric_id: str, ends: threading.Event, pause: float) -> list:
    """Set and take a bookmark again and again; (status, seconds) of each."""
    told = []
    with httpx.Client(base_url=url + "/api/v1", headers=headers, timeout=60) as client:
        while not ends.is_set():
            method = ("PUT", "DELETE")[len(told) % 2]
            answer, seconds = timed(lambda: client.request(method, f"/lyrics/{lyric_id}/bookmark/"))  # noqa: B023
            told.append((answer.status_code, seconds))
            ends.wait(max(0, pause - seconds))
    return told


@contextmanager
def people_bookmark(platform, count: int, pause: float):
    """``count`` people bookmark, each every ``pause`` seconds; the list they fill is complete afterwards."""
    ends, told = threading.Event(), []
    with ThreadPoolExecutor(count) as people:
        waiting = []
        for number in range(count):
            person = make_user(f"writer{number}")
            lyric = lyrics.save_lyric(user=person, text="oh my lantern")
            with platform.session(person) as client:
                headers = {"Authorization": client.headers["Authorization"]}
            waiting.append(people.submit(bookmarks_until, platform.url, headers, lyric.pk, ends, pause))
        try:
            yield told
        finally:
            ends.set()
    for one in waiting:
        told += one.result()


def assert_all_written(told: list, *, most_seconds: float, name: str) -> None:
    statuses = [status for status, _ in told]
    assert all(status < 300 for status in statuses), f"{[s for s in statuses if s >= 300][:5]} of {len(statuses)}"
    slow = percentile([seconds for _, seconds in told], 0.99)
    pace.note(name, {"p99": round(slow, 3), "writes": len(told)})
    assert slow <= most_seconds


def test_writers_wait_for_each_other_and_none_is_told_that_the_database_is_locked(web):
    """F45: twenty writes a second by people, and two runs that learn."""
    from tests.training.runs import make_run

    seconds = 60 if pace.IS_FULL else 20
    learners = []
    for number in range(2):
        dataset = make_ready_dataset(make_user(f"learner{number}"), name=f"Songs {number}")
        learners.append(script(web, LEARNING, make_run(dataset).pk, str(seconds)))
    with people_bookmark(web, 4, 0.2) as told:
        ends = [learner.wait(seconds + 60) for learner in learners]
    logs = (web.folder / "script.log").read_text() + web.new_log("web")
    assert ends == [0, 0], logs
    assert "locked" not in logs
    assert len(told) > 10 * seconds
    assert_all_written(told, most_seconds=0.5 * SLOW_MACHINE, name="F45 seconds a write waits")


IMPORTING = """
import sys
from django.core.management import call_command
call_command("import_songs", sys.argv[1], dataset="Many songs", owner="importer")
"""


def test_bookmarks_are_quick_while_a_large_file_is_imported(web, tmp_path):
    """F46: a hundred thousand songs."""
    make_user("importer")
    count = 100_000
    path = tmp_path / "songs.csv"
    with path.open("w") as file:
        file.write("title,artist,lyrics\n")
        for number in range(count):
            words = " ".join(f"w{number * 7 % 9973}x{place}" for place in range(12))
            file.write(f'Song {number},Artist {number % 500},"{words}\nand line {number}\nof the river"\n')
    importer = script(web, IMPORTING, str(path))
    with people_bookmark(web, 4, 0.2) as told:
        code = importer.wait(400)
    assert code == 0, (web.folder / "script.log").read_text()[-3000:]
    assert_all_written(told, most_seconds=0.3 * SLOW_MACHINE, name="F46 seconds a bookmark takes")


def test_a_process_that_is_killed_leaves_no_connection_behind(web, user):
    """F25: whoever dies in a transaction blocks nobody."""
    lyric = lyrics.save_lyric(user=user, text="oh my lantern")
    holding = f"""
import time
from django.db import transaction
from generator.models import Lyric
with transaction.atomic():
    Lyric.objects.filter(pk="{lyric.pk}").update(title="held")
    print("holding", flush=True)
    time.sleep(60)
"""
    holder = script(web, holding)
    log = web.folder / "script.log"
    wait_until(lambda: b"holding" in log.read_bytes(), what="the transaction")
    os.kill(holder.pid, 9)
    holder.wait(10)
    with web.session(user) as client:
        answer, seconds = timed(lambda: client.put(f"/lyrics/{lyric.pk}/bookmark/"))
    assert answer.status_code < 300
    assert seconds < ANSWER_SECONDS
