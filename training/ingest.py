"""Fills a dataset from its file: importers on one side, rows in bounded batches on the other.

    file ──iterate_records──▶ ParsedSong ──prepare──▶ Song rows of the next version ──publish──▶ the dataset is ready
                              RowError  ───────────▶ Rejection rows

Nobody sees the songs before the version is published: they carry a version number the dataset has not reached yet.
Every write carries the lease's token, so a worker that has lost its import writes nothing more.
"""

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from uuid import UUID

from django.db import transaction

from training import lifecycle
from training.importers import (
    ImportOptions,
    ImportRefused,
    Limits,
    ParsedSong,
    Reason,
    RowError,
    iterate_records,
)
from training.language_model import lyric_text
from training.models import Import, Rejection, Song
from training.statistics import SongStatistics, words_of

logger = logging.getLogger(__name__)

# Writing a batch holds SQLite's one write lock; preparing the next one takes longer, so others always get their turn.
BATCH_SONGS = 200
FLUSH_SECONDS = 1.0
STORED_REJECTIONS = 10_000
STAFF_LIMITS = Limits(archive_bytes=2_000_000_000)
LONGEST_NAME, LONGEST_GENRE, LONGEST_LANGUAGE, LONGEST_MEMBER_NAME = 300, 100, 35, 120


class LeaseLost(Exception):
    """Raised when another worker has the import, or it was deleted: nothing may be written any more."""


class Cancelled(Exception):
    """Raised when a person asked to stop."""


