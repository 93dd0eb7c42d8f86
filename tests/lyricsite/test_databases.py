"""How patient a process is with its database."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lyricsite.databases import with_profile
from lyricsite.env import env

ROOT = Path(__file__).resolve().parents[2]
POSTGRESQL = "postgres://lyrics:x@db:5432/lyrics"


def options_of(url: str, *, serves_web: bool) -> dict:
    return with_profile(env.db_url_config(url), serves_web=serves_web)["OPTIONS"]


def test_people_wait_four_seconds_for_postgresql_and_workers_longer():
    web, work = options_of(POSTGRESQL, serves_web=True), options_of(POSTGRESQL, serves_web=False)
    assert web["pool"].items() >= {"min_size": 1, "max_size": 4, "timeout": 4, "reconnect_timeout": 2}.items()
    for limit in ("statement_timeout=15000", "idle_in_transaction_session_timeout=60000", "lock_timeout=4000"):
        assert f"-c {limit}" in web["options"]
    assert "statement_timeout" not in work["options"]
    assert "idle_in_transaction_session_timeout=60000" in work["options"]
    assert work["tcp_user_timeout"] > web["tcp_user_timeout"]


def test_the_pool_hands_out_no_connection_that_died_while_it_lay_there():
    profile = with_profile(env.db_url_config(POSTGRESQL), serves_web=True)
    assert (profile["CONN_MAX_AGE"], profile["CONN_HEALTH_CHECKS"]) == (0, True)


def test_what_the_address_says_wins():
    options = options_of(POSTGRESQL + "?sslmode=require&connect_timeout=9", serves_web=True)
    assert (options["sslmode"], options["connect_timeout"]) == ("require", 9)
    assert options["tcp_user_timeout"] == 4000


@pytest.mark.parametrize(("serves_web", "seconds"), [(True, 4), (False, 20)])
def test_sqlite_writers_wait_for_each_other_in_a_write_ahead_log(serves_web, seconds):
    options = options_of("sqlite:////tmp/x.sqlite3", serves_web=serves_web)
    assert options["timeout"] == seconds
    assert options["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in options["init_command"]
    assert "synchronous=NORMAL" in options["init_command"]


@pytest.mark.parametrize(("module", "serves_web"), [("lyricsite.asgi", "True"), ("lyricsite.celery", "False")])
def test_a_process_knows_by_its_entry_whether_it_serves_the_web(module, serves_web):
    script = f"import {module}\nfrom django.conf import settings\nprint(settings.SERVES_WEB)"
    told = {name: value for name, value in os.environ.items() if name != "SERVES_WEB"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=told, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == serves_web
