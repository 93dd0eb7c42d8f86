"""What is kept of checkpoints, and for how long.

A run that has not ended keeps its last three to go on from; so does one that failed or was cancelled, for a week, as it
may be tried again. One that succeeded keeps its model alone. A model, a checkpoint that a person pinned, and one that
something else refers to, goes only by a person's hand.

Whatever goes is first marked in its row, then its files go, then the row: whoever dies half way leaves a row that tells
what is left, and the next sweep ends it. Files that no row names are left alone for a day, as somebody may be about to
write their row. While a backup copies files, none are removed at all.
"""

import logging
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from training import storage
from training.fault_points import fault_point
from training.models import Checkpoint, DatasetFile, RunEvent, SingleFlight, TrainingRun
from training.models.runs import TERMINAL

logger = logging.getLogger(__name__)

KEPT = 3  # never less than two: the newest may be damaged
SWEEP = "sweep"
HOLD = "backup"
HOLD_SECONDS = 300  # of a backup that died; one that lives renews it with every file
UPLOADS = "uploads"
BATCH = 200


@dataclass
class Swept:
    """What one sweep took away."""

    checkpoints: int = 0
    orphans: int = 0
    orphan_bytes: int = 0
    uploads: int = 0
    stages: int = 0
    events: int = 0

    def __bool__(self) -> bool:
        return any(vars(self).values())

    def __str__(self) -> str:
        return (
            f"{self.checkpoints} checkpoints no longer needed, {self.orphans} folders that no row names "
            f"({self.orphan_bytes} bytes), {self.uploads} uploads without a dataset, {self.stages} half-written files, "
            f"{self.events} old notes"
        )


# ── Of one run ───────────────────────────────────────────────────────────────────────────────────────────────────


def rotate(run_id: str) -> None:
    """Let go of all that a run could go on from but the last three and what is pinned."""
    points = Checkpoint.objects.resume_points().filter(run=run_id)
    kept = points.ready().order_by("-step").values_list("pk", flat=True)[:KEPT]
    _mark(_unpinned(points).exclude(pk__in=list(kept)))
    remove_marked()


def let_go(run_id: str, *, behind: int = -1) -> None:
    """Let go of what a run could go on from; with ``behind`` only of what is further than that step.

    A pin does not hold it: these steps are made again, and nothing can be gone on from what was kept of them.
    """
    _mark(Checkpoint.objects.resume_points().filter(run=run_id, step__gt=behind))
    remove_marked()


def mark_ended(run_id: str) -> None:
    """Mark what a run that has succeeded will not go on from, within the transaction that ends it.

    `remove_marked` takes it away.
    """
    _mark(_unpinned(Checkpoint.objects.resume_points().filter(run=run_id)))


def free_step(run_id: str, step: int) -> bool:
    """Let go of the row that stands at this step of a run, within a transaction: another one takes its place.

    Its files are taken away by the next rotation or sweep. Returns whether it was pinned, as its successor is then.
    """
    points = Checkpoint.objects.resume_points().filter(run=run_id, step=step)
    was_pinned = points.filter(is_pinned=True).exists()
    points.update(state=Checkpoint.State.DELETING, run=None)
    return was_pinned


def _unpinned(checkpoints):
    return checkpoints.filter(is_pinned=False)


def _mark(checkpoints) -> None:
    """Say of checkpoints that they are being deleted, but for what something else refers to."""
    going = list(checkpoints.filter(is_best=False, fine_tunings__isnull=True).values_list("pk", flat=True))
    Checkpoint.objects.filter(pk__in=going).update(state=Checkpoint.State.DELETING, run=None)
    fault_point("checkpoint.mid_rotation")


# ── Taking away ──────────────────────────────────────────────────────────────────────────────────────────────────


def remove_marked(among=None) -> int:
    """Take away files and rows of checkpoints, ``among`` these or all, that are marked as being deleted; how many.

    A storage that does not answer keeps them for the next time.
    """
    if is_held():
        return 0
    marked = (Checkpoint.objects.all() if among is None else among).filter(state=Checkpoint.State.DELETING)
    removed = 0
    for row in list(marked.only("pk", "folder", "manifest")[:BATCH]):
        try:
            storage.remove(row.folder, row.manifest)
        except OSError:
            logger.exception("the files of checkpoint %s could not be removed", row.pk)
            continue
        row.delete()
        removed += 1
    return removed


