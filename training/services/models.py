"""What people do with models: those that trainings have made, and those that they bring."""

import logging
import shutil
import uuid
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files import File
from django.db import transaction
from django.utils import timezone

from training import retention, storage, tasks
from training.errors import Conflict, Damaged, Invalid, LimitReached, TooLarge
from training.language_model.config import TrainingConfig
from training.language_model.errors import CheckpointError, ConfigError
from training.language_model.model_header import ModelHeader, read_header
from training.language_model.serving_files import MANIFEST_FILE
from training.language_model.shapes import count_weights
from training.models import Checkpoint, Visibility
from training.models.runs import TERMINAL
from training.services import quota

logger = logging.getLogger(__name__)
NAME_LENGTH = 120
LARGEST_FIGURE = 1e15


def update_model(*, model: Checkpoint, name: str | None = None, visibility: str | None = None) -> Checkpoint:
    """Rename a model or change who may use it; what is None stays. Raises: Invalid, both problems at once."""
    changes, errors = {}, {}
    if name is not None:
        try:
            changes["name"] = checked_name(name)
        except Invalid as error:
            errors |= error.errors
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


def checked_name(name: str) -> str:
    """The name as it is kept. Raises: Invalid."""
    name = name.strip()
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        raise Invalid({"name": [f"A name is one line of 1 to {NAME_LENGTH} characters."]})
    return name


def delete_model(*, model: Checkpoint) -> None:
    """Delete a model and its files. Lyrics that it wrote stay, with its name and checksum.

    First the row says so, then the files go, then the row: whoever dies half way leaves a row that tells what is left,
    and the next sweep ends it.
    A text that is being written right now is written to its end.
    Raises: Conflict when it is pinned or being deleted already, or when a run that has not ended trains it further.
    """
    if model.fine_tunings.exclude(state__in=TERMINAL).exists():
        raise Conflict("A run that waits or trains starts from this model: cancel it first.", state=model.state)
    usable = Checkpoint.objects.filter(pk=model.pk).exclude(state=Checkpoint.State.DELETING)
    if not usable.filter(is_pinned=False).update(state=Checkpoint.State.DELETING):
        if usable.exists():
            raise Conflict("This model is pinned: take the pin out first.", state=model.state, code="pinned")
        raise Conflict("This model is being deleted already.", state=Checkpoint.State.DELETING)
    retention.remove_marked(Checkpoint.objects.filter(pk=model.pk))


def import_model(*, owner, file: File, name: str = "") -> Checkpoint:
    """Take in a `.safetensors` that this program wrote, here or elsewhere, as a model of ``owner``.

    What the file says of itself is checked at once; a worker reads the weights, and makes it ready to write.
    Raises: Invalid when it is no such file, TooLarge, LimitReached when there is no room for it.
    """
    if file.size > settings.UPLOAD_LIMIT_BYTES:
        raise TooLarge(f"A model file has at most {settings.UPLOAD_LIMIT_BYTES // 1024**2} MB here.")
    try:
        header = read_header(file)
    except CheckpointError as problem:
        raise Invalid({"file": [str(problem)]}) from problem
    model = _imported(owner, header, name=checked_name(name or Path(file.name or "").stem or "Imported model"))
    room = 2 * file.size  # its graphs are about as large
    quota.check_room(owner, room)
    published = storage.publish(
        f"{storage.ROOT}/{model.pk}/{uuid.uuid4().hex[:8]}-model",
        lambda folder: _copy(file, folder / storage.MODEL_FILE),
        facts={"step": model.step},
    )
    model.folder, model.manifest = published.folder, published.manifest
    model.sha256, model.size_bytes = published.sha256, published.size_bytes
    try:
        with transaction.atomic():
            get_user_model().objects.select_for_update(no_key=True).get(pk=owner.pk)
            quota.check_room(owner, room)
            model.save(force_insert=True)
    except LimitReached:  # another file came in meanwhile
        storage.remove(published.folder, published.manifest)
        raise
    tasks.ring_for_preparing()
    return model


def _imported(owner, header: ModelHeader, *, name: str) -> Checkpoint:
    """The row of a model file; of what the file claims, only settings and figures that can be find their way here."""
    metrics = {key: value for key, value in header.metrics.items() if key.isidentifier() and is_figure(value)}
    try:
        config = TrainingConfig.from_dict(header.config).to_dict()
    except ConfigError:
        config = {}
    step = metrics.get("step", 0)
    return Checkpoint(
        owner=owner,
        name=name,
        published_at=timezone.now(),
        is_best=True,
        step=step if isinstance(step, int) and 0 <= step < 2**31 else 0,
        epoch=metrics.get("epoch", 0),
        architecture=header.shape.architecture,
        tokenizer=header.tokenizer.kind,
        parameters=count_weights(header.shape),
        vocabulary_size=header.shape.vocabulary_size,
        config=config,
        metrics=metrics,
    )


def is_figure(value) -> bool:
    """Whether ``value`` is a number that a database and a page can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST_FIGURE


def _copy(file: File, path: Path) -> None:
    file.seek(0)
    with path.open("wb") as copy:
        shutil.copyfileobj(file, copy, storage.CHUNK_BYTES)


def open_model_file(checkpoint: Checkpoint) -> File:
    """The model's `.safetensors` file, opened at its start, every byte of it checked against its published sha256.

    Raises: Damaged when it is missing or changed; the model is then marked so and leaves the list.
    """
    return _open(checkpoint, storage.MODEL_FILE)


def serving_name(checkpoint: Checkpoint) -> str:
    """What the files that ``checkpoint`` writes with are called by: never the same for others.

    Raises: Conflict when there are none, as it is still being made ready to write, or never will be.
    """
    if checkpoint.can_write:
        return checkpoint.manifest["files"][MANIFEST_FILE]["sha256"] + checkpoint.sha256
    preparing = f"{checkpoint.name} is being made ready to write. Try again in a few seconds."
    raise Conflict(checkpoint.serving_error or preparing, state=checkpoint.state, code="not_ready")


def read_serving_file(checkpoint: Checkpoint, name: str) -> bytes:
    """One of the files that the model writes with, checked. Raises: as `open_model_file`."""
    with _open(checkpoint, name) as file:
        return file.read()


def _open(checkpoint: Checkpoint, name: str) -> File:
    expected = checkpoint.manifest["files"][name]
    try:
        return storage.open_verified(checkpoint.folder, name, expected)
    except storage.StorageDamaged as problem:
        logger.error("model %s is damaged: %s", checkpoint.pk, problem)
        # Unless it was made ready in another folder since this row was read.
        Checkpoint.objects.filter(pk=checkpoint.pk, folder=checkpoint.folder).mark_corrupt()
        raise Damaged(f"The file of this model is damaged and can't be used. {problem}") from problem
