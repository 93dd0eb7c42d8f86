"""What people do with the models that trainings have made."""

import logging

from django.core.files import File

from training import retention, storage
from training.errors import Conflict, Damaged, Invalid
from training.models import Checkpoint, Visibility
from training.models.runs import TERMINAL

logger = logging.getLogger(__name__)
NAME_LENGTH = 120


def update_model(*, model: Checkpoint, name: str | None = None, visibility: str | None = None) -> Checkpoint:
    """Rename a model or change who may use it; what is None stays. Raises: Invalid, both problems at once."""
    changes, errors = {}, {}
    if name is not None:
        changes["name"] = name.strip()
        if not 0 < len(changes["name"]) <= NAME_LENGTH or not changes["name"].isprintable():
            errors["name"] = [f"A name is one line of 1 to {NAME_LENGTH} characters."]
    if visibility is not None:
        changes["visibility"] = visibility
        if visibility not in Visibility.values:
            errors["visibility"] = [f"Choose one of: {', '.join(Visibility.values)}."]
    if errors:
        raise Invalid(errors)
    for column, value in changes.items():
        setattr(model, column, value)
    model.save(update_fields=list(changes))
    return model


def delete_model(*, model: Checkpoint) -> None:
    """Delete a model and its files. Lyrics that it wrote stay, with its name and checksum.

    First the row says so, then the files go, then the row: whoever dies half way leaves a row that tells what is left,
    and the next sweep ends it.
    A text that is being written right now is written to its end.
    Raises: Conflict when it is being deleted already, or when a run that has not ended trains it further.
    """
    if model.fine_tunings.exclude(state__in=TERMINAL).exists():
        raise Conflict("A run that waits or trains starts from this model: cancel it first.", state=model.state)
    usable = Checkpoint.objects.filter(pk=model.pk).exclude(state=Checkpoint.State.DELETING)
    if not usable.update(state=Checkpoint.State.DELETING):
        raise Conflict("This model is being deleted already.", state=Checkpoint.State.DELETING)
    retention.remove_marked(Checkpoint.objects.filter(pk=model.pk))


def open_model_file(checkpoint: Checkpoint) -> File:
    """The model's `.safetensors` file, opened at its start, every byte of it checked against its published sha256.

    Raises: Damaged when it is missing or changed; the model is then marked so and leaves the list.
    """
    expected = checkpoint.manifest["files"][storage.MODEL_FILE]
    try:
        return storage.open_verified(checkpoint.folder, storage.MODEL_FILE, expected)
    except storage.StorageDamaged as problem:
        logger.error("model %s is damaged: %s", checkpoint.pk, problem)
        Checkpoint.objects.filter(pk=checkpoint.pk).mark_corrupt()
        raise Damaged(f"The file of this model is damaged and can't be used. {problem}") from problem
