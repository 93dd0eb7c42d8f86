"""History, collections, links by which others read, and full-text search over lyrics."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models import F

import training.models.identifiers
from training.search_words import words_of

LYRICS_AT_ONCE = 200
# A lyric's own id and its owner's are words too: by them its row is found again without reading all the others.
LYRIC_FTS = """
CREATE VIRTUAL TABLE generator_lyricwords USING fts5(
    lyric_id, owner_id, words, tokenize='unicode61 remove_diacritics 2'
)
"""
# A later migration that rebuilds generator_lyric drops this trigger and has to make it again: the tests of search tell.
LYRIC_GOES = """
CREATE TRIGGER generator_lyric_goes AFTER DELETE ON generator_lyric
BEGIN
    DELETE FROM generator_lyricwords WHERE rowid IN (
        SELECT rowid FROM generator_lyricwords WHERE generator_lyricwords MATCH 'lyric_id : "' || old.id || '"'
    );
END
"""
LYRIC_WORDS = """
CREATE TABLE generator_lyricwords (
    lyric_id varchar(12) PRIMARY KEY REFERENCES generator_lyric (id) ON DELETE CASCADE,
    words tsvector NOT NULL
)
"""
LYRIC_WORDS_INDEX = "CREATE INDEX generator_lyricwords_words ON generator_lyricwords USING gin (words)"
STATEMENTS = {
    "sqlite": ([LYRIC_FTS, LYRIC_GOES], ["DROP TRIGGER generator_lyric_goes", "DROP TABLE generator_lyricwords"]),
    "postgresql": ([LYRIC_WORDS, LYRIC_WORDS_INDEX], ["DROP TABLE generator_lyricwords"]),
}
INDEX_LYRIC = {
    "sqlite": "INSERT INTO generator_lyricwords (lyric_id, owner_id, words) VALUES (%s, %s, %s)",
    "postgresql": """
        INSERT INTO generator_lyricwords (lyric_id, words)
        VALUES (%s, array_to_tsvector(array_prepend('of ' || %s, string_to_array(%s, ' '))))
    """,
}


def make_index(apps, schema_editor):
    for statement in STATEMENTS[schema_editor.connection.vendor][0]:
        schema_editor.execute(statement, params=None)


def drop_index(apps, schema_editor):
    for statement in STATEMENTS[schema_editor.connection.vendor][1]:
        schema_editor.execute(statement, params=None)


def keep_and_index(apps, schema_editor):
    """What is there already was kept by its person, when it was made; from now on its words find it."""
    lyrics = apps.get_model("generator", "Lyric").objects.all()
    lyrics.update(kept_at=F("created_at"))
    statement = INDEX_LYRIC[schema_editor.connection.vendor]
    with schema_editor.connection.cursor() as cursor:
        for lyric in lyrics.iterator(chunk_size=LYRICS_AT_ONCE):
            words = words_of("\n".join([lyric.title, lyric.text, *lyric.tags, lyric.prompt]))
            cursor.execute(statement, [lyric.pk, str(lyric.owner_id), " ".join(words)])


class Migration(migrations.Migration):
    dependencies = [
        ("generator", "0001_initial"),
        ("training", "0010_possible_states"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Collection",
            fields=[
                ("share_link", models.CharField(blank=True, editable=False, max_length=43, null=True, unique=True)),
                (
                    "id",
                    models.CharField(
                        default=training.models.identifiers.new_id,
                        editable=False,
                        max_length=12,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("description", models.TextField(blank=True, max_length=2000)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="CollectionEntry",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=training.models.identifiers.new_id,
                        editable=False,
                        max_length=12,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("position", models.PositiveIntegerField()),
                ("added_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name_plural": "collection entries",
                "ordering": ["position", "id"],
            },
        ),
        migrations.AddField(
            model_name="lyric",
            name="kept_at",
            field=models.DateTimeField(
                blank=True, default=django.utils.timezone.now, help_text="Null: history, so far.", null=True
            ),
        ),
        migrations.AddField(
            model_name="lyric",
            name="made_with",
            field=models.JSONField(
                blank=True, default=dict, help_text="The processor and programs that wrote it, and why it ended."
            ),
        ),
        migrations.AddField(
            model_name="lyric",
            name="share_link",
            field=models.CharField(blank=True, editable=False, max_length=43, null=True, unique=True),
        ),
        migrations.AddIndex(
            model_name="lyric",
            index=models.Index(
                condition=models.Q(("kept_at", None)), fields=["owner", "-created_at", "-id"], name="lyric_history"
            ),
        ),
        migrations.AddConstraint(
            model_name="lyric",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kept_at__isnull", False), models.Q(("bookmarked", False), ("share_link", None)), _connector="OR"
                ),
                name="lyric_dear_is_kept",
                violation_error_message="What is bookmarked or shared is kept.",
            ),
        ),
        migrations.AddField(
            model_name="collection",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="collections", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="collectionentry",
            name="collection",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="entries",
                to="generator.collection",
            ),
        ),
        migrations.AddField(
            model_name="collectionentry",
            name="lyric",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="entries", to="generator.lyric"
            ),
        ),
        migrations.AddIndex(
            model_name="collection",
            index=models.Index(fields=["owner", "-created_at", "-id"], name="collection_owner_newest"),
        ),
        migrations.AddIndex(
            model_name="collectionentry",
            index=models.Index(fields=["collection", "position"], name="entry_in_order"),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(make_index, drop_index)],
            state_operations=[
                migrations.CreateModel(
                    name="LyricWords",
                    fields=[
                        (
                            "lyric",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                primary_key=True,
                                related_name="+",
                                serialize=False,
                                to="generator.lyric",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "generator_lyricwords",
                    },
                ),
            ],
        ),
        migrations.RunPython(keep_and_index, migrations.RunPython.noop),
    ]
