"""F115: what people type stays on the one line of its event, and says nothing to a terminal."""

import logging
import sys

from hypothesis import given
from hypothesis import strategies as st

from lyricsite.logging import OneLineFormatter

FORGERIES = [
    "a\n2026-01-01 INFO forged",
    "a\rb",
    "\x1b[2J",
    "\x9b2J",
    "\x07",
    "\x00",
    "a\u2028b",
    "a\x85b",
    "\x0b",
    "\x7f",
]


def written(message: str, exc_info=None) -> str:
    record = logging.LogRecord("training", logging.INFO, __file__, 1, "imported %s", (message,), exc_info)
    return OneLineFormatter().format(record)


def test_whatever_a_title_holds_is_one_line_without_a_control_character():
    for forgery in FORGERIES:
        line = written(forgery)
        assert len(line.splitlines()) == 1
        assert line.isprintable()


@given(st.text())
def test_every_text_is_one_line(text):
    assert len(written(text).splitlines()) == 1


def raised(problem: Exception):
    try:
        try:
            raise KeyError("first\nforged too")
        except KeyError as cause:
            raise problem from cause
    except Exception:
        return sys.exc_info()


def test_an_exceptions_words_forge_no_line_and_its_traceback_stays_readable():
    first, *rest = written("a song", raised(ValueError("t\n2026-01-01 INFO forged\x1b[2J"))).splitlines()
    assert first.endswith("imported a song")
    assert all(line.startswith("  ") and line.isprintable() for line in rest)
    assert any("ValueError: t\\n2026-01-01 INFO forged\\x1b[2J" in line for line in rest)
    assert any("raise problem from cause" in line for line in rest)
    assert any("direct cause" in line for line in rest)


def test_words_of_every_script_are_left_as_they_are():
    assert "Größe 歌 🎵" in written("Größe 歌 🎵")
