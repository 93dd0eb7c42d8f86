"""Full-text search of songs: FTS5 on SQLite, a tsvector beside each song on PostgreSQL.

Songs that are there already stay without: their imports don't say ``full_text``, so they are searched word by word.
"""

import django.db.models.deletion
from django.db import migrations, models

SONG_FTS = """
CREATE VIRTUAL TABLE training_song_fts USING fts5(
    dataset_id, title, artist, text,
    content='training_song', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
)
"""
# An import adds songs in many small transactions: merging their segments half as often as usual takes a third less
# time (82 -> 57 us a song of 1.2 kB), and no transaction takes longer.
MERGE_LATER = "INSERT INTO training_song_fts (training_song_fts, rank) VALUES ('automerge', 8)"
# The index has no copy of the texts, so it must be told what a song said before that is gone; and only of songs it
# knows, which its own table of sizes names. A later migration that rebuilds training_song drops these triggers and
# has to make them again: the tests of deletion tell.
FORGET_SONG = """
    INSERT INTO training_song_fts (training_song_fts, rowid, dataset_id, title, artist, text)
    VALUES ('delete', old.id, old.dataset_id, old.title, old.artist, old.text);
"""
SONG_GOES = f"""
CREATE TRIGGER training_song_goes AFTER DELETE ON training_song
WHEN EXISTS (SELECT 1 FROM training_song_fts_docsize WHERE id = old.id)
BEGIN {FORGET_SONG} END
"""  # noqa: S608 - nothing here comes from outside
SONG_CHANGES = f"""
CREATE TRIGGER training_song_changes AFTER UPDATE OF dataset_id, title, artist, text ON training_song
WHEN EXISTS (SELECT 1 FROM training_song_fts_docsize WHERE id = old.id)
BEGIN
    {FORGET_SONG}
    INSERT INTO training_song_fts (rowid, dataset_id, title, artist, text)
    VALUES (new.id, new.dataset_id, new.title, new.artist, new.text);
END
"""  # noqa: S608
SONG_WORDS = """
CREATE TABLE training_songwords (
    song_id bigint PRIMARY KEY REFERENCES training_song (id) ON DELETE CASCADE,
    words tsvector NOT NULL
)
"""
SONG_WORDS_INDEX = "CREATE INDEX training_songwords_words ON training_songwords USING gin (words)"

STATEMENTS = {
    "sqlite": (
        [SONG_FTS, MERGE_LATER, SONG_GOES, SONG_CHANGES],
        ["DROP TRIGGER training_song_changes", "DROP TRIGGER training_song_goes", "DROP TABLE training_song_fts"],
    ),
    "postgresql": ([SONG_WORDS, SONG_WORDS_INDEX], ["DROP TABLE training_songwords"]),
}


def make_index(apps, schema_editor):
    for statement in STATEMENTS[schema_editor.connection.vendor][0]:
        schema_editor.execute(statement, params=None)


def drop_index(apps, schema_editor):
    for statement in STATEMENTS[schema_editor.connection.vendor][1]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("training", "0002_trusted_datasets")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(make_index, drop_index)],
            state_operations=[
                migrations.CreateModel(
                    name="SongWords",
                    fields=[
                        (
                            "song",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                primary_key=True,
                                related_name="+",
                                serialize=False,
                                to="training.song",
                            ),
                        ),
                    ],
                    options={"db_table": "training_songwords"},
                ),
            ],
        ),
    ]
