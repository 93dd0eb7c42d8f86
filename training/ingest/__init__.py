"""Fills a dataset from its file, phase by phase; each phase can be done again from its beginning.

    GATHERING ──▶ READING ──▶ COMPARING ──▶ INDEXING ──▶ COUNTING ──▶ publish
    songs of      records     copies get    full-text    statistics    the version is
    other data-   become      their flag    search       and hash      there, all at once
    sets: a file  Song rows

Nobody sees the songs before the version is published: they carry a version number the dataset has not reached yet.
Every write carries the lease's token, so a worker that has lost its import writes nothing more. What was counted is
written in the transaction of the songs it counts, so an import whose worker was killed goes on where it was.

    pipeline.py   the phases in their order, and the end
    hold.py       the lease, progress, a wish to cancel
    reading.py    records to rows, in bounded batches
    preparing.py  one record to one row
    rows.py       many rows into the database at once
    counts.py     what is counted, and the report
    comparing.py  copies
    counting.py   the older version's end, the new one's facts
"""

from training.ingest.hold import Cancelled, LeaseLost
from training.ingest.pipeline import run_import

__all__ = ["Cancelled", "LeaseLost", "run_import"]
