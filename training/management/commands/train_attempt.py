"""The child process of one attempt. `training.supervision` starts it; people use `manage.py train`."""

import os
import signal
import sys
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from training import processes

NICENESS = 10  # pages and other people's work go first


class StopFlag:
    """Whether somebody asked this process to end. A handler only sets it: the training looks between two steps."""

    def __init__(self) -> None:
        self.is_set = False

    def listen(self) -> None:
        signal.signal(signal.SIGTERM, self._set)

    def _set(self, number, frame) -> None:
        self.is_set = True


class Command(BaseCommand):
    help = "Train one claimed run. Started by a worker, with the token of its claim."
    requires_system_checks = ()  # the worker that started it has made them

    def add_arguments(self, parser) -> None:
        parser.add_argument("run")
        parser.add_argument("token", type=UUID)

    def handle(self, *, run: str, token: UUID, **options) -> None:
        die_with_supervisor()
        os.nice(NICENESS)
        processes.limit_file_size(largest_file())
        from training import execution  # two seconds of torch; until it is there, SIGTERM ends this process at once

        if execution.learns_on_the_processor(run):  # a graphics driver maps far more than there is
            processes.limit_memory(settings.TRAIN_MEMORY_BYTES or processes.machine_memory())
        stop = StopFlag()
        try:
            execution.execute(run, token, on_start=stop.listen, is_asked_to_stop=lambda: stop.is_set)
        except execution.LeaseLost:
            self.stderr.write("Somebody else holds this run now.")
            sys.exit(3)


def die_with_supervisor() -> None:
    """Have this process end when its supervisor dies, also when it did before we could say so."""
    processes.die_with_parent()
    parent = os.environ.get("TRAINING_PARENT_PID")
    if parent is not None and os.getppid() != int(parent):
        sys.exit(3)


def largest_file() -> int:
    """What a file of this process may grow to. SQLite's file is one of them, whoever filled it."""
    size = settings.TRAIN_FILE_BYTES
    if connection.vendor == "sqlite":
        file = Path(connection.settings_dict["NAME"])
        size += file.stat().st_size if file.exists() else 0
    return size
