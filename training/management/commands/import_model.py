"""manage.py import_model FILE"""

from pathlib import Path

from django.core.files.base import File
from django.core.management.base import BaseCommand, CommandError

from training.errors import ExpectedError
from training.management.commands.import_songs import find_owner
from training.services import models as services


class Command(BaseCommand):
    """Take in a model file that was trained elsewhere; a worker makes it ready to write."""

    help = "Bring a .safetensors that this program wrote, here or elsewhere, into the list of models."

    def add_arguments(self, parser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--name", default="", help="what it is to be called (default: as the file)")
        parser.add_argument("--owner", metavar="USERNAME", help="whose it is (default: the first administrator)")

    def handle(self, *, file: Path, name: str, owner: str | None, **options) -> None:
        try:
            with file.open("rb") as content:
                brought = File(content, name=file.name)
                model = services.import_model(owner=find_owner(owner), file=brought, name=name)
        except OSError as problem:
            raise CommandError(f"{file} can't be read: {problem.strerror}.") from problem
        except ExpectedError as refusal:
            raise CommandError(refusal.message) from refusal
        self.stdout.write(model.pk)
