"""manage.py export_model MODEL --to FOLDER"""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from training import storage
from training.models import Checkpoint


class Command(BaseCommand):
    """Write a model as graphs that any ONNX runtime runs, one step at a time, with what was measured of them."""

    help = (
        "Export a model as one-step ONNX graphs (float32 and int8), its tokenizer and a manifest of the gates passed."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("model", help="the id or the name of a model")
        parser.add_argument("--to", required=True, type=Path, help="a folder that is not there yet, or empty")

    def handle(self, *, model: str, to: Path, **options) -> None:
        row = find_model(model)
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise CommandError(f"{to} is not empty.")
        from training.language_model.checkpoint import load_model  # two seconds of torch
        from training.language_model.errors import LyricsError
        from training.language_model.export import export_model

        to.mkdir(parents=True, exist_ok=True)
        try:
            with storage.fetched(row.folder, row.manifest) as folder:
                gates = export_model(load_model(folder / storage.MODEL_FILE), to)["gates"]
        except (storage.StorageDamaged, LyricsError) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(
            f"{row.name} is in {to}: {gates['served']} is served; eight bits change the perplexity by "
            f"{gates['perplexity_change']:+.2%}, and no score of the float graph differs by more than "
            f"{gates['difference']:.1g}."
        )


def find_model(wanted: str, *, damaged_too: bool = False) -> Checkpoint:
    """The model of this id, or else the newest of this name. Raises: CommandError when there is none."""
    models = Checkpoint.objects.published()
    if damaged_too:
        models = Checkpoint.objects.filter(published_at__isnull=False).exclude(state=Checkpoint.State.DELETING)
    row = models.filter(pk=wanted).first() or models.filter(name=wanted).order_by("-created_at").first()
    if row is None:
        raise CommandError(f"There is no model {wanted!r}.")
    return row
