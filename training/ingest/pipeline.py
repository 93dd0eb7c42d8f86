"""An import from its claim to its end: the phases in their order, each skipped once it is done."""

import logging
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from django.db import transaction

from training import combining, lifecycle, search, versions
from training.importers import ImportOptions, ImportRefused, language
from training.importers.presets import title_of
from training.ingest import comparing, counting, reading
from training.ingest.counts import Counts
from training.ingest.hold import Cancelled, Hold, LeaseLost
from training.models import DatasetVersion, Import
from training.versions import VersionFacts

MANY_SONGS = 20_000  # comparing so many needs as much memory as telling their languages did

logger = logging.getLogger(__name__)


def run_import(import_id: str, token: UUID, *, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Make the dataset's next version of the import's file, from where an attempt before this one was killed.

    Ends the import itself, whether it succeeded, was refused or cancelled.

    Args:
        token: the lease under which a worker claimed it; when the lease is lost this returns without a trace.
        on_progress: called about once a second with the records and bytes read so far.
    """
    job = Import.objects.select_related("dataset__owner", "file").get(pk=import_id)
    try:
        Ingestion(job, token, on_progress).run()
    except LeaseLost:
        logger.warning("Import %s was taken over or deleted; this worker stops.", import_id)


class Ingestion:
    """One import on its way."""

    def __init__(self, job: Import, token: UUID, on_progress: Callable[[int, int], None] | None = None) -> None:
        self.job = job
        self.hold = Hold(job, token, on_progress)
        self.counts = Counts.from_dict(job.counts)
        self.found_before = job.report  # what the look at the file had to say
        self.facts: VersionFacts | None = None

    def run(self) -> None:
        try:
            for phase, do in self.phases_left():
                self.hold.renew(phase=phase)
                do()
            if not self.counts.accepted:
                raise ImportRefused(self.counts.why_nothing_was_accepted())
        except ImportRefused as refusal:
            self.end_without_version(Import.State.FAILED, str(refusal))
        except Cancelled:
            self.end_without_version(Import.State.CANCELLED, "The import was cancelled.")
        else:
            self.publish()

    def phases_left(self) -> list[tuple[str, Callable[[], None]]]:
        """The phase in which an attempt before this one was killed, and those behind it; at first all of them."""
        phases = [
            (Import.Phase.GATHERING, self.gather),
            (Import.Phase.READING, self.read),
            (Import.Phase.COMPARING, self.compare),
            (Import.Phase.INDEXING, self.index),
            (Import.Phase.COUNTING, self.count),
        ]
        names = [phase for phase, _ in phases]
        return phases[names.index(self.job.phase) if self.job.phase else 0 :]

    @property
    def options(self) -> ImportOptions:
        return ImportOptions.from_dict({**self.job.options, "mapping": self.job.mapping})

    def gather(self) -> None:
        lifecycle.remove_unpublished(self.job, breathe=self.hold.renew)
        if self.job.file is None:
            file = combining.gather(self.job, breathe=self.hold.breathe)
            self.hold.renew(file=file, bytes_total=file.size_bytes)

    def read(self) -> None:
        reading.Reading(self.job, self.options, self.hold, self.counts).run()

    def compare(self) -> None:
        if self.counts.stored > MANY_SONGS:
            language.let_go()
        if self.options.duplicates:
            self.counts.duplicates = comparing.flag_copies(self.job, self.hold, near=self.options.near_duplicates)
            self.hold.renew(counts=self.counts.to_dict())

    def index(self) -> None:
        if self.options.full_text:
            search.index_import(self.job, breathe=self.hold.breathe)

    def count(self) -> None:
        counting.count_languages(self.job, self.counts)
        if self.counts.accepted:
            counting.close_older_version(self.job, self.hold)
            self.facts = versions.count_version(self.job.dataset, self.job.version, breathe=self.hold.breathe)

    def publish(self) -> None:
        """Make the songs the dataset's new version: its row, the dataset's numbers and the import's end at once."""
        with transaction.atomic():
            self.finish(
                Import.State.SUCCEEDED,
                mapping=self.job.mapping,
                options=self.job.options,
                format=self.job.options.get("format", ""),
                encoding=self.job.options.get("encoding", ""),
            )
            versions.publish_version(
                dataset=self.job.dataset,
                number=self.job.version,
                kind=DatasetVersion.Kind.IMPORT,
                made_by=self.job.dataset.owner,
                imported_by=self.job,
                facts=self.facts,
            )
        self.hold.tell()

    def end_without_version(self, state: str, message: str) -> None:
        """The songs of a version that never was go; the rejections stay, as they say what went wrong."""
        lifecycle.remove_unpublished(self.job, breathe=self.hold_on)
        self.finish(state, error=message)
        self.hold.tell()

    def hold_on(self) -> None:
        """Renew the lease, whatever a person wishes: the import is on its way to its end."""
        with suppress(Cancelled):
            self.hold.renew()

    def finish(self, state: str, *, error: str = "", **dataset_fields) -> None:
        report = self.counts.report(looks_like=self.looks_like(), warnings=self.warnings())
        if state == Import.State.SUCCEEDED or not self.job.dataset.version:
            dataset_fields["report"] = report  # an older version that stays keeps its own
        is_ours = lifecycle.finish_import(
            self.job.pk, self.hold.token, state, report=report, error=error, dataset_fields=dataset_fields
        )
        if not is_ours:
            raise LeaseLost

    def looks_like(self) -> str:
        """The title of the public dataset that the file was taken for; empty where it is none of them."""
        return self.found_before.get("looks_like") or title_of(self.options.preset)

    def warnings(self) -> list[str]:
        warnings = list(self.found_before.get("warnings", []))
        if self.counts.rejected.total() > reading.STORED_REJECTIONS:
            warnings.append(f"Only the first {reading.STORED_REJECTIONS:,} of the rows that were left out are listed.")
        return warnings
