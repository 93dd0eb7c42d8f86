"""What can be done with datasets; the pages, the API and the commands all call these functions."""

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, QuerySet

from training import bundles, importers, ingest, lifecycle, retention, tasks
from training.errors import Conflict, Invalid, LimitReached
from training.models import Dataset, DatasetFile, DatasetVersion, Import, Rejection, Visibility
from training.reading_limits import BY_OPERATOR, UPLOADED, limits_for, operator_limits, upload_limits
from training.services import quota

LONGEST_NAME = 120
LONGEST_DESCRIPTION = 2000
LONGEST_FILE_NAME = 255
LONGEST_IDEMPOTENCY_KEY = 200
GOING_ON = (Import.State.QUEUED, Import.State.RUNNING)


def create_dataset(
    *,
    owner,
    name: str,
    file: File | Sequence[File],
    description: str = "",
    mapping: dict | None = None,
    options: dict | None = None,
    idempotency_key: str | None = None,
) -> Dataset:
    """Store an uploaded file, or several as one, as a new dataset, queue its import and ring for a worker.

    The dataset is in state importing, or in needs_mapping where nobody can be sure which column holds the lyrics
    and ``mapping`` does not say so.

    Args:
        mapping: the column of each role, such as ``{"lyrics": "text"}``; what is missing is guessed by name.
        options: how to read the file: format, encoding, delimiter, has_header, separator, title_line.
        idempotency_key: the same key gives the same dataset, however often it is sent.
    Raises: Invalid naming each field that is wrong, TooLarge, LimitReached.
    """
    texts = checked_texts(name=name, description=description)
    key = checked_key(idempotency_key)
    if existing := made_with(owner, key):
        return existing
    check_quota(owner)
    file = bundles.one_file(_listed(file), limit_bytes=upload_limit_bytes(owner))
    size_bytes, sha256 = _measure(file, limit_bytes=upload_limit_bytes(owner))
    chosen = _import_options(mapping, options)
    inspection = _inspect(file, filename=_file_name(file), options=chosen, limits=upload_limits(owner))
    quota.check_room(owner, size_bytes)
    dataset = Dataset(owner=owner, idempotency_key=key, **texts)
    stored = DatasetFile(
        original_name=_file_name(file), size_bytes=size_bytes, sha256=sha256, file=_stored(file, UPLOADED)
    )
    try:
        with transaction.atomic():
            # Two uploads at once may both have found room; the one that comes second here does not any more.
            get_user_model().objects.select_for_update().get(pk=owner.pk)
            check_quota(owner)
            quota.check_room(owner, size_bytes)
            job = _insert(dataset, stored, _noting_twin(inspection, owner, sha256))
            if job is not None:
                tasks.ring_for_import(job.pk)
    except BaseException as error:  # without its row the stored file would belong to nobody
        stored.file.delete(save=False)
        if isinstance(error, IntegrityError) and (existing := made_with(owner, key)):
            return existing  # the same request arrived twice at once
        raise
    dataset.refresh_from_db()
    return dataset


