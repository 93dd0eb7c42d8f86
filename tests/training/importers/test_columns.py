import pytest

from training.importers import InvalidOptions
from training.importers.columns import complete_mapping, guess_mapping, propose_lyrics, unique_names

# The headers of the public datasets, and what each column is.
PUBLIC_DATASETS = [
    ("artist,song,link,text", {"lyrics": "text", "title": "song", "artist": "artist"}),
    (
        "ALink,SName,SLink,Lyric,Idiom",
        {"lyrics": "Lyric", "title": "SName", "artist": "ALink", "language": "Idiom"},
    ),
    (
        "title,tag,artist,year,views,features,lyrics,id,language_cld3,language_ft,language",
        {"lyrics": "lyrics", "title": "title", "artist": "artist", "genre": "tag", "year": "year"}
        | {"language": "language"},
    ),
    (
        "index,song,year,artist,genre,lyrics",
        {"lyrics": "lyrics", "title": "song", "artist": "artist", "genre": "genre", "year": "year"},
    ),
    (
        "Rank,Song,Artist,Year,Lyrics,Source",
        {"lyrics": "Lyrics", "title": "Song", "artist": "Artist", "year": "Year"},
    ),
    ("Week,Artists,Name,Lyrics", {"lyrics": "Lyrics", "title": "Name", "artist": "Artists"}),
    (
        "track_name,album,release_date,song_length,popularity,songwriters,artist,lyrics,genre,featured_artist",
        {"lyrics": "lyrics", "title": "track_name", "artist": "artist", "genre": "genre", "year": "release_date"},
    ),
    ("Título,Letra,Artista", {"lyrics": "Letra", "title": "Título", "artist": "Artista"}),
]


@pytest.mark.parametrize(("header", "mapping"), PUBLIC_DATASETS)
def test_the_columns_of_public_datasets_are_known(header, mapping):
    assert guess_mapping(header.split(",")) == mapping
    assert guess_mapping(header.upper().split(",")[::-1]) == {role: name.upper() for role, name in mapping.items()}


def test_a_column_plays_one_role_only():
    mapping = guess_mapping(["song", "name"])
    assert mapping == {"title": "song"}


def test_the_longest_text_is_proposed_only_where_it_stands_out():
    rows = [{"a": "x", "b": "la la la\nla la"}, {"a": "y", "b": "lo lo\nlo lo lo"}]
    assert propose_lyrics(["a", "b"], rows) == "b"
    assert propose_lyrics(["a", "b"], [{"a": "one two", "b": "three"}]) == ""
    assert propose_lyrics(["a", "b"], []) == ""


def test_a_person_has_to_confirm_what_was_not_named():
    rows = [{"song": "la la la\nla la", "who": "x"}]
    assert complete_mapping({}, ["song", "who"], rows) == ({"lyrics": "song"}, True)
    assert complete_mapping({"lyrics": "song"}, ["song", "who"], rows) == ({"lyrics": "song"}, False)


def test_a_column_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(InvalidOptions, match="The columns are: a, b"):
        complete_mapping({"lyrics": "c"}, ["a", "b"], [])


def test_names_are_unique_whatever_the_header_says():
    names = unique_names(["a", "a (2)", "a", "a", "", "column 5", " b\n c "])
    assert len(set(names)) == 7
    assert names[:2] == ("a", "a (2)")
    assert names[-1] == "b c"
