import json

import pytest

from .reading import errors_of, look, read, songs_of, texts_of

GOOD = '{"title": "Fine", "lyrics": "la la\\nla"}\n'


def test_each_line_is_a_song():
    (first, second) = read('{"lyrics": "la\\nla", "title": "One", "year": 1987, "singer": "A"}\n\n' + GOOD)
    assert (first.title, first.artist, first.year, first.text) == ("One", "A", 1987, "la\nla")
    assert (second.record_number, second.line) == (2, 3)


@pytest.mark.parametrize(
    "line",
    [
        '{"title": "cut off", "lyrics": "la',
        '["la", "la"]',
        '"la la"',
        "17",
        "la la",
        '{"lyrics": {"verse": "la la"}}',
        '{"lyrics": true}',
        '{"lyrics": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"lyrics": ' * 100_000,
    ],
)
def test_a_broken_line_is_left_out_alone(line):
    items = read(GOOD + line + "\n" + GOOD)
    assert errors_of(items) == [(2, 2, "malformed")]
    assert len(songs_of(items)) == 2


@pytest.mark.parametrize("line", ['{"lyrics": null}', '{"lyrics": ""}', '{"title": "no lyrics"}', '{"lyrics": "--"}'])
def test_a_record_without_lyrics_is_empty(line):
    assert errors_of(read(GOOD + line + "\n")) == [(2, 2, "empty")]


@pytest.mark.parametrize("number", ["9" * 5000, "1e999", "NaN", "-Infinity"])
def test_a_number_of_any_size_is_no_year_and_no_trouble(number):
    (song,) = read('{"lyrics": "la la", "year": ' + number + "}\n")
    assert song.year is None


def test_a_list_of_lines_is_a_text():
    assert texts_of(read('{"lyrics": ["la", "", "la"]}\n')) == ["la\n\nla"]


def test_half_a_surrogate_and_nul_do_not_reach_the_text():
    (song,) = read('{"lyrics": "la \\ud800 la\\u0000", "title": "\\udc00"}\n')
    assert (song.text, song.title) == ("la \ufffd la", "\ufffd")


def test_a_song_of_the_limit_may_be_all_escapes():
    text = "é" * 200_000
    assert texts_of(read(json.dumps({"lyrics": text}) + "\n")) == [text]


def test_an_endless_line_is_oversized_and_the_next_one_is_read():
    items = read(GOOD + '{"lyrics": "' + "la " * 1_000_000 + '"}\n' + GOOD)
    assert errors_of(items) == [(2, 2, "oversized")]
    assert len(songs_of(items)) == 2


def test_fields_without_known_names_ask_for_a_mapping():
    found = look('{"a": "One", "b": "la la la\\nla la la"}\n{"a": "Two", "b": "la la la\\nla la"}\n')
    assert found.needs_mapping
    assert found.mapping == {"lyrics": "b"}
    assert len(found.songs) == 2
