"""A backup brought back, and looked at."""

from pathlib import Path

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from training import backups


class Command(BaseCommand):
    help = (
        "Bring a backup back into an empty database and an empty storage, bring the database to this program's version "
        "and verify every file. Web and workers must not run meanwhile."
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser) -> None:
        parser.add_argument("folder", type=Path, help="the backup")

    def handle(self, *, folder: Path, verbosity: int, **options) -> None:
        try:
            backups.restore(folder.absolute(), tell=self.stdout.write)
        except (backups.BackupFailed, OSError) as problem:
            raise CommandError(str(problem)) from problem
        call_command("migrate", interactive=False, verbosity=0, stdout=self.stdout)
        call_command("verify_storage", stdout=self.stdout)
