"""manage.py build_serving_model MODEL"""

import os

from django.core.management.base import BaseCommand, CommandError

from training import storage
from training.errors import Conflict
from training.management.commands.export_model import find_model
from training.management.commands.train_attempt import NICENESS, die_with_supervisor


class Command(BaseCommand):
    """Make a model ready to write, again too: workers start it for models that came without their graphs."""

    help = "Export a model's graphs from its model file, and have it write with these from now on."
    requires_system_checks = ()  # the worker that started it has made them

    def add_arguments(self, parser) -> None:
        parser.add_argument("model", help="the id or the name of a model")

    def handle(self, *, model: str, **options) -> None:
        die_with_supervisor()
        os.nice(NICENESS)
        row = find_model(model, damaged_too=True)
        from training import serving  # two seconds of torch

        try:
            why_not = serving.prepare(row)
        except (storage.StorageDamaged, Conflict) as problem:
            raise CommandError(f"{row.name} can't be made ready: {problem}") from problem
        if why_not:
            raise CommandError(why_not)
        self.stdout.write(f"{row.name} is ready to write.")
