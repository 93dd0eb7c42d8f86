"""Arguments of the import command that are no text, or no file."""

import pytest
from django.core.management import CommandError, call_command

from tests.training.song_files import csv_file
from training.models import Dataset

pytestmark = pytest.mark.django_db

NO_TEXT = "a\udcffb"  # how Python shows the byte 0xff of an argument


@pytest.mark.parametrize("option", ["dataset", "owner", "map"])
def test_an_argument_that_is_no_text_is_explained(user, tmp_path, option):
    path = tmp_path / "songs.csv"
    path.write_bytes(csv_file().read())
    said = {"dataset": "Harbour", "owner": "mara", "map": "lyrics=lyrics", option: NO_TEXT}

    with pytest.raises(CommandError, match=f"--{option}.*not UTF-8"):
        call_command("import_songs", str(path), *(f"--{name}={value}" for name, value in said.items()))
    assert not Dataset.objects.exists()


def test_a_file_name_that_is_no_text_is_read_all_the_same(user, tmp_path):
    path = tmp_path / f"{NO_TEXT}.csv"
    path.write_bytes(csv_file().read())

    call_command("import_songs", str(path), dataset="Harbour", owner="mara")

    dataset = Dataset.objects.get()
    assert dataset.state == "ready"
    assert dataset.files.get().original_name == "ab.csv"


def test_an_empty_folder_is_explained(user, tmp_path):
    with pytest.raises(CommandError, match="no files"):
        call_command("import_songs", str(tmp_path), dataset="Harbour", owner="mara")
    assert not Dataset.objects.exists()


def test_a_folder_is_imported_alone(user, tmp_path):
    with pytest.raises(CommandError, match="import it alone"):
        call_command("import_songs", str(tmp_path), str(tmp_path / "a.csv"), dataset="Harbour", owner="mara")
