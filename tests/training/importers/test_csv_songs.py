import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from training.exports import neutral_cell
from training.importers import Reason
from training.importers.values import without_guard

from .reading import errors_of, look, read, songs_of, texts_of

HEADER = "artist,song,text\n"


def quoted(number: int) -> str:
    return f'Artist {number},Song {number},"First line of {number}\nsecond line, with a comma"\n'


def test_a_quoted_cell_keeps_its_lines_commas_and_doubled_quotes():
    (song,) = read(HEADER + 'The Mill,Grain,"Round, and ""round""\n\nit goes"\n')
    assert (song.artist, song.title, song.text) == ("The Mill", "Grain", 'Round, and "round"\n\nit goes')
    assert (song.record_number, song.line) == (1, 2)


@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
def test_the_delimiter_is_found_and_not_taken_from_the_file_name(delimiter):
    content = delimiter.join(["title", "lyrics"]) + "\n" + delimiter.join(["One", '"la, la; la | la\tla\nla"']) + "\n"
    found = look(content, "songs.csv")
    assert found.delimiter == delimiter
    assert found.format == ("tsv" if delimiter == "\t" else "csv")
    assert found.songs[0].text == "la, la; la | la\tla\nla"


def test_a_chosen_delimiter_wins():
    content = "title,of;lyrics\na;la la\n"
    assert look(content, "x.csv", delimiter="semicolon").columns == ("title,of", "lyrics")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_kind_of_newline_ends_a_row_and_a_line_of_lyrics(newline):
    content = (HEADER + quoted(1) + quoted(2)).replace("\n", newline)
    assert texts_of(read(content)) == [f"First line of {n}\nsecond line, with a comma" for n in (1, 2)]


def test_columns_are_found_whatever_their_order_case_and_spaces():
    found = look(' Lyrics ,YEAR,Artist_Name,"Track Name"\n"la\nla",1999,A,T\n')
    assert found.mapping == {"lyrics": "Lyrics", "title": "Track Name", "artist": "Artist_Name", "year": "YEAR"}
    assert found.songs[0].year == 1999
    assert not found.needs_mapping


def test_a_small_table_stays_a_table_though_its_first_song_lost_its_quote():
    broken = "Ada,Broken,/b,one, line\nanother, line\na third\na fourth\na fifth\na sixth\n"
    rows = [f'Ada,Song {number},/s,"la la\nlo lo"\n' for number in range(4)]
    items = read("artist,song,link,text\n" + broken + "".join(rows), "songs.csv")
    assert {item.reason for item in items[:-4]} == {Reason.MALFORMED}
    assert [song.title for song in items[-4:]] == ["Song 0", "Song 1", "Song 2", "Song 3"]


def test_a_row_with_too_few_or_too_many_columns_is_left_out_alone():
    items = read(HEADER + quoted(1) + "only,two\n" + quoted(2) + "a,b,c,d\n" + quoted(3))
    assert [song.title for song in songs_of(items)] == ["Song 1", "Song 2", "Song 3"]
    assert errors_of(items) == [(2, 4, "malformed"), (4, 7, "malformed")]
    assert items[1].snippet == "only,two"
    assert "2 columns where the table has 3" in items[1].message


def test_empty_columns_at_the_right_are_no_error():
    assert texts_of(read(HEADER + "a,b,la la,,,\n")) == ["la la"]


@pytest.mark.parametrize("rows_before", [0, 1, 300])
@pytest.mark.parametrize("rows_after", [0, 1, 300])
def test_an_unclosed_quote_costs_its_own_row_only(rows_before, rows_after):
    before = "".join(map(quoted, range(rows_before)))
    after = "".join(map(quoted, range(rows_after)))
    items = read(HEADER + before + 'Bad,Row,"It never ends\nand, goes on\n' + after, "songs.csv")
    assert errors_of(items) == [(rows_before + 1, 2 + 2 * rows_before, "malformed")]
    assert len(songs_of(items)) == rows_before + rows_after
    assert "never closes" in items[rows_before].message


def test_an_unclosed_quote_is_found_in_a_table_that_quotes_every_cell():
    rows = [f'"A{n}","S{n}","la la {n}\nla"\n' for n in range(4)]
    rows[1] = '"A1","S1","it never ends\nla\n'
    items = read(HEADER + "".join(rows))
    assert [song.artist for song in songs_of(items)] == ["A0", "A2", "A3"]
    assert errors_of(items) == [(2, 4, "malformed")]


def test_an_unclosed_quote_is_found_before_rows_without_quotes():
    items = read("title,lyrics,link\nz,lo lo,x\n" + 'a,"never ends,x\n' + "b,la la,x\n" + 'c,"la, la",x\n')
    assert [song.title for song in songs_of(items)] == ["z", "b", "c"]
    assert errors_of(items) == [(2, 3, "malformed")]


def test_quotes_inside_a_quoted_cell_that_nobody_doubled_belong_to_the_text():
    (song, after) = read('title,lyrics\na,"She said "go" to me\nand "why", he said"\n' + 'b,"la\nla"\n')
    assert song.text == 'She said "go" to me\nand "why", he said'
    assert after.text == "la\nla"


def test_a_cell_may_begin_with_a_word_in_quotes():
    (song,) = read('title\tlyrics\nOne\t"Hello" she said\n', "songs.tsv")
    assert song.text == '"Hello" she said'


