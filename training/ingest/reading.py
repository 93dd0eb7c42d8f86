"""READING: the records of the file become rows, in bounded batches, each with the counts that include it.

file ──iterate_records──▶ ParsedSong ──prepare──▶ SongRow ─┐
                          RowError  ───────────▶ Rejection ┴─▶ one transaction: rows, rejections, counts, lease
"""

import time
from collections.abc import Iterator

from django.db import transaction

from training.importers import ImportOptions, ParsedSong, Reason, RowError, iterate_records
from training.importers.values import snippet
from training.ingest.counts import LANGUAGE, Counts
from training.ingest.hold import Hold
from training.ingest.preparing import Preparation
from training.ingest.rows import SongRow, insert_songs
from training.models import Import, Rejection
from training.reading_limits import limits_for

# Writing a batch holds SQLite's one write lock for about 10 ms; preparing the next one takes longer, so others always
# get their turn. Characters are counted too: a batch of the longest songs would need 100 MB.
BATCH_SONGS = 500
BATCH_CHARACTERS = 1_000_000
FLUSH_SECONDS = 1.0
STORED_REJECTIONS = 10_000
LONGEST_COLUMN, LONGEST_MESSAGE, LONGEST_SNIPPET = 120, 300, 200


class Reading:
    """The file of one import on its way into the database."""

    def __init__(self, job: Import, options: ImportOptions, hold: Hold, counts: Counts) -> None:
        self.job, self.options, self.hold, self.counts = job, options, hold, counts
        self.preparation = Preparation(job, options)
        self.rows: list[SongRow] = []
        self.rejections: list[Rejection] = []
        self.characters = 0
        self.flushed_at = time.monotonic()

    def run(self) -> None:
        """Read the file from where the counts say, to its end.

        Raises: ImportRefused where the file as a whole is unreadable, LeaseLost, Cancelled.
        """
        stored_before = self.counts.records
        for number, record in enumerate(self.records(), start=1):
            if number <= stored_before:  # read past what an attempt before this one has stored
                self.hold.breathe()
                continue
            self.take(record)
            if self.is_time_to_flush():
                self.flush()
        self.flush()

    def records(self) -> Iterator[ParsedSong | RowError]:
        """Yield the records of the file, as the import's mapping and options say."""
        with self.job.file.file.open("rb") as stream:
            yield from iterate_records(
                stream,
                self.options,
                filename=self.job.file.original_name,
                limits=limits_for(self.job.file),
                progress=self.note_bytes,
            )

    def note_bytes(self, bytes_read: int) -> None:
        """Called after each piece of the file that was read, also where no record comes out of it for long."""
        self.job.bytes_read = bytes_read
        self.hold.breathe()

    def take(self, record: ParsedSong | RowError) -> None:
        self.counts.records += 1
        self.job.records_read = self.counts.records
        if isinstance(record, RowError):
            self.reject(record)
            return
        row = self.preparation.prepare(record, self.counts)
        if row is None:
            message = "There are no words in this song."
            self.reject(RowError(record.record_number, record.line, "", Reason.EMPTY, message, snippet(record.text)))
            return
        self.rows.append(row)
        self.characters += len(row.text) + len(row.raw_text)
        if row.excluded_as:
            self.list_rejection(
                record.record_number, record.line, "", LANGUAGE, f"This song is in another language: {row.language}.",
                snippet(row.text),
            )  # fmt: skip

    def reject(self, error: RowError) -> None:
        self.counts.rejected[str(error.reason)] += 1
        self.list_rejection(
            error.record_number, error.line, error.column, str(error.reason), error.message, error.snippet
        )

    def list_rejection(self, number: int, line: int, column: str, reason: str, message: str, snippet: str) -> None:
        """Keep a row about a record that was left out and is counted; of the first ones only."""
        if self.counts.rejected.total() <= STORED_REJECTIONS:
            self.rejections.append(
                Rejection(
                    imported_by=self.job,
                    record_number=number,
                    line=line,
                    column=column[:LONGEST_COLUMN],
                    reason=reason,
                    message=message[:LONGEST_MESSAGE],
                    snippet=snippet[:LONGEST_SNIPPET],
                )
            )

    def is_time_to_flush(self) -> bool:
        is_full = len(self.rows) >= BATCH_SONGS or self.characters >= BATCH_CHARACTERS
        return is_full or time.monotonic() - self.flushed_at >= FLUSH_SECONDS

    def flush(self) -> None:
        """Write what has gathered and what is counted by now, renew the lease and hear whether to stop."""
        now = time.monotonic()
        self.counts.seconds = round(self.counts.seconds + now - self.flushed_at, 3)
        with transaction.atomic():
            self.hold.renew(counts=self.counts.to_dict())
            insert_songs(self.rows)
            Rejection.objects.bulk_create(self.rejections)
        self.rows, self.rejections, self.characters = [], [], 0
        self.flushed_at = now
        self.hold.tell()
