"""One event, one line: a newline in a song's title must not forge a log entry."""

import logging


class OneLineFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        message = super().format(record)
        if record.exc_info:
            return message  # a traceback is ours, and unreadable on one line
        return message.replace("\r", "\\r").replace("\n", "\\n").replace("\x1b", "\\x1b")