@pytest.mark.parametrize("characters", [131_072, 131_073, 199_999, 200_000])
def test_a_song_up_to_the_limit_is_read(characters):
    text = ("la la la\n" * (characters // 9 + 1))[: characters - 1] + "a"
    (song, after) = read(HEADER + f'a,b,"{text}"\n' + quoted(2))
    assert song.text == text
    assert after.title == "Song 2"


@pytest.mark.parametrize("text", ["la " * 66_667, "la\n" * 66_667, "la " * 700_000, "la\n" * 700_000])
def test_a_longer_song_is_an_error_and_the_next_one_is_read(text):
    items = read(HEADER + quoted(1) + f'a,b,"{text}"\n' + quoted(2))
    assert errors_of(items) == [(2, 4, "oversized")]
    assert [song.title for song in songs_of(items)] == ["Song 1", "Song 2"]
    assert "200,000 characters" in items[1].message
    assert len(items[1].snippet) <= 120


def test_blank_lines_between_rows_are_no_records():
    items = read(HEADER + "\n" + quoted(1) + "\n\n" + quoted(2))
    assert [(item.record_number, item.line) for item in items] == [(1, 3), (2, 7)]


@pytest.mark.parametrize("cell", ["", "   ", "...", "♪♫", "NA", "nan", '"\n\n"'])
def test_a_song_without_words_is_empty(cell):
    items = read(HEADER + quoted(1) + f"a,b,{cell}\n")
    assert errors_of(items) == [(2, 4, "empty")]
    assert items[1].column == "text"


@pytest.mark.parametrize(
    ("cell", "year"),
    [("1999", 1999), ("1999.0", 1999), ("1999-05-01", 1999), ("200?", None), ("702", None), ("soon", None), ("", None)],
)
def test_the_year_is_a_number_or_nothing(cell, year):
    (song,) = read(f"lyrics,release_date\nla la,{cell}\n")
    assert song.year == year


def test_nul_characters_are_dropped_and_texts_are_composed():
    (song,) = read("title,lyrics\nA\0B,cafe\u0301 la\n" + "")
    assert (song.title, song.text) == ("AB", "café la")


def test_names_stand_on_one_line_and_are_not_endless():
    (song,) = read(f'title,artist,lyrics\n"One\nTwo\x07 ",{"x" * 3000},la la\n')
    assert song.title == "One Two"
    assert len(song.artist) == 500


def test_columns_of_the_same_name_or_without_one_are_told_apart():
    found = look("lyrics,lyrics,,text \nla la,b,c,d\n")
    assert found.columns == ("lyrics", "lyrics (2)", "column 3", "text")
    assert found.mapping == {"lyrics": "lyrics"}


def test_ten_thousand_columns_are_no_trouble():
    header = ",".join([*(f"c{n}" for n in range(10_000)), "lyrics"])
    assert texts_of(read(f"{header}\n{',' * 10_000}la la\n")) == ["la la"]


def test_a_table_with_a_header_only_has_no_records():
    assert read(HEADER) == []
    assert "No song was found" in look(HEADER).warnings[0]


def test_one_row_that_outgrows_every_limit_does_not_hide_the_rest():
    items = read(HEADER + quoted(1) + "x" * 3_000_000 + "\n" + quoted(2))
    assert errors_of(items) == [(2, 4, "oversized")]
    assert len(songs_of(items)) == 2


@pytest.mark.parametrize("line", ["sep=;", '"SEP=;"'])
def test_the_line_in_which_excel_names_the_delimiter_is_no_row(line):
    found = look(f'{line}\ntitle;lyrics\nOne;"la, la\nla"\n', "songs.csv")
    assert (found.delimiter, found.columns) == (";", ("title", "lyrics"))
    assert [(song.title, song.text, song.line) for song in found.songs] == [("One", "la, la\nla", 3)]


def test_an_unclosed_quote_says_where_it_stood_and_where_reading_went_on():
    rows = "".join(map(quoted, range(1, 1000)))
    items = read(HEADER + rows + 'Bad,Row,"It never ends\nand goes on\n' + quoted(1001), "songs.csv")
    assert errors_of(items) == [(1000, 2000, "malformed")]
    assert "Reading went on at line 2,002." in items[999].message
    assert len(songs_of(items)) == 1000


@pytest.mark.parametrize("name", ["letra", "Paroles", "Songtext"])
def test_a_lyrics_column_named_in_another_language_is_proposed(name):
    found = look(f'artista,{name}\nAda,"la\nla"\n', "canciones.csv")
    assert found.needs_mapping
    assert found.mapping["lyrics"] == name
    assert not look(f'artista,{name}\nAda,"la\nla"\n', "canciones.csv", mapping=found.mapping).needs_mapping


@given(st.text(alphabet="'=+-@\t\r\n\0 \v\x1c\u2028ab", max_size=12))
@example("'=1")
@example(" =1")
@example("' =")
@example("'' \t=")
def test_the_apostrophe_of_our_export_is_taken_away_again_and_no_other(text):
    assert without_guard(neutral_cell(text)) == text


def test_only_our_own_export_loses_an_apostrophe():
    row = "1,'=One,'Ada,'-x,1999,en,\"'- la\n'la\"\n"
    (song,) = read("ordinal,title,artist,genre,year,language,lyrics\n" + row)
    assert (song.title, song.artist, song.genre, song.text) == ("=One", "'Ada", "-x", "- la\n'la")
    (song,) = read("number,title,artist,genre,year,language,lyrics\n" + row)
    assert (song.title, song.text) == ("'=One", "'- la\n'la")
