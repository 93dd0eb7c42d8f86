"""Folders on disk, read like an archive whose members are its files."""

import gzip
import os

import pytest

from training.importers import ImportRefused, Limits, inspect, iterate_records

from .reading import errors_of, songs_of, texts_of


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "songs"
    for name, content in {
        "Tom/b.txt": "lo lo",
        "Ada/a.txt": "la la",
        "Ada/more.csv.gz": gzip.compress(b"title,lyrics\nSix,le lo\n"),
        "z.jsonl": '{"lyrics": "lu lu"}',
        ".DS_Store": "x",
        "inner.zip": b"PK\3\4",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def test_files_are_read_in_the_order_of_their_names_and_with_their_folder_as_artist(folder):
    items = list(iterate_records(folder))
    assert [(song.artist, song.title, song.text) for song in songs_of(items)] == [
        ("", "", "lu lu"),
        ("Ada", "a", "la la"),
        ("", "Six", "le lo"),
        ("Tom", "b", "lo lo"),
    ]
    assert [item.record_number for item in items] == list(range(1, 7))
    assert sorted(reason for _, _, reason in errors_of(items)) == ["binary", "junk"]
    assert items == list(iterate_records(str(folder)))


def test_a_folder_is_looked_at_before_it_is_read(folder):
    found = inspect(folder)
    assert found.format == "zip"
    assert len(found.songs) == 4
    assert tuple(songs_of(iterate_records(folder, found.options))) == found.songs


def test_a_folder_may_have_more_files_than_an_archive(folder):
    for number in range(60):
        (folder / f"{number}.txt").write_text("la")
    assert len(songs_of(iterate_records(folder, limits=Limits(archive_members=10)))) == 64


def test_links_are_followed_inside_of_the_folder_and_never_out_of_it(folder, tmp_path):
    (tmp_path / "secret.txt").write_text("la secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/secret.txt").write_text("la secret")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "Out").symlink_to(tmp_path / "elsewhere")
    (folder / "up").symlink_to(folder)
    (folder / "gone.txt").symlink_to(folder / "nothing")
    (folder / "same.txt").symlink_to(folder / "Tom/b.txt")
    items = list(iterate_records(folder))
    assert not any("secret" in text for text in texts_of(items))
    assert texts_of(items).count("lo lo") == 2
    unsafe = [item.column for item in items if getattr(item, "reason", "") == "unsafe_path"]
    assert sorted(unsafe) == ["Out", "gone.txt", "out.txt", "up"]


def test_a_pipe_does_not_keep_the_import_waiting(folder):
    os.mkfifo(folder / "pipe.txt")
    assert "pipe.txt" in [item.column for item in iterate_records(folder) if hasattr(item, "reason")]


def test_a_name_that_is_no_text_is_read_and_shown_as_far_as_it_is(folder):
    (folder / "b\udcff").mkdir()
    (folder / "b\udcff/c\udcff.txt").write_text("la li")
    (folder / "b\udcff/d\udcff.md").write_text("la li")
    items = list(iterate_records(folder))
    assert "la li" in texts_of(items)
    for item in items:
        str(item.to_dict()).encode()


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ImportRefused, match="no files"):
        inspect(tmp_path)


def test_progress_counts_all_files(folder):
    seen = []
    for _ in iterate_records(folder, progress=seen.append):
        pass
    read = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert seen == sorted(seen)
    assert seen[-1] <= read
