"""Importing from the command line."""

import gzip
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.training.song_files import csv_file, unsure_file
from training.management.commands.import_songs import Command, import_options, report_lines
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


def test_a_folder_becomes_a_dataset_with_its_folders_as_artists(user, tmp_path):
    for artist, title, words in [("Ada", "Winter", "a key\nto the door"), ("Tom", "Bells", "no boat\nand no shore")]:
        (tmp_path / "songs" / artist).mkdir(parents=True)
        (tmp_path / "songs" / artist / f"{title}.txt").write_text(words)
    (tmp_path / "songs" / "elsewhere.txt").symlink_to("/etc/hostname")

    told = import_songs(tmp_path / "songs", owner="mara")

    dataset = Dataset.objects.get()
    assert [(song.artist, song.title) for song in dataset.songs_in_use().order_by("ordinal")] == [
        ("Ada", "Winter"),
        ("Tom", "Bells"),
    ]
    assert "Rejected            1  unsafe_path" in told
    assert "elsewhere.txt, line 1" in told
    assert dataset.files.get().original_name == "songs.zip"


def test_a_wrapped_file_is_unwrapped(user, song_path, tmp_path):
    (tmp_path / "songs.csv.gz").write_bytes(gzip.compress(song_path.read_bytes()))

    import_songs(tmp_path / "songs.csv.gz", owner="mara")

    dataset = Dataset.objects.get()
    assert (dataset.format, dataset.songs_in_use().count()) == ("csv", 3)


def test_several_files_are_one_dataset(user, tmp_path):
    (tmp_path / "artists-data.csv").write_text(
        "Artist,Genres,Songs,Popularity,Link\nThe Millrace,Folk; Pop,1,1,/mill/\n"
    )
    (tmp_path / "lyrics-data.csv").write_text('ALink,SName,SLink,Lyric,language\n/mill/,Salt,/s/,"la la\nla",en\n')
    told = StringIO()

    call_command(
        "import_songs",
        str(tmp_path / "lyrics-data.csv"),
        str(tmp_path / "artists-data.csv"),
        dataset="Harbour",
        owner="mara",
        stdout=told,
    )

    (song,) = Dataset.objects.get().songs_in_use()
    assert (song.artist, song.title, song.genre) == ("The Millrace", "Salt", "Folk")


def test_what_is_to_be_done_with_the_songs_is_among_the_options():
    arguments = (
        Command()
        .create_parser("manage.py", "import_songs")
        .parse_args(
            [
                *("songs.csv", "--dataset", "Harbour", "--no-clean", "markup", "spacing", "--language", "en", "de"),
                *("--no-near-duplicates", "--no-duplicates", "--no-full-text", "--no-detect-language"),
            ]
        )
    )

    assert import_options(vars(arguments)) == {
        "cleaning": {"markup": False, "spacing": False},
        "language": ["en", "de"],
        "near_duplicates": False,
        "duplicates": False,
        "full_text": False,
        "detect_language": False,
    }


def test_a_step_that_is_left_out_is_not_done(user, song_path):
    call_command(
        "import_songs", str(song_path), "--dataset=Harbour", "--owner=mara", "--no-duplicates", stdout=StringIO()
    )

    assert Dataset.objects.get().imports.get().options["duplicates"] is False


def test_a_cleaning_step_that_is_not_there_is_named(user, song_path):
    with pytest.raises(CommandError, match="nonsense"):
        call_command("import_songs", str(song_path), "--dataset=Harbour", "--owner=mara", "--no-clean=nonsense")


def test_a_report_prints_what_it_has_and_nothing_else():
    assert list(report_lines({"records": 1200, "accepted": 1200})) == ["Records         1,200", "Accepted        1,200"]
    report = {
        "records": 10,
        "accepted": 5,
        "rejected": {"empty": 2},
        "duplicates": {"exact": 1, "normalised": 0, "near": 2},
        "languages": {"de": 1, "en": 4},
        "cleaning": {"markup": {"songs": 3, "places": 7}},
        "marks": {"repeats": 2},
        "replaced_characters": 9,
        "missing_artist": 1,
        "looks_like": "A Set",
        "warnings": ["Beware."],
    }
    assert [line.split() for line in report_lines(report)] == [
        ["Looks", "like", "A", "Set"],
        ["Records", "10"],
        ["Accepted", "5"],
        ["Duplicates", "1", "exact"],
        ["Duplicates", "2", "near"],
        ["Rejected", "2", "empty"],
        ["Language", "4", "en"],
        ["Language", "1", "de"],
        ["Cleaned", "3", "songs", "by", "markup,", "in", "7", "places"],
        ["Marked", "2", "repeats"],
        ["Replaced", "9", "characters", "that", "could", "not", "be", "read"],
        ["No", "artist", "1"],
        ["Warning:", "Beware."],
    ]
