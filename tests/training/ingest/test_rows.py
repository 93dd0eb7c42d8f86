"""A row written past the model instances is the row that the model would have written."""

import pytest

from tests.training.song_files import imported
from training.ingest.rows import SongRow
from training.models import Song


def test_a_row_has_every_column_of_the_model():
    columns = {field.column for field in Song._meta.concrete_fields if not field.primary_key}
    assert set(SongRow._fields) == columns


@pytest.mark.django_db
@pytest.mark.usefixtures("doorbells")
def test_a_stored_song_reads_as_the_model_means_it(user):
    song = imported(user).songs.first()
    song.full_clean()
    assert (song.sections, song.marks) == ([{"name": "", "lines": song.line_count}], [])
