import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.importers.short_verses import SCOTS, VERSES, first_lines
from training.importers.language import detect_language, settled_language, sung_words


@pytest.mark.parametrize("code", VERSES)
def test_eight_short_lines_are_enough(code):
    language, confidence = detect_language(VERSES[code])
    assert language in (code, "")
    assert bool(language) == (confidence > 0)


def test_two_lines_are_mostly_enough_and_never_wrong():
    answers = {code: detect_language(first_lines(verse, 2))[0] for code, verse in VERSES.items()}
    right = sum(answer == code for code, answer in answers.items())
    assert right >= len(VERSES) - 2, answers
    assert {answer for code, answer in answers.items() if answer != code} <= {""}


def test_scots_is_english():
    language, _ = detect_language(SCOTS)
    assert language == "en"


def test_section_tags_and_repeated_lines_have_no_say():
    verse = VERSES["es"]
    dressed = "[Verse 1]\n" + verse + "\n\n[Chorus]\n" + first_lines(verse, 2) + "\n" + first_lines(verse, 2)
    assert sung_words(dressed) == sung_words(verse)
    assert detect_language(dressed) == detect_language(verse)


@pytest.mark.parametrize("text", ["", "la la la la la la", "oh", "[Chorus]", "12 34 56", "...", "na na na hey hey hey"])
def test_too_little_to_say_is_no_language(text):
    assert detect_language(text) == ("", 0.0)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60))
def test_any_text_gets_a_confidence_between_nothing_and_certainty(text):
    language, confidence = detect_language(text)
    assert 0 <= confidence <= 1
    assert bool(language) == (confidence > 0)


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ("ENGLISH", "en"),
        ("English", "en"),
        ("en", "en"),
        ("eng", "en"),
        (" en-US ", "en"),
        ("pt-BR", "pt"),
        ("pt_br", "pt"),
        ("PORTUGUESE", "pt"),
        ("Klingon", "klingon"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_a_column_is_understood_however_it_is_written(column, code):
    assert settled_language("", 0.0, column) == code


def test_clear_words_are_trusted_above_a_wrong_column():
    assert settled_language("es", 0.99, "ENGLISH") == "es"


def test_a_column_is_trusted_above_unclear_words():
    assert settled_language("es", 0.75, "pt-BR") == "pt"


def test_unclear_words_are_better_than_nothing():
    assert settled_language("es", 0.75, "") == "es"
