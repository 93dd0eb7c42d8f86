import gzip
import io
import json

import pytest

from training.importers import ImportOptions, ImportRefused, InvalidOptions, inspect, iterate_records

from .reading import as_archive, look, read, stream_of, texts_of

TABLE = "artist,song,text\n" + "".join(f'A{n},S{n},"la la {n}\nla"\n' for n in range(50))


@pytest.mark.parametrize("filename", ["songs.csv", "songs.txt", "songs.json", "songs", ""])
def test_the_content_decides_and_not_the_name(filename):
    assert look(TABLE, filename).format == "csv"
    assert look('{"lyrics": "la la"}\n', filename).format == "jsonl"


def test_the_preview_shows_twenty_songs_and_can_be_sent_as_json():
    found = look(TABLE, "songs.csv")
    assert [song.title for song in found.songs] == [f"S{n}" for n in range(20)]
    assert found.columns == ("artist", "song", "text")
    sent = json.loads(json.dumps(found.to_dict()))
    assert sent["mapping"] == {"lyrics": "text", "title": "song", "artist": "artist"}
    assert sent["encoding"]["name"] == "utf-8"


def test_options_survive_being_stored_and_read_the_file_as_the_preview_showed():
    found = look(TABLE, "songs.csv")
    stored = ImportOptions.from_dict(json.loads(json.dumps(found.options.to_dict())))
    assert stored == found.options
    items = list(iterate_records(stream_of(TABLE), stored))
    assert tuple(items[:20]) == found.songs
    assert len(items) == 50


def test_the_preview_shows_errors_too():
    found = look("title,lyrics\na,la la\nb\nc,la la\n")
    assert [error.record_number for error in found.errors] == [2]


def test_a_mapping_can_be_corrected():
    content = "lyrics,notes\nno,la la la\n"
    (song,) = read(content, mapping={"lyrics": "notes", "title": "lyrics"})
    assert (song.text, song.title) == ("la la la", "no")


def test_a_table_without_a_lyrics_column_waits_for_a_person():
    found = look("id,price\n1,2\n3,4\n", "x.csv")
    assert found.needs_mapping
    assert found.songs == ()
    assert any("say which one" in warning for warning in found.warnings)
    with pytest.raises(ImportRefused, match="which column"):
        next(iterate_records(stream_of("id,price\n1,2\n"), found.options))


def test_a_header_in_an_unknown_language_is_told_by_its_content():
    rows = "".join(f'Kappale {n},"laa laa laa\nlaa laa laa"\n' for n in range(5))
    found = look("nimi,sanat\n" + rows, "x.csv")
    assert found.needs_mapping
    assert found.mapping == {"lyrics": "sanat"}
    assert any("“sanat”" in warning for warning in found.warnings)
    assert len(found.songs) == 5


def test_a_table_without_a_header_numbers_its_columns_and_asks():
    content = "".join(f'{n},Title {n},"la la la la\nla la la la"\n' for n in range(7))
    found = look(content, "x.csv")
    assert found.columns == ("column 1", "column 2", "column 3")
    assert found.mapping == {"lyrics": "column 3"}
    assert found.needs_mapping
    assert len(found.songs) == 7
    assert not look(content, "x.csv", mapping={"lyrics": "column 3", "title": "column 2"}).needs_mapping


def test_a_table_of_one_column_without_a_header_is_warned_about():
    found = look('"la la\nla"\n"lo lo\nlo"\n', "lyrics.csv")
    assert found.format == "csv"
    assert found.needs_mapping
    assert [song.text for song in found.songs] == ["la la\nla", "lo lo\nlo"]
    assert any("one column only" in warning for warning in found.warnings)


def test_a_table_of_one_named_column_is_read():
    found = look('Lyrics\n"la la\nla"\n"lo lo\nlo"\n', "lyrics.csv")
    assert not found.needs_mapping
    assert len(found.songs) == 2


def test_songs_without_line_breaks_are_warned_about():
    found = look("title,lyrics\n" + "a,la la la\n" * 5)
    assert any("no line breaks" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b" \n\r\n\t ", "white space"),
        (b"\xef\xbb\xbf", "white space"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff" + bytes(100), "program"),
        (b"\x7fELF\2\1\1" + bytes(50), "program"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\x1f\x8b\x08\0abc", "gzip"),
        (b"Rar!\x1a\x07\0", "RAR"),
        (b"ID3\3\0\0\0", "sound"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"<svg xmlns='x'>", "web page"),
        ("<html>".encode("utf-16"), "web page"),
        (b"{\\rtf1 la}", "rich text"),
        (bytes(range(256)) * 20, "not a text file"),
        (b"PK\3\4 and no more", "damaged"),
    ],
)
@pytest.mark.parametrize("filename", ["songs.csv", "songs.txt"])
def test_what_is_no_song_file_is_refused_by_its_name(content, word, filename):
    with pytest.raises(ImportRefused, match=word):
        look(content, filename)


@pytest.mark.parametrize("text", ["MZ is my name\nla la", "RIFF of the night\nla", "ID3 la", "BZh la la", "GIF89 la"])
def test_a_song_that_begins_like_a_picture_is_still_a_song(text):
    assert texts_of(read(text, "x.txt")) == [text]


def test_the_same_file_gives_the_same_records_each_time():
    assert read(TABLE) == read(TABLE)


def test_progress_ends_at_the_size_of_the_file():
    seen = []
    for _ in iterate_records(stream_of(TABLE), progress=seen.append):
        pass
    assert seen == sorted(seen)
    assert seen[-1] == len(TABLE)


@pytest.mark.parametrize("wrap", [bytes, gzip.compress, lambda content: as_archive({"a.csv": content})])
def test_the_first_check_of_a_file_is_not_silent(wrap):
    seen = []
    next(iterate_records(io.BytesIO(wrap(TABLE.encode())), progress=seen.append))
    assert seen[:2] == [0, 0]


def test_a_path_is_read_like_a_stream(tmp_path):
    path = tmp_path / "My Song.txt"
    path.write_text("la la\nla")
    assert inspect(path).songs == inspect(io.BytesIO(b"la la\nla"), "My Song.txt").songs
    assert next(iterate_records(path)).title == "My Song"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("format", "xlsx"),
        ("format", ["csv"]),
        ("delimiter", "x"),
        ("mapping", "lyrics=text"),
        ("mapping", {"words": "text"}),
        ("mapping", {"lyrics": 3}),
        ("has_header", "yes"),
        ("separator", "x" * 101),
        ("separator", "a\nb"),
        ("title_line", 1),
        ("preset", "songdatta"),
        ("preset", ["songdata"]),
        ("cleaning", {"mojibakke": False}),
        ("cleaning", ["mojibake"]),
        ("near_duplicate", False),
        ("colour", None),
    ],
)
def test_an_option_that_makes_no_sense_is_named(option, value):
    with pytest.raises(InvalidOptions) as refusal:
        ImportOptions.from_dict({option: value, "encoding": "no-such"})
    assert set(refusal.value.errors) == {option, "encoding"}
