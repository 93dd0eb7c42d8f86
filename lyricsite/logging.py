"""One event, one line: what was typed into a title or a name must not forge an entry, nor speak to a terminal."""

import logging
import re
import traceback

# Line breaks of every kind, and what terminals obey.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
BETWEEN = (traceback._cause_message, traceback._context_message)


class OneLineFormatter(logging.Formatter):
    """Escapes every control character; a traceback follows its line, indented, with its own line breaks alone."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return escaped(super().formatMessage(record))

    def formatException(self, exc_info) -> str:  # noqa: N802
        parts = traceback.TracebackException(*exc_info).format()
        lines = [line for part in parts for line in _lines_of(part)]
        return "\n".join(f"  {line}" for line in lines)


def _lines_of(part: str) -> list[str]:
    """The lines of a frame, which quotes our source; of an exception's own words one line."""
    is_ours = part.startswith("  File ") or part in BETWEEN
    return [escaped(line) for line in part.split("\n") if line] if is_ours else [escaped(part.removesuffix("\n"))]


def escaped(text: str) -> str:
    """``text`` with every control character as Python would write it in a literal."""
    return CONTROL.sub(lambda found: repr(found.group())[1:-1], text)
