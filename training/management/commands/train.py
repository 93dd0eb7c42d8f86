"""Train in the foreground, without a worker."""

import os
import signal
import socket
import sys

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from training import lifecycle
from training.errors import ExpectedError, Invalid
from training.language_model.config import FIELDS, PRESETS, parse_setting
from training.models import Checkpoint, Dataset, TrainingRun
from training.services.runs import models_to_start_from, start_run
from training.supervision import Supervisor


class Command(BaseCommand):
    help = "Train a network on a dataset in the foreground, and print the id of the model. Ctrl-C cancels."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--dataset", required=True, help="id or name")
        parser.add_argument("--architecture", choices=FIELDS["architecture"].metadata["choices"], help="default: lstm")
        parser.add_argument(
            "--from", dest="starts_from", metavar="MODEL", help="id or name of a model to train further"
        )
        parser.add_argument("--preset", choices=PRESETS, help="default: tiny")
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="such as hidden_size=256")
        parser.add_argument("--name", default="", help="the name of the run and its model")
        parser.add_argument("--owner", help="user name; default: the owner of the dataset")

    def handle(
        self, *, dataset: str, architecture: str | None, preset: str | None, name: str, owner: str | None, **options
    ):
        chosen = find_dataset(dataset, owner)
        person = get_user_model().objects.get(username=owner) if owner else chosen.owner
        model = find_model(options["starts_from"], person) if options["starts_from"] else None
        worker = f"train@{socket.gethostname()}:{os.getpid()}"
        try:
            with transaction.atomic():  # queued and claimed in one moment: no worker can be faster
                run = start_run(
                    owner=person,
                    dataset=chosen,
                    architecture=architecture or ("" if model else "lstm"),
                    preset=preset,
                    name=name,
                    overrides=parse_settings(options["set"]),
                    starts_from=model,
                )
                claim = lifecycle.claim(run.pk, worker=worker, host=socket.gethostname(), pid=os.getpid())
        except Invalid as problem:
            lines = (f"{field}: {' '.join(messages)}" for field, messages in problem.errors.items())
            raise CommandError("\n".join(lines)) from problem
        except ExpectedError as problem:
            raise CommandError(problem.message) from problem
        self.supervise(run, claim, worker)

    def supervise(self, run: TrainingRun, claim: lifecycle.Claim, worker: str) -> None:
        """Watch the run to its end, say how far it is, and how it ended."""
        interrupts: list[int] = []
        before = signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
        line = ProgressLine(self.stderr)

        def look() -> None:
            run.refresh_from_db()
            line.show(run)
            if interrupts:
                lifecycle.request_cancel(run, by=run.owner)

        try:
            Supervisor(claim, worker, on_look=look).run()
        finally:
            signal.signal(signal.SIGINT, before)
            line.end()
        run.refresh_from_db()
        if run.state == TrainingRun.State.QUEUED:  # nobody tries again in this foreground
            lifecycle.request_cancel(run, by=worker)
            raise CommandError(run.events.order_by("-sequence").values_list("message", flat=True)[0])
        if run.state != TrainingRun.State.SUCCEEDED:
            raise CommandError(run.error or f"The run was {run.state}.")
        self.stdout.write(run.checkpoints.published().get().pk)


def find_dataset(words: str, owner: str | None) -> Dataset:
    """The one dataset of that id or name. Raises: CommandError when there is none, or several."""
    datasets = Dataset.objects.filter(owner__username=owner) if owner else Dataset.objects.all()
    found = list(datasets.filter(pk=words)) or list(datasets.filter(name=words)[:2])
    if not found:
        raise CommandError(f"There is no dataset {words!r}.")
    if len(found) > 1:
        raise CommandError(f"Several datasets are called {words!r}: give --owner, or the id.")
    return found[0]


def find_model(words: str, person) -> Checkpoint:
    """The one model of that id or name that ``person`` may use. Raises: CommandError when there is none, or several."""
    models = models_to_start_from(person)
    found = list(models.filter(pk=words)) or list(models.filter(name=words)[:2])
    if not found:
        raise CommandError(f"There is no model {words!r} that {person} may use.")
    if len(found) > 1:
        raise CommandError(f"Several models are called {words!r}: give the id.")
    return found[0]


def parse_settings(texts: list[str]) -> dict:
    """``["hidden_size=256"]`` as ``{"hidden_size": 256}``. Raises: CommandError without an equals sign."""
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise CommandError(f"Write --set name=value, not {text!r}.")
        settings[name.strip()] = parse_setting(name.strip(), value)
    return settings


class ProgressLine:
    """One line that is written over on a terminal, and a line for each change of phase elsewhere."""

    def __init__(self, out) -> None:
        self.out = out
        self.is_terminal = sys.stderr.isatty()
        self.told = ""

    def show(self, run: TrainingRun) -> None:
        if self.is_terminal:
            self.out.write(f"\r\x1b[K{words_of(run)}", ending="")
            self.out.flush()
        elif run.phase != self.told:
            self.out.write(words_of(run))
        self.told = run.phase

    def end(self) -> None:
        if self.is_terminal and self.told:
            self.out.write("")


def words_of(run: TrainingRun) -> str:
    """Such as "Learning · 45 % · step 450 of 1000 · 12,000 tokens/s · 80 s left · 1.92 nats per character"."""
    parts = [run.phase or run.get_state_display()]
    if run.steps:
        parts += [f"{run.percent} %", f"step {run.step} of {run.steps}"]
    if run.tokens_per_second:
        parts.append(f"{run.tokens_per_second:,.0f} tokens/s")
    if run.eta_seconds is not None:
        parts.append(f"{run.eta_seconds:.0f} s left")
    if run.nats_per_character is not None:
        parts.append(f"{run.nats_per_character:.2f} nats per character")
    return " · ".join(parts)
