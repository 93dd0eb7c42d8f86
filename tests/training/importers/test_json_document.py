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
