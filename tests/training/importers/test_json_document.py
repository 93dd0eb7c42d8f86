import json

import pytest

from .reading import errors_of, look, read, songs_of, texts_of

SONGS = [{"title": f"Song {n}", "lyrics": f"la }} la {{\n[{n}]"} for n in range(3)]


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_an_array_of_songs_is_read_however_it_is_laid_out(indent):
    content = json.dumps(SONGS, indent=indent)
    assert look(content, "songs.json").format == "json"
    assert texts_of(read(content)) == [song["lyrics"] for song in SONGS]


def test_objects_after_one_another_are_read():
    content = "\n".join(json.dumps(song, indent=2) for song in SONGS)
    assert [song.line for song in songs_of(read(content))] == [1, 5, 9]


@pytest.mark.parametrize("between", [",", ",\n"])
def test_a_broken_object_is_left_out_alone(between):
    good = '{"title": "Fine", "lyrics": "la la"}'
    for broken in ('{"title": "x"y", "lyrics": "la"}', '{"title": "x" "lyrics": "la"}', '{"title": , "lyrics": 3}'):
        items = read("[" + between.join([good, broken, good]) + "]")
        assert [number for number, _, _ in errors_of(items)] == [2]
        assert len(songs_of(items)) == 2


def test_an_endless_object_is_oversized_and_the_next_one_is_read():
    items = read('[{"lyrics": "la la"},\n{"lyrics": "' + "{la " * 1_000_000 + '"},\n{"lyrics": "la la"}]')
    assert errors_of(items) == [(2, 2, "oversized")]
    assert len(songs_of(items)) == 2


def artist_file(*songs: dict, **fields) -> dict:
    return {"alternate_names": [], "description": {"plain": "{ [ la"}, "name": "Ada Grey", **fields, "songs": [*songs]}


@pytest.mark.parametrize("indent", [None, 0, 1])
def test_the_songs_of_an_artist_file_are_by_the_artist_it_names(indent):
    content = json.dumps(artist_file(*SONGS), indent=indent)
    found = look(content, "Lyrics_AdaGrey.json")
    assert found.format == "json"
    assert [(song.artist, song.title, song.text) for song in found.songs] == [
        ("Ada Grey", song["title"], song["lyrics"]) for song in SONGS
    ]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("around", [list, lambda artists: {"artists": artists, "count": {"artists": 2}}])
def test_several_artists_keep_their_own_songs(around, indent):
    other = artist_file(SONGS[2] | {"artist": "A Guest"}, name="Mill")
    content = json.dumps(around([artist_file(SONGS[0], SONGS[1]), other]), indent=indent)
    assert [song.artist for song in songs_of(read(content))] == ["Ada Grey", "Ada Grey", "A Guest"]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "around",
    [
        lambda songs: {"data": songs},
        lambda songs: {"status": {"code": 200}, "data": songs, "meta": {"page": 1}, "links": [{"next": "x"}]},
        lambda songs: {"response": {"meta": {"status": 200}, "songs": songs, "next": {"page": 2}}, "time": {"ms": 3}},
        lambda songs: {"my own list": songs, "note": "} ] {"},
    ],
)
def test_songs_in_a_list_inside_an_object_are_read_and_nothing_around_them(around, indent):
    items = read(json.dumps(around(SONGS), indent=indent), "songs.json")
    assert texts_of(items) == [song["lyrics"] for song in SONGS]
    assert errors_of(items) == []


def test_a_list_of_objects_inside_a_song_makes_it_no_list_of_songs():
    song = {"title": "One", "media": [{"url": "x"}], "writer_artists": [{"name": "B"}], "lyrics": "la la"}
    song |= {"song_relationships": [{"type": "samples", "songs": [{"title": "Another"}]}], "tracks": [{"n": 1}]}
    (found,) = read(json.dumps([song]))
    assert (found.title, found.text) == ("One", "la la")


@pytest.mark.parametrize("between", [",", ",\n"])
@pytest.mark.parametrize(
    "broken",
    [
        '{"title": "x"y", "lyrics": "la"}',
        '{"title": "x" "lyrics": "la"}',
        '{"title": , "lyrics": 3}',
        '{"title": "never closes", "lyrics": "la"',
        '{"title": {"a": "never closes", "lyrics": "la"}',
    ],
)
def test_a_broken_song_in_an_artist_file_costs_no_other(between, broken):
    good = '{"title": "Fine", "lyrics": "la la"}'
    items = read('{"name": "Ada", "songs": [' + between.join([good, broken, good, good]) + '], "meta": {"page": 1}}')
    assert len(songs_of(items)) == 3
    assert {song.artist for song in songs_of(items)} == {"Ada"}
    assert [number for number, _, _ in errors_of(items)] == [2]


def test_a_document_that_was_cut_off_keeps_its_whole_songs():
    content = json.dumps(artist_file(*SONGS), indent=1)
    items = read(content[:-40])
    assert len(songs_of(items)) == 2
    assert [reason for _, _, reason in errors_of(items)] == ["malformed"]


def test_what_looks_like_lyricsgenius_is_said_to():
    song = {"title": "One", "full_title": "One by Ada", "release_date": "2001-05-04", "artist": "Ada", "lyrics": "la"}
    found = look(json.dumps(song, indent=1), "lyrics_ada_one.json")
    assert found.looks_like == "LyricsGenius JSON"
    assert (found.songs[0].artist, found.songs[0].year) == ("Ada", 2001)
