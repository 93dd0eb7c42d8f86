"""Lyrics are found by the words of title, text, tags and prompt, whatever a person types."""

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from generator.models import Lyric
from generator.search import search
from generator.services import lyrics

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
