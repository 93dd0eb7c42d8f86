"""Songs into a file, from the command line."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "options", "kind"), [("a.csv", [], "csv"), ("a", [], "jsonl"), ("a.csv", ["--format", "jsonl"], "jsonl")]
)
def test_the_songs_in_use_are_written(ready_dataset, tmp_path, capsys, name, options, kind):
    ready_dataset.songs.filter(ordinal=1).update(excluded_as="person")
    call_command("export_songs", ready_dataset.pk, str(tmp_path / name), *options)

    lines = (tmp_path / name).read_text()
    assert lines.startswith("ordinal,title" if kind == "csv" else '{"ordinal": 2')
    if kind == "jsonl":
        assert [json.loads(line)["ordinal"] for line in lines.splitlines()] == list(range(2, 25))
    assert "23 songs of Small songs" in capsys.readouterr().out


def test_what_cannot_be_written_says_why(ready_dataset, tmp_path):
    with pytest.raises(CommandError, match="no dataset"):
        call_command("export_songs", "nope", str(tmp_path / "a"))
    with pytest.raises(CommandError, match="can't be written"):
        call_command("export_songs", ready_dataset.pk, str(tmp_path))