def import_in_foreground(
    *,
    owner,
    name: str,
    file: File | Sequence[File] | Path,
    mapping: dict | None = None,
    options: dict | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Import:
    """Make a dataset of a file and read it here and now, without a worker; neither quota nor upload limit holds.

    Args:
        file: one file, several that belong together, or the path of a folder.
        on_progress: called about once a second with the records and bytes read so far.
    Returns: the import at its end, whatever that is.
    Raises: Invalid, also where nobody can be sure which column holds the lyrics; OSError if a file of the folder
        cannot be read.
    """
    texts, chosen = checked_texts(name=name), _import_options(mapping, options)
    file = bundles.folder_as_file(file) if isinstance(file, Path) else bundles.one_file(_listed(file))
    size_bytes, sha256 = _measure(file, limit_bytes=None)
    inspection = _inspect(file, filename=_file_name(file), options=chosen, limits=operator_limits())
    if inspection.needs_mapping:
        columns = ", ".join(inspection.columns)
        raise Invalid({"mapping": [f"Say which column holds the lyrics. The columns are: {columns}."]})
    dataset = Dataset(owner=owner, **texts)
    stored = DatasetFile(
        original_name=_file_name(file), size_bytes=size_bytes, sha256=sha256, file=_stored(file, BY_OPERATOR)
    )
    with transaction.atomic():
        job = _insert(dataset, stored, inspection)
    if token := lifecycle.claim_import(job.pk):
        ingest.run_import(job.pk, token, on_progress=on_progress)
    job.refresh_from_db()
    return job


def preview_upload(
    *, file: File | Sequence[File], options: dict | None = None, mapping: dict | None = None, owner=None
):
    """Say how a file, or several as one, would be read, without storing anything: an `importers.Inspection`.

    Raises: Invalid when it is no song file or an option makes no sense; TooLarge.
    """
    chosen = _import_options(mapping, options)
    file = bundles.one_file(_listed(file), limit_bytes=upload_limit_bytes(owner))
    _measure(file, limit_bytes=upload_limit_bytes(owner))
    return _inspect(file, filename=_file_name(file), options=chosen, limits=upload_limits(owner))


def preview_stored(*, dataset: Dataset, mapping: dict | None = None, options: dict | None = None):
    """Say how the dataset's stored file would be read with this mapping: an `importers.Inspection`.

    Raises: Invalid when the mapping or an option makes no sense.
    """
    stored = dataset.files.order_by("-id").first()
    if stored is None:
        raise Conflict("This dataset has no file of its own.", state=dataset.state)
    if mapping is None:  # what waits to be confirmed is proposed anew, with its warning
        mapping = {} if dataset.state == Dataset.State.NEEDS_MAPPING else dataset.mapping
    chosen = _import_options(mapping, {**dataset.options, **(options or {})})
    with stored.file.open("rb") as stream:
        return _inspect(stream, filename=stored.original_name, options=chosen, limits=limits_for(stored))


def apply_mapping(*, dataset: Dataset, mapping: dict, options: dict | None = None) -> Dataset:
    """Read the dataset's stored file again with other columns; that makes its next version.

    Songs are then as the file has them: what was changed by hand stays in the versions before, and the report says so.

    Raises: Invalid when no column holds the lyrics or an option makes no sense; Conflict while an import is going on.
    """
    inspection = preview_stored(dataset=dataset, mapping=mapping, options=options)
    if inspection.needs_mapping:
        raise Invalid({"mapping": ["Say which column holds the lyrics."]})
    stored = dataset.files.order_by("-id").first()
    with transaction.atomic():
        dataset = Dataset.objects.select_for_update().get(pk=dataset.pk)
        if dataset.imports.filter(state__in=GOING_ON).exists():
            raise Conflict("This dataset is being imported right now. Cancel that or wait.", state=dataset.state)
        job = _queue_import(dataset, stored, inspection)
        if not dataset.version:  # otherwise the dataset goes on describing the version it has
            _describe(dataset, inspection)
            dataset.save(update_fields=["format", "encoding", "mapping", "options", "updated_at"])
        tasks.ring_for_import(job.pk)
    dataset.refresh_from_db()
    return dataset


def songs_changed_by_hand(*, dataset: Dataset) -> int:
    """Return how many songs of the newest version are not as their file has them."""
    if dataset.versions.filter(number=dataset.version, kind=DatasetVersion.Kind.IMPORT).exists():
        return 0
    return dataset.songs.of_version(dataset.version).filter(imported_by__isnull=True).count()


def import_again(*, dataset: Dataset) -> Dataset:
    """Read the dataset's stored file once more, with the columns it has. Raises: Invalid, Conflict."""
    return apply_mapping(dataset=dataset, mapping=dataset.mapping)


def cancel_import(*, dataset: Dataset) -> Dataset:
    """Stop the import that waits or runs. Raises: Conflict when there is none."""
    job = dataset.imports.filter(state__in=GOING_ON).first()
    if job is None or not lifecycle.request_import_cancel(job):
        raise Conflict("There is no import to cancel.", state=dataset.state)
    dataset.refresh_from_db()
    return dataset


def update_dataset(
    *, dataset: Dataset, name: str | None = None, description: str | None = None, visibility: str | None = None
) -> Dataset:
    """Change what is given of a dataset's name, description and visibility. Raises: Invalid."""
    changes = checked_texts(name=name, description=description)
    if visibility is not None:
        if visibility not in Visibility.values:
            raise Invalid({"visibility": [f"This has to be one of {', '.join(Visibility.values)}."]})
        changes["visibility"] = visibility
    for field, value in changes.items():
        setattr(dataset, field, value)
    dataset.save(update_fields=[*changes, "updated_at"])
    return dataset


def delete_dataset(*, dataset: Dataset) -> None:
    """Delete a dataset with its songs and files. Raises: Conflict when a run was trained on it."""
    with transaction.atomic():
        # A worker writes songs under its import's row: holding that row, none can slip in while we delete.
        list(Import.objects.select_for_update().filter(dataset=dataset).values_list("pk"))
        files = [stored.file for stored in dataset.files.all()]
        try:
            dataset.delete()
        except ProtectedError:
            message = "A training run was made from this dataset, so it has to stay."
            raise Conflict(message, state=dataset.state) from None
        transaction.on_commit(lambda: retention.remove_uploads([file.name for file in files]))


def rejections_of(*, dataset: Dataset) -> QuerySet[Rejection]:
    """Return what the dataset's newest import left out, in the order of the file."""
    return Rejection.objects.filter(imported_by=dataset.imports.values("pk")[:1]).order_by("id")


def upload_limit_bytes(owner) -> int:
    """How large a file ``owner`` may upload."""
    is_staff = owner is not None and owner.is_staff
    return settings.STAFF_UPLOAD_LIMIT_BYTES if is_staff else settings.UPLOAD_LIMIT_BYTES


def _insert(dataset: Dataset, stored: DatasetFile, inspection: importers.Inspection) -> Import | None:
    """Write the rows of a new dataset; its import is queued unless a person has to name the columns first."""
    _describe(dataset, inspection)
    dataset.state = Dataset.State.NEEDS_MAPPING if inspection.needs_mapping else Dataset.State.UPLOADED
    dataset.report = _first_look(inspection)
    dataset.save(force_insert=True)
    stored.dataset = dataset
    stored.save(force_insert=True)
    return None if inspection.needs_mapping else _queue_import(dataset, stored, inspection)


def _noting_twin(inspection: importers.Inspection, owner, sha256: str) -> importers.Inspection:
    """The inspection with a word about a dataset of ``owner`` that was made of the very same file, if there is one."""
    twin = Dataset.objects.owned_by(owner).filter(files__sha256=sha256).order_by("created_at").first()
    if twin is None:
        return inspection
    note = f"This is the same file as that of your dataset “{twin.name}”."
    return replace(inspection, warnings=(*inspection.warnings, note))


def _first_look(inspection: importers.Inspection) -> dict:
    """What a report says before anything was read."""
    return {"looks_like": inspection.looks_like, "warnings": list(inspection.warnings)}


def _describe(dataset: Dataset, inspection: importers.Inspection) -> None:
    options = inspection.options.to_dict()
    dataset.mapping = options.pop("mapping")
    dataset.options = options
    dataset.format = inspection.format
    dataset.encoding = inspection.encoding.name


def _queue_import(dataset: Dataset, stored: DatasetFile, inspection: importers.Inspection) -> Import:
    options = inspection.options.to_dict()
    mapping = options.pop("mapping")
    job = lifecycle.queue_import(dataset=dataset, file=stored, mapping=mapping, options=options)
    job.report = _first_look(inspection)
    if changed := songs_changed_by_hand(dataset=dataset):
        job.report["warnings"].append(
            f"{changed:,} {'song' if changed == 1 else 'songs'} had been changed by hand in version {dataset.version} "
            f"and {'is' if changed == 1 else 'are'} as in the file again."
        )
    job.save(update_fields=["report"])
    return job


def _import_options(mapping: dict | None, options: dict | None) -> importers.ImportOptions:
    chosen = {**(options or {}), **({"mapping": mapping} if mapping is not None else {})}
    try:
        return importers.ImportOptions.from_dict(chosen)
    except importers.InvalidOptions as refusal:
        raise Invalid(refusal.errors) from None


def _inspect(
    file, *, filename: str, options: importers.ImportOptions, limits: importers.Limits
) -> importers.Inspection:
    try:
        return importers.inspect(file, filename=filename, options=options, limits=limits)
    except importers.InvalidOptions as refusal:
        raise Invalid(refusal.errors) from None
    except importers.ImportRefused as refusal:
        raise Invalid({"file": [str(refusal)]}) from None
    finally:
        file.seek(0)


def _measure(file: File, *, limit_bytes: int | None) -> tuple[int, str]:
    """Return the file's size as counted, and its SHA-256. Raises: TooLarge once it is over the limit."""
    digest, size_bytes = hashlib.sha256(), 0
    for chunk in file.chunks():
        size_bytes += len(chunk)
        if limit_bytes is not None and size_bytes > limit_bytes:
            raise bundles.too_large(limit_bytes)
        digest.update(chunk)
    file.seek(0)
    return size_bytes, digest.hexdigest()


def _stored(file: File, how_it_came: str) -> str:
    """Store the file under a name of our own, and return that: the uploader's name is never part of a path."""
    field = DatasetFile._meta.get_field("file")
    return field.storage.save(field.generate_filename(None, f"{uuid.uuid4().hex}{how_it_came}"), file)


def _listed(file: File | Sequence[File]) -> Sequence[File]:
    return [file] if isinstance(file, File) else file


def _file_name(file: File) -> str:
    return bundles.shown_name(file.name)[-LONGEST_FILE_NAME:]


def checked_texts(**texts: str | None) -> dict[str, str]:
    """Return name and description as they are stored; those that are None are not changed. Raises: Invalid."""
    errors, checked = {}, {}
    longest = {"name": LONGEST_NAME, "description": LONGEST_DESCRIPTION}
    for field, text in texts.items():
        if text is None:
            continue
        text = str(text).strip()
        if field == "name" and not text:
            errors[field] = ["Give the dataset a name."]
        elif len(text) > longest[field]:
            errors[field] = [f"Use at most {longest[field]:,} characters."]
        elif any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text):
            errors[field] = ["This contains characters that cannot be stored."]
        checked[field] = text
    if errors:
        raise Invalid(errors)
    return checked


def checked_key(key: str | None) -> str | None:
    if key and (len(key) > LONGEST_IDEMPOTENCY_KEY or not key.isprintable()):
        raise Invalid({"Idempotency-Key": [f"Use at most {LONGEST_IDEMPOTENCY_KEY} printable characters."]})
    return key or None


def made_with(owner, key: str | None) -> Dataset | None:
    return Dataset.objects.owned_by(owner).filter(idempotency_key=key).first() if key else None


def check_quota(owner) -> None:
    if not owner.is_staff and Dataset.objects.owned_by(owner).count() >= settings.DATASETS_PER_USER:
        raise LimitReached(
            f"One person may keep {settings.DATASETS_PER_USER} datasets, and you have that many. Delete one first."
        )
