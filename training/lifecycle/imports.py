"""An import from the queue to its end: the same guards as for runs, and the dataset's state along with it."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from training.lifecycle.clock import lease_end
from training.lifecycle.gate import passing
from training.models import Dataset, DatasetFile, Import, Song
from training.models.datasets import NEVER

State = Import.State
ENDED = (State.SUCCEEDED, State.FAILED, State.CANCELLED)
PROGRESS_COLUMNS = frozenset({"records_read", "bytes_read", "bytes_total", "phase", "counts", "file"})
SONGS_REMOVED_AT_ONCE = 1000
CANCELLED = "The import was cancelled."


@dataclass(frozen=True)
class ImportLease:
    """What the row says to the worker that reads the file. Without ``ok`` it stops and writes nothing."""

    ok: bool
    cancel_requested: bool = False


def queue_import(
    *, dataset: Dataset, file: DatasetFile | None, mapping: dict, options: dict, recipe: dict | None = None
) -> Import:
    """Put the reading of ``file``, or of the songs that ``recipe`` gathers, into the line as the next version.

    Raises: IntegrityError when an import of this dataset waits or runs already.
    """
    with transaction.atomic():
        job = Import.objects.create(
            dataset=dataset,
            file=file,
            version=dataset.version + 1,
            mapping=mapping,
            options=options,
            recipe=recipe or {},
            bytes_total=file.size_bytes if file else 0,
            rung_at=Now(),
        )
        Dataset.objects.filter(pk=dataset.pk).update(state=Dataset.State.IMPORTING, error="")
    return job


def take_import(import_id: str) -> UUID | None:
    """Claim a queued import for a worker; None if it is not there to take, or staff has closed the gate."""
    with transaction.atomic():
        return claim_import(import_id) if passing().is_open else None


def claim_import(import_id: str) -> UUID | None:
    """Take a queued import under a fresh token, with the progress it has; None if it is not there to take."""
    token = uuid4()
    claimable = Import.objects.filter(pk=import_id, state=State.QUEUED, cancel_requested_at__isnull=True)
    with transaction.atomic():
        won = claimable.update(
            state=State.RUNNING,
            lease_token=token,
            lease_expires_at=lease_end(),
            attempts=F("attempts") + 1,
            started_at=Coalesce("started_at", Now()),
        )
        if won != 1:
            return None
        Dataset.objects.filter(imports=import_id).update(state=Dataset.State.IMPORTING)
    return token


def renew_import(import_id: str, token: UUID, **progress) -> ImportLease:
    """Hold the import for another lease, note progress and counts (`PROGRESS_COLUMNS`), learn of a cancel."""
    if unknown := progress.keys() - PROGRESS_COLUMNS:
        raise ValueError(f"Not a progress column: {sorted(unknown)}")
    held = Import.objects.filter(pk=import_id, state=State.RUNNING, lease_token=token, lease_expires_at__gt=Now())
    if held.update(lease_expires_at=lease_end(), **progress) != 1:
        return ImportLease(ok=False)
    cancel_wish = Import.objects.filter(pk=import_id).values_list("cancel_requested_at", flat=True).first()
    return ImportLease(ok=True, cancel_requested=cancel_wish is not None)


def finish_import(
    import_id: str,
    token: UUID,
    state: str,
    *,
    error: str = "",
    report: dict | None = None,
    dataset_fields: dict | None = None,
) -> bool:
    """End the import, and in the same transaction its dataset gets its new state; False when the lease is lost.

    A success makes the import's version the dataset's newest and writes ``dataset_fields`` (statistics, content_hash,
    format, encoding …). After a failure or a cancel, a dataset that has an older complete version is ready again.
    """
    if state not in ENDED:
        raise ValueError(f"An import does not end as {state}")
    mine = Import.objects.filter(pk=import_id, state=State.RUNNING, lease_token=token)
    with transaction.atomic():
        if not _end(mine, state=state, error=error, **({} if report is None else {"report": report})):
            return False
        if state == State.SUCCEEDED:
            version = Import.objects.values_list("version", flat=True).get(pk=import_id)
            columns = {"version": version, "state": Dataset.State.READY, "error": "", **(dataset_fields or {})}
            Dataset.objects.filter(imports=import_id).update(**columns)
        else:
            _settle_dataset(import_id, state, error, dataset_fields)
    return True


def request_import_cancel(job: Import) -> bool:
    """Cancel a waiting import at once, or leave the wish for its worker; False when it had already ended."""
    for _ in range(3):  # it may be claimed or given up between the two guards
        waiting = Import.objects.filter(pk=job.pk, state=State.QUEUED)
        if token := _take_over(waiting, cancel_requested_at=Now()):
            _give_up(job.pk, token, State.CANCELLED, CANCELLED)
            return True
        if Import.objects.filter(pk=job.pk, state=State.RUNNING).update(
            cancel_requested_at=Coalesce("cancel_requested_at", Now())
        ):
            return True
        if Import.objects.filter(pk=job.pk, state__in=ENDED).exists():
            return False
    return True


def lose_import(import_id: str, token: UUID) -> str | None:
    """Take an import whose lease ran out from its worker: back to the line, or to its end; None if it was renewed."""
    expired = Import.objects.filter(pk=import_id, state=State.RUNNING, lease_token=token, lease_expires_at__lt=Now())
    if ours := _take_over(expired.filter(cancel_requested_at__isnull=False)):
        return State.CANCELLED if _give_up(import_id, ours, State.CANCELLED, CANCELLED) else None
    if ours := _take_over(expired.filter(attempts__gte=settings.LOST_ATTEMPTS_ALLOWED)):
        gave_up = f"The worker that read the file vanished {settings.LOST_ATTEMPTS_ALLOWED} times."
        return State.FAILED if _give_up(import_id, ours, State.FAILED, gave_up) else None
    if expired.update(state=State.QUEUED, lease_token=None, lease_expires_at=None, rung_at=None):
        return State.QUEUED
    return None


class _TakenAway(Exception):
    """Raised when somebody else took the import that we were giving up."""


def _take_over(imports, **columns) -> UUID | None:
    """Take an import that nobody works on under a lease of our own, to end it; None if it is not there to take."""
    token = uuid4()
    taken = imports.update(state=State.RUNNING, lease_token=token, lease_expires_at=lease_end(), **columns)
    return token if taken == 1 else None


def _give_up(import_id: str, token: UUID, state: str, error: str) -> bool:
    """Remove the songs that an import we took over has written so far, then end it; False if it was taken away.

    There may be a million of them: they go a few at a time under the lease, as others want to write too. If that is
    killed half way, the lease runs out like any other and somebody does it again.
    """

    def hold_on() -> None:
        if not renew_import(import_id, token).ok:
            raise _TakenAway

    try:
        remove_unpublished(Import.objects.get(pk=import_id), breathe=hold_on)
    except (_TakenAway, Import.DoesNotExist):
        return False
    return finish_import(import_id, token, state, error=error)


def remove_unpublished(job: Import, *, breathe: Callable[[], None] = lambda: None) -> None:
    """Remove the songs of a version that does not come to be, and let the version before it go on.

    A few at a time, so that nobody waits long for SQLite's one lock.

    Args:
        breathe: called between them, by a worker that has a lease to renew.
    """
    songs = Song.objects.filter(dataset=job.dataset_id)
    for page in songs.filter(added_in=job.version).pages(size=SONGS_REMOVED_AT_ONCE):
        breathe()
        songs.filter(added_in=job.version, ordinal__lte=page[-1][0]).delete()
    ended = songs.filter(removed_in=job.version)
    for page in ended.pages(size=SONGS_REMOVED_AT_ONCE):
        breathe()
        ended.filter(ordinal__lte=page[-1][0]).update(removed_in=NEVER)


def _end(guarded, **changes) -> bool:
    return guarded.update(lease_token=None, lease_expires_at=None, finished_at=Now(), **changes) == 1


def _settle_dataset(import_id: str, state: str, error: str = "", columns: dict | None = None) -> None:
    """Without a new version the dataset falls back to the one it had, or shares its import's end."""
    datasets = Dataset.objects.filter(imports=import_id)
    end = Dataset.State.FAILED if state == State.FAILED else Dataset.State.CANCELLED
    datasets.filter(version__gt=0).update(state=Dataset.State.READY, error=error, **(columns or {}))
    datasets.filter(version=0).update(state=end, error=error, **(columns or {}))
