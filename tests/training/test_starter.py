"""The starter songbook is what the README promises."""

import json
import re
from collections import Counter

import pytest

from lyricsite.bootstrap import SONGBOOK_FILE


@pytest.fixture(scope="module")
def songs() -> list[dict]:
    return [json.loads(line) for line in SONGBOOK_FILE.read_text().splitlines()]


def sung_lines(song: dict) -> list[str]:
    return [line for line in song["text"].splitlines() if line.strip() and not line.startswith("[")]


def test_it_holds_enough_songs_and_words(songs):
    assert len(songs) >= 120
    assert sum(len(line.split()) for song in songs for line in sung_lines(song)) >= 20_000


def test_it_covers_eight_genres_evenly(songs):
    genres = Counter(song["genre"] for song in songs)
    assert len(genres) == 8
    assert min(genres.values()) >= 15


def test_every_song_has_verses_and_a_chorus_that_returns(songs):
    for song in songs:
        tags = re.findall(r"^\[(\w[\w-]*)", song["text"], re.M)
        assert tags.count("Verse") >= 2, song["title"]
        assert tags.count("Chorus") >= 2, song["title"]


def test_titles_are_unique_and_every_song_is_free(songs):
    assert len({song["title"].lower() for song in songs}) == len(songs)
    assert {song["license"] for song in songs} == {"CC0-1.0"}


def test_no_line_stands_in_two_songs(songs):
    owners: dict[str, str] = {}
    for song in songs:
        for line in sung_lines(song):
            assert owners.setdefault(line.lower(), song["title"]) == song["title"], line
