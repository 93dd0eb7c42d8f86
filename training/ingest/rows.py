"""Many songs into the database at once, past the model instances: these cost more than everything else together.

One row is a `SongRow` whose fields are the model's columns. SQLite gets them through one prepared statement,
PostgreSQL through COPY.
"""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from training.models import Song
from training.models.datasets import NEVER


class SongRow(NamedTuple):
    """One row of the songs' table as the database gets it; ``sections`` and ``marks`` are JSON text."""

    dataset_id: str
    imported_by_id: str
    record_number: int
    line_number: int
    ordinal: int
    added_in: int
    title: str
    artist: str
    genre: str
    year: int | None
    language: str
    language_confidence: float | None
    language_in_file: str
    text: str
    raw_text: str
    sections: str
    marks: str
    line_count: int
    word_count: int
    character_count: int
    text_hash: str
    normalised_hash: str
    excluded_as: str | None
    duplicate_group: str = ""
    removed_in: int = NEVER


def insert_songs(rows: Sequence[SongRow]) -> None:
    """Write the rows in the caller's transaction. Raises: IntegrityError where a song is there already."""
    if not rows:
        return
    table = connection.ops.quote_name(Song._meta.db_table)
    columns = ", ".join(map(connection.ops.quote_name, SongRow._fields))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            values = ", ".join(["%s"] * len(SongRow._fields))
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values})", rows)  # noqa: S608 - no value in it
