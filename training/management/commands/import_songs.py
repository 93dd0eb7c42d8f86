"""Import a song file here and now, without a worker."""

import argparse
import sys
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.files.base import File
from django.core.management.base import BaseCommand, CommandError

from training.errors import ExpectedError
from training.models import Dataset, Import
from training.services import datasets as services

BAR_WIDTH = 30


class Command(BaseCommand):
    help = "Import a song file as a new dataset, in the foreground. Ends with 1 when nothing was accepted."

    def add_arguments(self, parser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--dataset", type=words, required=True, metavar="NAME", help="what the dataset is to be called"
        )
        parser.add_argument(
            "--owner", type=words, metavar="USERNAME", help="whose it is (default: the first administrator)"
        )
        parser.add_argument(
            "--map",
            type=words,
            nargs="+",
            action="extend",
            default=[],
            metavar="ROLE=COLUMN",
            help="which column holds what, such as --map lyrics=text title=song",
        )
        for option in ("format", "encoding", "delimiter", "separator"):
            parser.add_argument(f"--{option}", default="", help="default: found by looking at the file")

    def handle(self, *, file: Path, dataset: str, owner: str | None, map: list[str], **options) -> None:
        person = find_owner(owner)
        if Dataset.objects.owned_by(person).filter(name=dataset).exists():
            raise CommandError(f"{person} already has a dataset called {dataset!r}. Choose another name.")
        reading = {name: options[name] for name in ("format", "encoding", "delimiter", "separator") if options[name]}
        try:
            with file.open("rb") as stream:
                job = services.import_in_foreground(
                    owner=person,
                    name=dataset,
                    file=File(stream, name=file.name),
                    mapping=read_mapping(map),
                    options=reading,
                    on_progress=self.progress_bar(file.stat().st_size),
                )
        except OSError as problem:
            raise CommandError(f"{file} can't be read: {problem.strerror}.") from problem
        except ExpectedError as refusal:
            raise CommandError(refusal.message) from refusal
        self.tell(job)
        if job.state != Import.State.SUCCEEDED:
            sys.exit(1)

    def progress_bar(self, bytes_total: int):
        """Return what draws the bar, on a terminal alone: a log file keeps only the report."""
        if not self.stderr.isatty():
            return None

        def draw(records: int, bytes_read: int) -> None:
            share = min(1, bytes_read / bytes_total) if bytes_total else 1
            done = round(BAR_WIDTH * share)
            self.stderr.write(f"\r{'█' * done}{'░' * (BAR_WIDTH - done)} {share:4.0%}  {records:,} records", ending="")
            self.stderr.flush()

        return draw

    def tell(self, job: Import) -> None:
        if self.stderr.isatty():
            self.stderr.write("")
        report = job.report
        rejected, copies = report.get("rejected", {}), report.get("duplicates", {}).get("exact", 0)
        self.stdout.write(f"Records    {report.get('records', 0):>10,}")
        self.stdout.write(f"Accepted   {report.get('accepted', 0):>10,}")
        self.stdout.write(f"Duplicates {copies:>10,}")
        for reason, count in sorted(rejected.items()):
            self.stdout.write(f"Rejected   {count:>10,}  {reason}")
        for warning in report.get("warnings", []):
            self.stdout.write(f"Warning: {warning}")
        for rejection in job.rejections.all()[:10]:
            self.stdout.write(f"  line {rejection.line}: {rejection.message}")
        if job.state == Import.State.SUCCEEDED:
            self.stdout.write(self.style.SUCCESS(f"Dataset {job.dataset_id} is ready: {job.dataset.name}"))
        else:
            self.stderr.write(self.style.ERROR(job.error or f"The import ended as {job.state}."))


def words(argument: str) -> str:
    """Return the argument. Raises: ArgumentTypeError for bytes that are no text, which no database keeps."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{argument!a} is not UTF-8") from None
    return argument


def find_owner(username: str | None):
    users = get_user_model().objects
    person = users.filter(username=username).first() if username else users.filter(is_superuser=True).first()
    if person is None:
        who = f"There is no user called {username!r}." if username else "There is no administrator yet."
        raise CommandError(f"{who} Say whose the dataset is: --owner USERNAME")
    return person


def read_mapping(pairs: list[str]) -> dict[str, str] | None:
    """Return ``{"lyrics": "text"}`` for ``["lyrics=text"]``; None when nothing was said."""
    mapping = {}
    for pair in pairs:
        role, equals, column = pair.partition("=")
        if not equals:
            raise CommandError(f"--map {pair}: write ROLE=COLUMN, such as lyrics=text.")
        mapping[role] = column
    return mapping or None
