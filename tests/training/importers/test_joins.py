"""Songs whose artist or title stands in another file of the same archive or folder."""

import gzip
import io
import tracemalloc
import zipfile

import pytest

from training.importers import Limits, inspect, iterate_records

from .reading import errors_of, look, read, songs_of

OLD_SONGS = (
    "ALink,SName,SLink,Lyric,Idiom\n"
    '/the-millrace/,Salt,/the-millrace/salt.html,"la la\nla",ENGLISH\n'
    '/a-ha/,Nine,/a-ha/nine.html,"lo lo\nlo",PORTUGUESE\n'
    '/10000-bells/,Ten,/10000-bells/ten.html,"lu lu\nlu",ENGLISH\n'
)
OLD_ARTISTS = (
    "Artist,Songs,Popularity,Link,Genre,Genres\n"
    "The Millrace,110,0.3,/the-millrace/,Rock,Rock; Pop\n"
    "The Millrace,110,0.3,/the-millrace/,Pop,Rock; Pop\n"
    "Aha!,1,0.1,/aha/,Samba,Samba\n"
    "a-ha,1,0.1,/a-ha/,Pop,Pop\n"
)
NEW_SONGS = OLD_SONGS.replace("Idiom", "language").replace("ENGLISH", "en").replace("PORTUGUESE", "pt")
NEW_ARTISTS = (
    "Artist,Genres,Songs,Popularity,Link\nThe Millrace,Rock; Pop,110.0,0.3,/the-millrace/\na-ha,Pop,1.0,0.1,/a-ha/\n"
)


