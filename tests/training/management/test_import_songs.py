"""Importing from the command line."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.training.song_files import csv_file, unsure_file
from training.models import Dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def song_path(tmp_path):
    path = tmp_path / "songs.csv"
    path.write_bytes(csv_file().read())
    return path


def import_songs(path, **options) -> str:
    told = StringIO()
    call_command("import_songs", str(path), **{"dataset": "Harbour", **options}, stdout=told, stderr=told)
    return told.getvalue()


def test_a_file_becomes_a_ready_dataset_and_its_report_is_printed(user, song_path):
    told = import_songs(song_path, owner="mara")

    dataset = Dataset.objects.get()
    assert (dataset.name, dataset.owner, dataset.state) == ("Harbour", user, "ready")
    assert "Accepted            3" in told
    assert dataset.pk in told


def test_without_an_owner_it_belongs_to_the_administrator(staff_user, song_path):
    import_songs(song_path)

    assert Dataset.objects.get().owner == staff_user


def test_columns_are_named_by_map(user, tmp_path):
    path = tmp_path / "unsure.csv"
    path.write_bytes(unsure_file().read())
    with pytest.raises(CommandError, match="alpha, beta"):
        import_songs(path, owner="mara")

    import_songs(path, owner="mara", map=["lyrics=beta", "title=alpha"])
    assert Dataset.objects.get().mapping == {"lyrics": "beta", "title": "alpha"}


def test_nothing_accepted_ends_with_one(user, tmp_path):
    path = tmp_path / "empty.csv"
    path.write_text("title,lyrics\nA,\n")

    with pytest.raises(SystemExit) as end:
        import_songs(path, owner="mara")
    assert end.value.code == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"owner": "nobody"}, "no user called"),
        ({"owner": "mara", "map": ["lyrics"]}, "ROLE=COLUMN"),
        ({"owner": "mara", "map": ["lyrics=nope"]}, "no column named"),
        ({"owner": "mara", "dataset": "Taken"}, "already has a dataset"),
        ({}, "no administrator"),
    ],
)
def test_a_mistake_is_explained(user, song_path, options, words):
    Dataset.objects.create(owner=user, name="Taken")

    with pytest.raises(CommandError, match=words):
        import_songs(song_path, **options)


def test_a_file_that_is_not_there_is_explained(user, tmp_path):
    with pytest.raises(CommandError, match="can't be read"):
        import_songs(tmp_path / "nope.csv", owner="mara")
