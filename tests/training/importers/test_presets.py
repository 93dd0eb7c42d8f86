import pytest

from training.importers.presets import PRESETS, name_from_slug, recognised, title_of, without_title_line

from .reading import errors_of, look, read, songs_of

HEADERS = {
    "own_export": "ordinal,title,artist,genre,year,language,lyrics",
    "songdata": "artist,song,link,text",
    "vagalume_old": "ALink,SName,SLink,Lyric,Idiom",
    "vagalume": "ALink,SName,SLink,Lyric,language",
    "vagalume_artists": "Artist,Songs,Popularity,Link,Genre,Genres",
    "genius": "title,tag,artist,year,views,features,lyrics,id,language_cld3,language_ft,language",
    "metrolyrics": "index,song,year,artist,genre,lyrics",
    "music4all_information": "id,artist,song,album_name",
    "music4all_metadata": "id,spotify_id,popularity,release,danceability,energy,key,mode,valence,tempo,duration_ms",
    "music4all_lang": "id,lang",
    "music4all_tags": "id,tags",
    "music4all_genres": "id,genres",
    "billboard": "Rank,Song,Artist,Year,Lyrics,Source",
    "hot100": ",Artists,Name,Weekly.rank,Peak.position,Weeks.on.chart,Week,Date,Genre,Writing.Credits,Lyrics,Features",
    "poplyrics": "track_name,album,release_date,song_length,popularity,songwriters,artist,lyrics,genre,featured_artist",
    "wasabi": "_id,id_album,title,artist,albumTitle,album_genre,language,publicationDateAlbum,bpm,lastfm_id",
    "lyricsgenius": "id,title,full_title,artist,lyrics",
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_dataset_is_recognised_whatever_the_order_and_case_of_its_columns(name):
    columns = HEADERS[name].split(",")
    for header in (columns, columns[::-1], [f" {column.upper()} " for column in columns]):
        assert recognised(header).name == name


def test_every_preset_has_a_header_here_but_the_one_that_only_its_file_name_tells():
    assert {preset.name for preset in PRESETS} - set(HEADERS) == {"spotify_million"}


def test_two_datasets_with_the_same_columns_are_told_apart_by_the_file_name():
    columns = HEADERS["songdata"].split(",")
    assert recognised(columns, "spotify_millsongdata.csv").name == "spotify_million"
    assert recognised(columns, "songdata.csv").name == "songdata"


def test_a_person_can_have_another_preset_or_none():
    columns = HEADERS["songdata"].split(",")
    assert recognised(columns, "songdata.csv", chosen="spotify_million").name == "spotify_million"
    assert recognised(columns, "songdata.csv", chosen="hot100").name == "songdata"
    assert recognised(columns, "songdata.csv", chosen="none") is None


@pytest.mark.parametrize("columns", [[], ["lyrics"], ["title", "lyrics"], ["id", "lyrics", "tags"], ["a"] * 9])
def test_any_other_table_looks_like_none(columns):
    assert recognised(columns) is None
    assert title_of("") == ""


@pytest.mark.parametrize(
    ("slug", "name"),
    [
        ("/10000-maniacs/", "10000 Maniacs"),
        ("beyonce-knowles", "Beyonce Knowles"),
        ("ego-remix", "Ego Remix"),
        ("/a--b-/", "A B"),
        ("/adele/songs.html", "/adele/songs.html"),
        ("Already a Name", "Already a Name"),
        ("R-Kelly", "R-Kelly"),
        ("", ""),
    ],
)
def test_a_name_is_read_from_a_slug(slug, name):
    assert name_from_slug(slug) == name


@pytest.mark.parametrize("first", ["Mill Wheel", "mill wheel ", "Mill Wheel Lyrics", "“Mill, Wheel”"])
def test_a_first_line_that_repeats_the_title_is_left_out(first):
    assert without_title_line(f"{first}\n\nla la\nla", "Mill Wheel") == "la la\nla"


@pytest.mark.parametrize(("text", "title"), [("Mill Wheel turns\nla", "Mill Wheel"), ("la\nla", ""), ("Mill", "Mill")])
def test_a_first_line_that_says_more_stays(text, title):
    assert without_title_line(text, title) == text


def test_what_it_looks_like_is_shown_and_kept_in_the_options():
    found = look("artist,song,link,text\nA,S,/a/s,la la\n", "songs.csv")
    assert found.looks_like == "Kaggle song lyrics (songdata)"
    assert found.options.preset == "songdata"
    assert found.to_dict()["looks_like"] == found.looks_like
    assert look("title,lyrics\nS,la la\n").looks_like == ""


def test_a_role_for_which_a_person_chose_another_column_is_not_repaired():
    content = "index,song,year,artist,genre,lyrics,alias\n1,mill-wheel,2001,ada-grey,Rock,la la,a-b\n"
    (song,) = read(content, mapping={"artist": "alias"})
    assert (song.title, song.artist) == ("Mill Wheel", "a-b")


def test_without_its_preset_a_table_is_read_as_it_stands():
    content = HEADERS["genius"] + '\nMill,misc,Ada,1999,3,{},"la la\nla",1,en,en,en\n'
    assert errors_of(read(content)) == [(1, 2, "junk")]
    (song,) = songs_of(read(content, preset="none"))
    assert song.genre == "misc"
