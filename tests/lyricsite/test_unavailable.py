"""What is answered while the database is away, and what is not taken for that."""

import sqlite3

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.template.loader import render_to_string
from psycopg import errors
from psycopg_pool import PoolTimeout

from training.database import is_away


def caused_by(cause: Exception, kind=OperationalError) -> Exception:
    """The error as Django raises it."""
    error = kind(*cause.args)
    error.__cause__ = cause
    return error


def sqlite_error(code: int) -> sqlite3.OperationalError:
    cause = sqlite3.OperationalError("as SQLite says it")
    cause.sqlite_errorcode = code
    return cause


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("nobody answers"),
        caused_by(psycopg.OperationalError("server closed the connection unexpectedly")),
        caused_by(PoolTimeout("couldn't get a connection after 4.00 sec")),
        caused_by(errors.AdminShutdown("terminating connection")),
        caused_by(errors.CannotConnectNow("the database system is starting up")),
        caused_by(errors.TooManyConnections("sorry, too many clients already")),
        caused_by(errors.LockNotAvailable("canceling statement due to lock timeout")),
        caused_by(errors.QueryCanceled("canceling statement due to statement timeout")),
        caused_by(errors.DeadlockDetected("deadlock detected")),
        caused_by(psycopg.InterfaceError("the connection is closed"), InterfaceError),
        caused_by(sqlite_error(sqlite3.SQLITE_BUSY)),
        caused_by(sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT)),
        caused_by(sqlite_error(sqlite3.SQLITE_FULL)),
        caused_by(sqlite_error(sqlite3.SQLITE_IOERR_WRITE)),
    ],
)
def test_a_database_that_is_gone_locked_or_full_is_away(error):
    assert is_away(error)


@pytest.mark.parametrize(
    "error",
    [
        None,
        ValueError("no"),
        ProgrammingError("no such column"),
        caused_by(sqlite_error(sqlite3.SQLITE_ERROR)),  # no such table
        caused_by(sqlite3.OperationalError("Could not decode to UTF-8")),
        caused_by(sqlite3.InterfaceError("bad parameter"), InterfaceError),
    ],
)
def test_our_own_mistakes_are_no_absence(error):
    assert not is_away(error)


@pytest.fixture
def away(db):
    """No connection to the database can be had, whoever asks."""

    def refuse(self):
        raise OperationalError("nobody answers")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BaseDatabaseWrapper, "ensure_connection", refuse)
        patched.setattr(BaseDatabaseWrapper, "cursor", refuse)
        yield


PAGES = ["/", "/runs/", "/lyrics/", "/datasets/", "/models/", "/account/", "/admin/"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_so_and_comes_back_by_itself(signed_in, away, page):
    answer = signed_in.get(page, headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert 1 <= int(answer["Retry-After"]) <= 30
    assert answer["Cache-Control"] == "no-store"
    assert "does not answer right now" in answer.text
    assert 'http-equiv="refresh"' in answer.text


def test_a_form_that_was_sent_is_not_sent_again_by_itself(signed_in, away):
    answer = signed_in.post("/account/tokens/", {"name": "mine"}, headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert 'http-equiv="refresh"' not in answer.text


@pytest.mark.parametrize("path", ["/api/v1/runs/", "/api/v1/lyrics/", "/api/v1/models/"])
def test_a_program_gets_json(api, away, path):
    answer = api.get(path)
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert answer.json()["code"] == "unavailable"


def test_a_stream_is_refused_in_json(signed_in, away):
    answer = signed_in.get("/runs/x/events/", headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


def test_an_error_in_a_middleware_is_told_as_well(signed_in, monkeypatch):
    def broken(*_):
        raise OperationalError("nobody answers")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.save", broken)
    signed_in.raise_request_exception = False
    answer = signed_in.post("/account/tokens/", {"name": "mine", "scope": "read"})
    assert answer.status_code == 503
    assert answer["Retry-After"]


@pytest.mark.django_db
def test_a_mistake_of_ours_stays_one(signed_in, monkeypatch):
    def broken(*_):
        raise ProgrammingError("no such column")

    monkeypatch.setattr("lyricsite.views.overview", broken)
    signed_in.raise_request_exception = False
    assert signed_in.get("/").status_code == 500


def test_who_only_asks_whether_the_process_lives_is_told(client, away):
    assert client.get("/healthz").status_code == 200
    assert client.get("/sign-in/").status_code == 200


@pytest.mark.parametrize(("page", "status"), [("500.html", "500"), ("503.html", "503")])
def test_the_pages_for_the_worst_stand_alone(page, status):
    """No database (this test has none), no request and so nothing that a context processor would tell."""
    shown = render_to_string(page, {"comes_back": True})
    assert f'<p class="muted">{status}</p>' in shown
    assert "css/base.css" in shown
    assert 'class="button button-primary"' in shown
