"""manage.py check_invariants [--without-files]"""

from django.core.management.base import BaseCommand

from training.invariants import breaches


class Command(BaseCommand):
    """Say what in the rows and the storage should never be; the exit code is 1 if anything is."""

    help = "Check what must hold of runs, models, files and the database, whatever has failed. Changes nothing."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--without-files", action="store_true", help="do not read every file of the storage")

    def handle(self, *, without_files: bool, **options) -> None:
        found = breaches(with_files=not without_files)
        for sentence in found:
            self.stdout.write(sentence)
        if found:
            raise SystemExit(1)
        self.stdout.write("All is well.")
