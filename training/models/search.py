"""What makes songs findable by their words, where the database keeps that in a table of ours."""

from django.db import models

from training.models.datasets import Song


class SongWords(models.Model):
    """The words of one song on PostgreSQL: a row goes with its song, by the database's own cascade.

    Migration 0003 makes the table, with a column ``words`` that only `training.search` reads and writes. SQLite has
    no such table: there an FTS5 index stands beside the songs.
    """

    song = models.OneToOneField(Song, on_delete=models.DO_NOTHING, primary_key=True, related_name="+")

    class Meta:
        db_table = "training_songwords"

    def __str__(self) -> str:
        return f"words of song {self.song_id}"
