import pytest

from .reading import errors_of, look, read, songs_of, texts_of


def test_a_text_without_separators_is_one_song_named_like_its_file():
    (song,) = read("\n\nla la\nla\n\nlo lo\n", "Winter Road.txt")
    assert (song.title, song.text, song.line) == ("Winter Road", "la la\nla\n\nlo lo", 3)


@pytest.mark.parametrize("rule", ["---", "=====", "***", "* * *", "  -----  "])
def test_a_line_of_dashes_equals_or_asterisks_stands_between_songs(rule):
    items = read(f"one\none\n{rule}\n\ntwo\n{rule}\n{rule}\nthree\n", "songs.txt")
    assert texts_of(items) == ["one\none", "two", "three"]
    assert [item.line for item in items] == [1, 5, 8]


def test_three_blank_lines_stand_between_songs_and_two_do_not():
    assert texts_of(read("one\n\n\none\n\n\n\ntwo\n \n\t\n\n\nthree", "x.txt")) == ["one\n\n\none", "two", "three"]


def test_where_rules_stand_between_songs_blank_lines_do_not():
    assert texts_of(read("one\n\n\n\none\n---\ntwo\n", "x.txt")) == ["one\n\n\n\none", "two"]


def test_heads_between_dashes_are_titles():
    items = read("-First Song-\nla la\n\nla\n- Second -\nlo lo\n", "x.txt")
    assert [(song.title, song.text) for song in songs_of(items)] == [("First Song", "la la\n\nla"), ("Second", "lo lo")]


def test_a_title_line_is_a_title_if_the_option_says_so():
    items = read("First\nla la\n---\nSecond\n\nlo lo\n", "x.txt", title_line=True)
    assert [(song.title, song.text) for song in songs_of(items)] == [("First", "la la"), ("Second", "lo lo")]


def test_the_separator_can_be_any_line():
    assert texts_of(read("one\n###\ntwo\n---\ntwo\n", "x.txt", separator="###")) == ["one", "two\n---\ntwo"]


def test_the_separator_can_be_none():
    assert len(read("one\n---\ntwo\n\n\n\n\nthree", "x.txt", separator="none")) == 1


def test_a_stretch_without_words_is_an_empty_record():
    assert errors_of(read("one\n---\n!!!\n---\ntwo\n", "x.txt")) == [(2, 3, "empty")]


def test_a_song_beyond_the_limit_is_oversized_and_the_next_one_is_read():
    items = read("one\n---\n" + "la la la\n" * 30_000 + "---\ntwo\n", "x.txt")
    assert errors_of(items) == [(2, 3, "oversized")]
    assert texts_of(items) == ["one", "two"]


def test_a_song_of_exactly_the_limit_is_read_whatever_blank_lines_follow():
    text = "a" * 200_000
    assert texts_of(read(f"{text}\n\n\n---\ntwo", "x.txt")) == [text, "two"]


def test_one_endless_song_gets_a_hint_how_to_cut_it():
    (error,) = read("la la la\n" * 60_000, "x.txt")
    assert "what stands between them" in error.message
    assert "the whole file is one song" in look("la la la\n" * 60_000, "x.txt").warnings[0]


def test_commas_do_not_make_a_text_a_table():
    poem = "Roses, roses\nblue, blue, blue\nla la\n\nOh, my love\n"
    assert look(poem, "poem.txt").format == "txt"
    assert look(poem).format == "txt"


def test_blocks_of_numbered_songs_are_told_by_their_heads():
    text = "[Song 1: Mill Wheel]\n[Verse 1]\nla la\n- no head -\n\n[Song 2: Grain]\nlo lo\n"
    found = look(text, "Lyrics_AdaGrey.txt")
    assert found.looks_like == "LyricsGenius text"
    assert [(song.title, song.text) for song in found.songs] == [
        ("Mill Wheel", "[Verse 1]\nla la\n- no head -"),
        ("Grain", "lo lo"),
    ]
