"""What makes lyrics findable by their words."""

from django.db import models

from generator.models.lyrics import Lyric


class LyricWords(models.Model):
    """The words of one lyric: a row of an FTS5 table on SQLite, a tsvector on PostgreSQL.

    Migration 0002 makes the table, with columns that only `generator.search` reads and writes. A row goes with its
    lyric, by a trigger of SQLite's and PostgreSQL's own cascade.
    """

    lyric = models.OneToOneField(Lyric, on_delete=models.DO_NOTHING, primary_key=True, related_name="+")

    class Meta:
        db_table = "generator_lyricwords"

    def __str__(self) -> str:
        return f"words of lyric {self.lyric_id}"
