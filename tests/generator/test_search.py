"""Lyrics are found by the words of title, text, tags and prompt, whatever a person types."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from generator.models import Lyric
from generator.search import excerpt, search
from generator.services import lyrics
from training.search_words import Sought, words_wanted

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(user):
    lyrics.save_lyric(user=user, title="Lantern Street", text="Rain on the window\nrain on the door", tags=["slow"])
    lyrics.save_lyric(user=user, title="Café", text="Don't wake the captain", tags=["für June"], prompt="Wake the rain")
    lyrics.save_lyric(user=user, text="The end.Start again\nrock-and-roll OR nothing")
    return user


def found(user, words: str) -> list[str]:
    return [str(lyric) for lyric in search(Lyric.objects.order_by("created_at"), words, owner=user)]


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("rain", ["Lantern Street", "Café"]),
        ("RAIN window", ["Lantern Street"]),
        ("slow", ["Lantern Street"]),
        ("slow lant", ["Lantern Street"]),
        ("lant slow", []),
        ("cafe", ["Café"]),
        ("fur june", ["Café"]),
        ("don’t wake", ["Café"]),
        ("start", ["The end.Start again"]),
        ("roll nothing or", ["The end.Start again"]),
        ("rain NOT window", []),
        ("words : rain", []),
        ("snow", []),
        ("!?* ♥", []),
    ],
)
def test_lyrics_that_hold_all_the_words_are_found(kept, words, titles):
    assert found(kept, words) == titles


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(max_size=40))
def test_no_words_are_refused_by_the_database(kept, words):
    assert isinstance(found(kept, words), list)


@pytest.mark.parametrize("words", ['"', 'rain"', "rain*", "NEAR(rain, 2)", "owner_id: 1", "'", "\\", ":*", "& |", "%s"])
def test_operators_are_only_words(kept, words):
    assert isinstance(found(kept, words), list)


def test_another_person_finds_nothing(kept, other_user):
    assert found(other_user, "rain") == []


def test_a_changed_lyric_is_found_by_its_new_words_alone(kept):
    lyrics.update_lyric(lyric=Lyric.objects.get(title="Café"), title="Kaffee", tags=[])
    assert found(kept, "kaffee") == ["Kaffee"]
    assert found(kept, "cafe") == found(kept, "june") == []


def test_the_words_of_a_deleted_lyric_go_with_it(kept):
    lyrics.delete_lyric(lyric=Lyric.objects.get(title="Café"))
    Lyric.objects.filter(title="Lantern Street").delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM generator_lyricwords")
        assert cursor.fetchone() == (1,)


def test_lyrics_go_with_their_person(kept):
    kept.delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM generator_lyricwords")
        assert cursor.fetchone() == (0,)


def test_a_tag_is_that_very_word(kept, other_user):
    lyrics.save_lyric(user=other_user, text="of Tom", tags=["slow", "für June"])
    own = Lyric.objects.owned_by(kept)
    assert [str(lyric) for lyric in own.tagged("für June")] == ["Café"]
    assert not own.tagged("june").exists()
    assert not own.tagged('slow"]').exists()
    lyrics.update_lyric(lyric=own.get(title="Café"), tags=["slow", "sea"])
    assert own.tags() == [("slow", 2), ("sea", 1)]


# ── What a page shows of what was found ──────────────────────────────────────────────────────────────────────────

LONG = "\n".join(f"verse {number} goes on" for number in range(1, 21)) + "\n\n[Chorus]\nHold the lantern\nhold it high"


def test_every_word_that_finds_a_lyric_is_marked_in_it(kept):
    for words, text, marked in [
        ("RAIN window", "Rain on the window\nrain", ["Rain", "window", "rain"]),
        ("lant", "Lantern Street", ["Lantern"]),
        ("lant slow", "Lantern, slow", ["slow"]),
        ("cafe", "Café Cafe\u0301", ["Café", "Cafe\u0301"]),
        ("don’t", "Don't", ["Don", "t"]),
        ("roll", "rock-and-roll", ["roll"]),
    ]:
        pieces = Sought(words_wanted(words)).pieces(text)
        assert [piece for piece, is_found in pieces if is_found] == marked
        assert "".join(piece for piece, _ in pieces) == text


@given(st.text(max_size=60), st.text(max_size=120))
def test_marking_changes_no_letter(words, text):
    assert "".join(piece for piece, _ in Sought(words_wanted(words)).pieces(text)) == text


@pytest.mark.parametrize(
    ("words", "first_line", "beginning"),
    [
        ("lantern", 20, "verse 20 goes on\n\n[Chorus]\nHold the lantern"),
        ("hold high", 21, "Hold the lantern\nhold it high"),
        ("verse", 1, "verse 1 goes on"),
        ("absent", 1, "verse 1 goes on"),
        ("", 1, "verse 1 goes on"),
    ],
)
def test_an_excerpt_is_the_lines_that_say_why(words, first_line, beginning):
    part = excerpt(LONG, Sought(words_wanted(words)))
    assert (part.first_line, part.text.startswith(beginning)) == (first_line, True)
