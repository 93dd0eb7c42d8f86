"""A backup of everything, while everybody goes on."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from training import backups


class Command(BaseCommand):
    help = "Write the database and all files into a new folder. Nobody has to stop for it."

    def add_arguments(self, parser) -> None:
        parser.add_argument("folder", type=Path, help="where the backup goes; must not be there yet")

    def handle(self, *, folder: Path, **options) -> None:
        try:
            made = backups.make(folder.absolute(), tell=self.stdout.write)
        except (backups.BackupFailed, OSError) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"{folder}: the database and {made.files} files, {made.size_bytes} bytes.")