def packed(**members: str | bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in members.items():
            target.writestr(name.replace("__", "/").replace("_csv", ".csv").replace("_txt", ".txt"), content)
    return archive.getvalue()


@pytest.mark.parametrize(("songs", "artists"), [(OLD_SONGS, OLD_ARTISTS), (NEW_SONGS, NEW_ARTISTS)])
@pytest.mark.parametrize("artists_first", [True, False])
def test_songs_get_the_artist_that_the_second_table_names(songs, artists, artists_first):
    files = {"artists-data_csv": artists, "lyrics-data_csv": songs}
    content = packed(**(files if artists_first else dict(reversed(files.items()))))
    items = read(content)
    assert [(song.artist, song.title, song.genre) for song in songs_of(items)] == [
        ("The Millrace", "Salt", "Rock"),
        ("a-ha", "Nine", "Pop"),
        ("10000 Bells", "Ten", ""),
    ]
    assert [item.record_number for item in items] == [1, 2, 3]
    assert "Vagalume" in look(content).looks_like
    assert look(content).mapping["lyrics"] == "Lyric"
    assert look(content).songs == tuple(songs_of(items))


def test_the_artists_table_may_be_wrapped_in_another_order_and_case(tmp_path):
    (tmp_path / "lyrics-data.csv").write_text(OLD_SONGS.replace("ALink", "alink").replace("Lyric", "LYRIC"))
    table = "link,ARTIST,Genre\n/the-millrace/,The Millrace,Rock\n"
    (tmp_path / "artists-data.csv.gz").write_bytes(gzip.compress(table.encode()))
    songs = songs_of(iterate_records(tmp_path))
    assert next((song.artist, song.genre) for song in songs) == ("The Millrace", "Rock")


def test_without_the_table_of_artists_no_song_is_lost():
    songs = songs_of(read(packed(**{"lyrics-data_csv": OLD_SONGS})))
    assert [song.title for song in songs] == ["Salt", "Nine", "Ten"]
    assert [song.artist for song in songs] == ["The Millrace", "A Ha", "10000 Bells"]


def test_a_broken_row_of_the_table_is_one_error_and_costs_no_song():
    content = packed(**{"artists-data_csv": NEW_ARTISTS + "one cell\n", "lyrics-data_csv": NEW_SONGS})
    items = read(content)
    assert errors_of(items) == [(1, 4, "malformed")]
    assert items[0].column == "artists-data.csv"
    assert len(songs_of(items)) == 3


def test_a_damaged_table_is_one_error_and_costs_no_song():
    content = packed(**{"artists-data_csv": NEW_ARTISTS, "lyrics-data_csv": NEW_SONGS})
    items = read(content.replace(b"a-ha,Pop", b"a-hX,Pop"))
    assert errors_of(items) == [(1, 1, "malformed")]
    assert [song.artist for song in songs_of(items)] == ["The Millrace", "A Ha", "10000 Bells"]


MUSIC4ALL = {
    "id_information_csv": "id\tartist\tsong\talbum_name\n0a\tThe Millrace\tSalt\tStairs\n0b\tAda\tKey\tDoors\n",
    "id_lang_csv": "id\tlang\n0a\ten\n0b\tpt\n",
    "id_metadata_csv": "id\tspotify_id\tpopularity\trelease\tenergy\n0a\tx\t3\t1999\t0.1\n0b\ty\t3\t2007\t0.2\n",
    "id_tags_csv": "id\ttags\n0a\tslow,sad\n",
    "id_genres_csv": "id\tgenres\n0a\tfolk,rock\n0b\tpop\n",
    "lyrics__0a_txt": "la la\n\n\n\nla",
    "lyrics__0b_txt": "title,song\nlo,lo",
    "lyrics__0c_txt": "lu lu",
}


def test_texts_named_by_an_id_get_their_names_from_the_tables():
    content = packed(**MUSIC4ALL)
    items = read(content)
    assert [(song.artist, song.title, song.genre, song.year, song.language) for song in items] == [
        ("The Millrace", "Salt", "folk", 1999, "en"),
        ("Ada", "Key", "pop", 2007, "pt"),
        ("", "0c", "", None, ""),
    ]
    assert [song.text for song in items] == ["la la\n\n\n\nla", "title,song\nlo,lo", "lu lu"]
    assert look(content).looks_like == "Music4All"


def test_a_folder_of_such_tables_is_read_alike(tmp_path):
    with zipfile.ZipFile(io.BytesIO(packed(**MUSIC4ALL))) as archive:
        archive.extractall(tmp_path / "music4all")
    assert list(iterate_records(tmp_path)) == read(packed(**MUSIC4ALL))
    assert inspect(tmp_path).looks_like == "Music4All"


def test_tables_without_their_texts_are_no_companions():
    content = packed(**{name: text for name, text in MUSIC4ALL.items() if "lyrics" not in name})
    assert look(content).looks_like == ""
    assert {reason for _, _, reason in errors_of(iterate_records(io.BytesIO(content)))} == {"malformed"}


def test_a_table_that_is_too_large_is_said_so_and_joined_as_far_as_it_was_read():
    rows = "".join(f"Artist {n},/a-{n}/\n" for n in range(1000))
    songs = "ALink,SName,SLink,Lyric\n" + "".join(f"/a-{n}/,x,x,la la\n" for n in (3, 999))
    content = packed(**{"artists-data_csv": "Artist,Link\n" + rows, "lyrics-data_csv": songs})
    items = list(iterate_records(io.BytesIO(content), limits=Limits(joined_rows=100)))
    assert errors_of(items) == [(1, 52, "oversized")]
    assert [song.artist for song in songs_of(items)] == ["Artist 3", "A 999"]
    items = list(iterate_records(io.BytesIO(content), limits=Limits(joined_characters=900)))
    assert [reason for _, _, reason in errors_of(items)] == ["oversized"]


def test_joined_tables_are_held_in_little_memory():
    rows = "".join(f"{n:016x}\tThe Artist {n}\tThe Song Number {n}\tx\n" for n in range(20_000))
    content = packed(id_information_csv="id\tartist\tsong\talbum_name\n" + rows, lyrics__0000000000000001_txt="la la")
    del rows
    tracemalloc.start()
    try:
        (song,) = iterate_records(io.BytesIO(content))
        held_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert song.artist == "The Artist 1"
    assert held_bytes < 20 * 1024 * 1024
