"""Write the songs of a dataset into a file that imports back as they were."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from training import exports
from training.models import Dataset


class Command(BaseCommand):
    help = "Write the songs in use of a dataset's newest version into a file, as JSON lines or CSV."

    def add_arguments(self, parser) -> None:
        parser.add_argument("dataset", help="the dataset's id")
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--format", choices=list(exports.SONG_FORMATS), help="default: csv for a .csv file, else jsonl"
        )

    def handle(self, *, dataset: str, file: Path, format: str | None, **options) -> None:
        chosen = Dataset.objects.filter(pk=dataset).first()
        if chosen is None:
            raise CommandError(f"There is no dataset {dataset!r}.")
        kind = format or ("csv" if file.suffix.lower() == ".csv" else "jsonl")
        write, _ = exports.SONG_FORMATS[kind]
        try:
            with file.open("wb") as target:
                target.writelines(write(chosen.songs_in_use()))
        except OSError as problem:
            raise CommandError(f"{file} can't be written: {problem.strerror}.") from problem
        self.stdout.write(f"{chosen.songs_in_use().count():,} songs of {chosen.name} are in {file}")
