"""One event, one line: what was typed into a title or a name must not forge an entry, nor speak to a terminal."""

import logging
import traceback

BETWEEN = (traceback._cause_message, traceback._context_message)


class OneLineFormatter(logging.Formatter):
    """Escapes what can not be printed; a traceback follows, indented, with its own line breaks alone."""

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
    """``text`` without what breaks a line, moves a cursor or turns the reading direction: written as in a literal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