def remove_uploads(names: list[str]) -> None:
    """Take uploaded files away whose rows are gone; while a backup copies files, a later sweep does."""
    if is_held():
        return
    for name in names:
        default_storage.delete(name)


# ── The hold of a backup ─────────────────────────────────────────────────────────────────────────────────────────


def hold() -> None:
    """Have no file removed for the next minutes, by any process."""
    until = Now() + timedelta(seconds=HOLD_SECONDS)
    SingleFlight.objects.update_or_create(name=HOLD, defaults={"held_until": until})


def end_hold() -> None:
    SingleFlight.objects.filter(name=HOLD).delete()


def is_held() -> bool:
    return SingleFlight.objects.filter(name=HOLD, held_until__gt=Now()).exists()


# ── The sweep ────────────────────────────────────────────────────────────────────────────────────────────────────


def sweep_is_due() -> bool:
    """Whether it is this caller's turn to have one done; then it is nobody's for the next hour."""
    until = Now() + timedelta(seconds=settings.SWEEP_SECONDS)
    _, is_first = SingleFlight.objects.get_or_create(name=SWEEP, defaults={"held_until": until})
    return is_first or SingleFlight.objects.filter(name=SWEEP, held_until__lte=Now()).update(held_until=until) == 1


def sweep() -> Swept:
    """Take away what is no longer needed; harmless when two do it at once."""
    swept = Swept()
    if is_held():
        return swept
    _mark(_no_longer_needed())
    swept.checkpoints = remove_marked()
    cutoff = timezone.now() - timedelta(hours=settings.ORPHAN_HOURS)
    for orphan in orphans(cutoff):
        storage.remove(orphan.folder, {"files": dict.fromkeys(orphan.names)})
        swept.orphans += 1
        swept.orphan_bytes += orphan.size_bytes
    swept.uploads = _remove_orphaned_uploads(cutoff)
    swept.stages = _remove_stages(cutoff)
    swept.events = _forget_notes()
    if swept:
        logger.info("swept: %s", swept)
    return swept


def orphans(cutoff: datetime) -> list[storage.Found]:
    """The folders that no row names and nobody has written to since ``cutoff``.

    First the folders are listed, then the rows asked for: a row that comes meanwhile saves its folder.
    """
    found = [one for one in storage.found_folders() if one.changed_at < cutoff]
    known = set(Checkpoint.objects.filter(folder__in=[one.folder for one in found]).values_list("folder", flat=True))
    return [one for one in found if one.folder not in known]


def _no_longer_needed():
    """What no run will go on from: it succeeded, ended too long ago, or was deleted, whose pins nobody can take out."""
    ended_long_ago = Q(run__state__in=TERMINAL, run__finished_at__lt=Now() - timedelta(days=settings.RETRY_DAYS))
    succeeded, was_deleted = Q(run__state=TrainingRun.State.SUCCEEDED), Q(run__isnull=True)
    return Checkpoint.objects.resume_points().filter(Q(is_pinned=False) & (ended_long_ago | succeeded) | was_deleted)


def _remove_orphaned_uploads(cutoff: datetime) -> int:
    names = list(storage.found_files(UPLOADS))
    known = set(DatasetFile.objects.values_list("file", flat=True))
    removed = 0
    for name in names:
        if name not in known and storage.changed_at(name) < cutoff:
            default_storage.delete(name)
            removed += 1
    return removed


def _remove_stages(cutoff: datetime) -> int:
    stale = storage.stale_stages(cutoff)
    for path in stale:
        shutil.rmtree(path, ignore_errors=True)
    return len(stale) + storage.publisher_for(default_storage).abort_uploads(cutoff)


def _forget_notes() -> int:
    """Forget the small talk of runs that ended a month ago; what changed their state, and each warning, stays."""
    long_ago = Now() - timedelta(days=settings.NOTE_DAYS)
    notes = RunEvent.objects.filter(kind=RunEvent.Kind.NOTE, run__state__in=TERMINAL, run__finished_at__lt=long_ago)
    return notes.delete()[0]
