"""Documents of any layout, in pieces of any size: the songs in them and nothing else."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from training.importers.json_objects import holds_songs, object_texts

TEXTS = st.text(max_size=12) | st.sampled_from(['"', "{", "}, {", "]", "la [Chorus]", '\\"', "songs"])
EXTRAS = st.dictionaries(st.sampled_from(["id", "tags", "stats"]), TEXTS | st.lists(TEXTS, max_size=2), max_size=3)
SONGS = st.builds(lambda extra, lyrics: {**extra, "lyrics": lyrics}, EXTRAS, TEXTS)
ARTISTS = st.builds(
    lambda name, extra, songs: {"name": name, **extra, "songs": songs}, TEXTS, EXTRAS, st.lists(SONGS, max_size=4)
)
SIZES = st.integers(1, 50)
INDENTS = st.sampled_from([None, 0, 2])


def found_in(document: str, size: int) -> list[tuple[dict, str]]:
    chunks = (document[place : place + size] for place in range(0, len(document), size))
    return [(json.loads(found.text), found.artist) for found in object_texts(chunks, 10_000)]


@settings(max_examples=200, deadline=None)
@given(st.lists(SONGS, max_size=6), INDENTS, SIZES)
def test_an_array_gives_its_songs(songs, indent, size):
    assert found_in(json.dumps(songs, indent=indent), size) == [(song, "") for song in songs]


@settings(max_examples=200, deadline=None)
@given(st.lists(SONGS, min_size=1, max_size=6), EXTRAS, EXTRAS, INDENTS, SIZES)
def test_an_object_around_a_list_gives_its_songs(songs, before, after, indent, size):
    document = {**before, "data": songs, "meta": after}
    assert found_in(json.dumps(document, indent=indent), size) == [(song, "") for song in songs]
    assert holds_songs(json.dumps(document))


@settings(max_examples=200, deadline=None)
@given(st.lists(ARTISTS.filter(lambda artist: artist["songs"]), min_size=1, max_size=4), INDENTS, SIZES)
def test_an_array_of_artists_gives_their_songs_with_their_names(artists, indent, size):
    expected = [(song, artist["name"]) for artist in artists for song in artist["songs"]]
    assert found_in(json.dumps(artists, indent=indent), size) == expected


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='{}[]":,\\\n la', max_size=60), SIZES)
def test_anything_at_all_is_read_to_its_end_with_lines_in_order(document, size):
    chunks = [document[place : place + size] for place in range(0, len(document), size)]
    lines = [found.line for found in object_texts(chunks, 30)]
    assert lines == sorted(lines)
    assert not lines or lines[-1] <= document.count("\n") + 1
