"""One event, one line: nothing that somebody typed forges a log entry or speaks to a terminal."""

import logging


class OneLineFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        message = super().format(record)
        if record.exc_info:
            return message  # a traceback is ours, and unreadable on one line
        return one_line(message)


def one_line(text: str) -> str:
    """Escape what breaks a line, moves a cursor or turns the reading direction, in every script's way of doing it."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
