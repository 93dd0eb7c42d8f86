"""Is every file there that a row names, and is it what was published?"""

from datetime import timedelta

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from training import inventory, retention


class Command(BaseCommand):
    help = (
        "Read every file of every checkpoint, model and upload, and compare it with what was published. "
        "Ends with 1 when one is missing or changed."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "--sweep", action="store_true", help="afterwards take away what no row has named for a day, as beat does"
        )

    def handle(self, *, sweep: bool, **options) -> None:
        seen = inventory.take()
        for problem in seen.problems:
            self.stdout.write(problem)
        cutoff = timezone.now() - timedelta(hours=settings.ORPHAN_HOURS)
        orphans = retention.orphans(cutoff)
        self.stdout.write(
            f"{seen.files} files, {seen.size_bytes} bytes: {seen.missing} missing, {seen.mismatched} mismatched; "
            f"{len(orphans)} folders that no row has named for {settings.ORPHAN_HOURS:.0f} hours."
        )
        if sweep:
            self.stdout.write(f"Swept: {retention.sweep()}.")
        if seen.problems:
            raise CommandError(f"{len(seen.problems)} files are missing or changed.")