def run_import(import_id: str, token: UUID, *, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Read the import's file from its beginning and make the dataset's next version of it.

    Ends the import itself, whether it succeeded, was refused or cancelled. A killed import is simply run again: the
    rows it had written are removed first.

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
        self.token = token
        self.on_progress = on_progress
        self.records_read = self.bytes_read = self.ordinal = 0
        self.accepted = self.exact_duplicates = self.non_english = 0
        self.rejected: Counter[str] = Counter()
        self.statistics = SongStatistics()
        self.content = hashlib.sha256()
        self.songs: list[Song] = []
        self.rejections: list[Rejection] = []
        self.found_before = job.report.get("warnings", [])  # what the look at the file had to say
        self.flushed_at = time.monotonic()

    def run(self) -> None:
        remove_rows(self.job)
        try:
            for record in self.read():
                self.take(record)
                if self.is_time_to_flush():
                    self.flush()
            self.flush()
        except ImportRefused as refusal:
            self.fail(str(refusal))
        except Cancelled:
            self.stop()
        else:
            self.publish()

    def read(self) -> Iterable[ParsedSong | RowError]:
        """Yield the records of the file, as the import's mapping and options say."""
        options = ImportOptions.from_dict({**self.job.options, "mapping": self.job.mapping})
        limits = STAFF_LIMITS if self.job.dataset.owner.is_staff else Limits()
        with self.job.file.file.open("rb") as stream:
            yield from iterate_records(
                stream,
                options,
                filename=self.job.file.original_name,
                limits=limits,
                progress=self.note_bytes,
            )

    def note_bytes(self, bytes_read: int) -> None:
        self.bytes_read = bytes_read

    def take(self, record: ParsedSong | RowError) -> None:
        self.records_read += 1
        if isinstance(record, RowError):
            self.reject(record)
            return
        song = prepare_song(record)
        if song is None:
            message = "There are no words in this song."
            self.reject(RowError(record.record_number, record.line, "", Reason.EMPTY, message))
        else:
            self.songs.append(song)

    def reject(self, error: RowError) -> None:
        self.rejected[str(error.reason)] += 1
        if self.rejected.total() <= STORED_REJECTIONS:
            self.rejections.append(
                Rejection(
                    imported_by=self.job,
                    record_number=error.record_number,
                    line=error.line,
                    column=error.column[:LONGEST_MEMBER_NAME],
                    reason=str(error.reason),
                    message=error.message[:300],
                    snippet=error.snippet[:200],
                )
            )

    def is_time_to_flush(self) -> bool:
        return len(self.songs) >= BATCH_SONGS or time.monotonic() - self.flushed_at >= FLUSH_SECONDS

    def flush(self) -> None:
        """Write what has gathered, renew the lease and hear whether to stop."""
        self.number_songs()
        with transaction.atomic():
            lease = lifecycle.renew_import(
                self.job.pk, self.token, records_read=self.records_read, bytes_read=self.bytes_read
            )
            if not lease.ok:
                raise LeaseLost
            Song.objects.bulk_create(self.songs)
            Rejection.objects.bulk_create(self.rejections)
        self.songs, self.rejections = [], []
        self.flushed_at = time.monotonic()
        if self.on_progress:
            self.on_progress(self.records_read, self.bytes_read)
        if lease.cancel_requested:
            raise Cancelled

    def number_songs(self) -> None:
        """Give the gathered songs their places, find exact copies, and count those in use."""
        known = self.texts_already_stored()
        for song in self.songs:
            self.ordinal += 1
            song.dataset_id = self.job.dataset_id
            song.imported_by = self.job
            song.ordinal = self.ordinal
            song.added_in = self.job.version
            if song.text_hash in known:
                song.excluded_as = Song.Excluded.EXACT
                self.exact_duplicates += 1
            else:
                known.add(song.text_hash)
                self.count(song)

    def texts_already_stored(self) -> set[str]:
        """Return which of the gathered texts are stored already: asked of the database, so that memory stays flat."""
        hashes = {song.text_hash for song in self.songs}
        stored = Song.objects.filter(dataset=self.job.dataset_id, imported_by=self.job, text_hash__in=hashes)
        return set(stored.values_list("text_hash", flat=True))

    def count(self, song: Song) -> None:
        self.accepted += 1
        self.content.update(bytes.fromhex(song.text_hash))
        self.non_english += bool(song.language) and not song.language.lower().startswith("en")
        self.statistics.add(
            lines=lyric_lines(song.text),
            characters=song.character_count,
            artist=song.artist,
            genre=song.genre,
            has_sections=any(section["name"] for section in song.sections),
        )

    def publish(self) -> None:
        """Make the gathered songs the dataset's new version, or fail where there are none."""
        if not self.accepted:
            self.fail(self.why_nothing_was_accepted())
            return
        with transaction.atomic():
            self.finish(
                Import.State.SUCCEEDED,
                statistics=self.statistics.to_dict(),
                content_hash=self.content.hexdigest(),
                mapping=self.job.mapping,
                options=self.job.options,
                format=self.job.options.get("format", ""),
                encoding=self.job.options.get("encoding", ""),
            )
            older = Song.objects.of_version(self.job.version).filter(
                dataset=self.job.dataset_id, added_in__lt=self.job.version
            )
            older.update(removed_in=self.job.version)

    def fail(self, message: str) -> None:
        with transaction.atomic():
            self.finish(Import.State.FAILED, error=message)
            # The songs of a version that never was go; the rejections stay, as they say what went wrong.
            Song.objects.filter(imported_by=self.job).delete()
            Rejection.objects.bulk_create(self.rejections)

    def stop(self) -> None:
        with transaction.atomic():
            self.finish(Import.State.CANCELLED, error="The import was cancelled.")
            Song.objects.filter(imported_by=self.job).delete()

    def finish(self, state: str, *, error: str = "", **dataset_fields) -> None:
        report = self.report()
        if state == Import.State.SUCCEEDED or not self.job.dataset.version:
            dataset_fields["report"] = report  # an older version that stays keeps its own
        is_ours = lifecycle.finish_import(
            self.job.pk, self.token, state, report=report, error=error, dataset_fields=dataset_fields
        )
        if not is_ours:
            raise LeaseLost

    def report(self) -> dict:
        return {
            "records": self.records_read,
            "accepted": self.accepted,
            "rejected": dict(self.rejected),
            "duplicates": {"exact": self.exact_duplicates, "normalised": 0, "near": 0},
            "non_english": self.non_english,
            "warnings": self.warnings(),
        }

    def warnings(self) -> list[str]:
        warnings = list(self.found_before)
        if self.rejected.total() > STORED_REJECTIONS:
            warnings.append(f"Only the first {STORED_REJECTIONS:,} of the rows that were left out are listed.")
        return warnings

    def why_nothing_was_accepted(self) -> str:
        if not self.records_read:
            return "There is no song in this file."
        reason, count = self.rejected.most_common(1)[0]
        return f"No song came out of this file: {count:,} of {self.records_read:,} records were left out as {reason}."


def remove_rows(job: Import) -> None:
    """Remove what an earlier, killed attempt of this import had written."""
    Song.objects.filter(imported_by=job).delete()
    Rejection.objects.filter(imported_by=job).delete()


def prepare_song(record: ParsedSong) -> Song | None:
    """Return the row of a song with its text normalised and counted, without a place; None if no word is left."""
    text = lyric_text.normalise(record.text)
    lines = lyric_lines(text)
    word_count = sum(len(words_of(line)) for line in lines)
    if not word_count:
        return None
    digest = text_hash(text)
    return Song(
        record_number=record.record_number,
        line_number=record.line,
        title=record.title[:LONGEST_NAME],
        artist=record.artist[:LONGEST_NAME],
        genre=record.genre[:LONGEST_GENRE],
        language=record.language[:LONGEST_LANGUAGE],
        year=record.year,
        text=text,
        raw_text="" if record.text == text else record.text,
        sections=[{"name": section["name"], "lines": len(section["lines"])} for section in lyric_text.sections(text)],
        line_count=len(lines),
        word_count=word_count,
        character_count=len(text),
        text_hash=digest,
        duplicate_group=digest,
    )


def lyric_lines(text: str) -> list[str]:
    """The lines of a normalised text that are sung: no blank lines, no section names."""
    return [line for line in text.split("\n") if line and lyric_text.section_name(line) is None]


def text_hash(text: str) -> str:
    """The fingerprint by which exact copies are known: BLAKE2b of the normalised text, 32 hexadecimal digits."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
