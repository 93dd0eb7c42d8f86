"""Import song files here and now, without a worker."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.files.base import File
from django.core.management.base import BaseCommand, CommandError

from training.errors import ExpectedError
from training.importers.cleaning import SWITCHES
from training.models import Dataset, Import
from training.services import datasets as services

BAR_WIDTH = 30
SHOWN_REJECTIONS = 10
READING = ("format", "encoding", "delimiter", "separator", "preset")
# Each step that can be left out: its option here, its name among the import's options.
STEPS = {
    "duplicates": "duplicates",
    "near-duplicates": "near_duplicates",
    "full-text": "full_text",
    "detect-language": "detect_language",
}


class Command(BaseCommand):
    help = (
        "Import a song file, several that belong together, or a folder as a new dataset, in the foreground. Each may "
        "be gzip-wrapped. Ends with 1 when nothing was accepted."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("file", type=Path, nargs="+", help="a file, several of them, or one folder")
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
        for option in READING:
            parser.add_argument(f"--{option}", type=words, default="", help="default: found by looking at the file")
        parser.add_argument(
            "--language",
            type=words,
            nargs="+",
            action="extend",
            default=[],
            metavar="CODE",
            help="keep only songs in these languages, such as --language en de",
        )
        parser.add_argument(
            "--no-clean",
            choices=sorted(SWITCHES),
            nargs="+",
            action="extend",
            default=[],
            metavar="SWITCH",
            help=f"leave a cleaning step out: {', '.join(sorted(SWITCHES))}",
        )
        for step in STEPS:
            parser.add_argument(f"--no-{step}", action="store_true", help=f"leave {step.replace('-', ' ')} out")

    def handle(self, *, file: list[Path], dataset: str, owner: str | None, map: list[str], **options) -> None:
        person = find_owner(owner)
        if Dataset.objects.owned_by(person).filter(name=dataset).exists():
            raise CommandError(f"{person} already has a dataset called {dataset!r}. Choose another name.")
        try:
            with ExitStack() as opened:
                job = services.import_in_foreground(
                    owner=person,
                    name=dataset,
                    file=open_files(file, opened),
                    mapping=read_mapping(map),
                    options=import_options(options),
                    on_progress=self.progress_bar(sum(sizes_of(file))),
                )
        except OSError as problem:
            raise CommandError(f"{problem.filename or file[0]} can't be read: {problem.strerror}.") from problem
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
        for line in report_lines(job.report):
            self.stdout.write(line)
        for rejection in job.rejections.all()[:SHOWN_REJECTIONS]:
            self.stdout.write(f"  {place_of(rejection)}: {rejection.message}")
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


def open_files(paths: list[Path], opened: ExitStack) -> list[File] | Path:
    """Return the files, open until ``opened`` is closed, or the one folder.

    Raises: CommandError for a folder beside something else; OSError.
    """
    folders = [path for path in paths if path.is_dir()]
    if folders and len(paths) > 1:
        raise CommandError(f"{folders[0]} is a folder: import it alone.")
    return folders[0] if folders else [File(opened.enter_context(path.open("rb")), name=path.name) for path in paths]


def sizes_of(paths: list[Path]) -> Iterator[int]:
    """Yield how many bytes each file has, or those in the folder."""
    for path in paths:
        files = path.rglob("*") if path.is_dir() else [path]
        yield from (file.lstat().st_size for file in files if not file.is_dir())


def find_owner(username: str | None):
    users = get_user_model().objects
    person = users.filter(username=username).first() if username else users.filter(is_superuser=True).first()
    if person is None:
        who = f"There is no user called {username!r}." if username else "There is no administrator yet."
        raise CommandError(f"{who} Say whose it is: --owner USERNAME")
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


def import_options(arguments: dict) -> dict:
    """Return what was said about reading and about what is done with the songs, as the importers know it."""
    options = {name: arguments[name] for name in READING if arguments[name]}
    options |= {name: False for step, name in STEPS.items() if arguments[f"no_{step.replace('-', '_')}"]}
    if arguments["language"]:
        options["language"] = arguments["language"]
    if arguments["no_clean"]:
        options["cleaning"] = dict.fromkeys(arguments["no_clean"], False)
    return options


def report_lines(report: dict) -> Iterator[str]:
    """Yield the counts of a report, one a line, those that are there and not nothing."""
    if report.get("looks_like"):
        yield f"Looks like {report['looks_like']}"
    yield f"Records    {report.get('records', 0):>10,}"
    yield f"Accepted   {report.get('accepted', 0):>10,}"
    for label, counts in (("Duplicates", report.get("duplicates", {})), ("Rejected  ", report.get("rejected", {}))):
        for kind, count in sorted(counts.items()):
            if count:
                yield f"{label} {count:>10,}  {kind}"
    languages = sorted(report.get("languages", {}).items(), key=lambda item: -item[1])
    yield from (f"Language   {count:>10,}  {code or 'unknown'}" for code, count in languages)
    for switch, changed in report.get("cleaning", {}).items():
        yield f"Cleaned    {changed['songs']:>10,}  songs by {switch}, in {changed['places']:,} places"
    yield from (f"Marked     {count:>10,}  {mark}" for mark, count in report.get("marks", {}).items())
    if report.get("replaced_characters"):
        yield f"Replaced   {report['replaced_characters']:>10,}  characters that could not be read"
    if report.get("missing_artist"):
        yield f"No artist  {report['missing_artist']:>10,}"
    yield from (f"Warning: {warning}" for warning in report.get("warnings", []))


def place_of(rejection) -> str:
    member = f"{rejection.column}, " if rejection.column else ""
    return f"{member}line {rejection.line}"
