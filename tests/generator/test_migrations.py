"""What was there before a migration is there after it."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from generator.models import Lyric
from generator.search import search


@pytest.fixture
def before_keeping(transactional_db):
    """The models as they were when a lyric was only saved; the newest tables are there again afterwards."""
    target = [("generator", "0001_initial")]
    executor = MigrationExecutor(connection)
    executor.migrate(target)
    yield executor.loader.project_state(target).apps
    migrate_to_newest()


def migrate_to_newest() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_lyrics_of_before_are_kept_and_found(before_keeping, user):
    old = before_keeping.get_model("generator", "Lyric")
    made = old.objects.create(owner_id=user.pk, title="Café", text="Oh my letter", tags=["für June"], bookmarked=True)
    migrate_to_newest()
    lyric = Lyric.objects.get(pk=made.pk)
    assert (lyric.kept_at, lyric.is_shared, lyric.made_with) == (made.created_at, False, {})
    for words in ("cafe", "letter", "fur june"):
        assert list(search(Lyric.objects.all(), words, owner=user)) == [lyric]
    lyric.delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM generator_lyricwords")
        assert cursor.fetchone() == (0,)
