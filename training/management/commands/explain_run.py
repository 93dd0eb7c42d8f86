"""Work out why a finished run remembers what it does. Workers start it as a child process; people may, too."""

import os

from django.core.management.base import BaseCommand, CommandError

from training.management.commands.train_attempt import NICENESS, die_with_supervisor
from training.models import Checkpoint


class Command(BaseCommand):
    help = "Measure how a finished run remembers: memory ruler, chorus recall and gradient reach."
    requires_system_checks = ()  # the worker that started it has made them

    def add_arguments(self, parser) -> None:
        parser.add_argument("run", help="the id of a run that has a model")

    def handle(self, *, run: str, **options) -> None:
        die_with_supervisor()
        model = Checkpoint.objects.published().select_related("run__dataset").filter(run=run).first()
        if model is None:
            raise CommandError(f"There is no finished run {run!r} with a model.")
        os.nice(NICENESS)
        from training import explanation  # two seconds of torch

        for sentence in explanation.explain(model):
            self.stdout.write(sentence)
