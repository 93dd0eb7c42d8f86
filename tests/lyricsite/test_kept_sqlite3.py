"""Connections to SQLite that are used again: the same file, nothing left in them, and not too many."""

import os
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from lyricsite.databases import with_profile
from lyricsite.kept_sqlite3.base import KEPT_AT_MOST

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_one(tmp_path):
    """A new user of the one file, as each thread is one."""
    settings = with_profile(
        {"ENGINE": "django.db.backends.sqlite3", "NAME": tmp_path / "kept.sqlite3"}, serves_web=True
    )

    def make():
        wrapper = ConnectionHandler({"default": settings})["default"]
        wrapper.ensure_connection()
        return wrapper

    return make


def used_again(wrapper, open_one) -> bool:
    before = wrapper.connection
    wrapper.close()
    return open_one().connection is before


def test_the_next_one_gets_the_connection_that_was_closed(open_one):
    first = open_one()
    assert open_one().connection is not first.connection
    assert used_again(first, open_one)


def test_what_is_in_the_midst_of_something_is_not_kept(open_one):
    one = open_one()
    one.cursor().execute("CREATE TABLE song (title)")
    one.set_autocommit(False)
    one.cursor().execute("INSERT INTO song VALUES ('half')")
    assert not used_again(one, open_one)
    assert open_one().cursor().execute("SELECT count(*) FROM song").fetchone() == (0,)


def test_what_has_failed_is_not_kept(open_one):
    one = open_one()
    with pytest.raises(OperationalError):
        one.cursor().execute("SELECT * FROM nothing")
    assert not used_again(one, open_one)


def test_a_file_that_was_put_in_its_place_is_the_one_that_is_read(open_one, tmp_path):
    one = open_one()
    one.cursor().execute("CREATE TABLE song (title)")
    one.close()
    for path in tmp_path.iterdir():
        path.unlink()
    (tmp_path / "kept.sqlite3").touch()
    assert open_one().introspection.table_names() == []


def test_no_connection_goes_through_a_fork(open_one, monkeypatch):
    one = open_one()
    before = one.connection
    one.close()
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert open_one().connection is not before


def test_only_so_many_are_kept(open_one):
    stays, *others = [open_one() for _ in range(KEPT_AT_MOST + 4)]
    before = {id(one.connection) for one in others}
    for one in others:
        one.close()
    again = [open_one() for _ in others]
    assert stays.connection is not None
    assert len(before & {id(one.connection) for one in again}) >= KEPT_AT_MOST


def test_what_a_crowd_opened_is_closed_once_nobody_asks(open_one, tmp_path):
    crowd = [open_one() for _ in range(KEPT_AT_MOST + 3)]
    for one in crowd:
        one.close()
    opened = [link.resolve() for link in Path("/proc/self/fd").iterdir()]
    assert tmp_path / "kept.sqlite3" not in opened
