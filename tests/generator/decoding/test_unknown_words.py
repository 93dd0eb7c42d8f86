"""Words that a model has never read are found where they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.decoding.unknown_words import UnknownWord, unknown_words
from tests.generator.tiny_models import tiny_tokenizer

WORDS = tiny_tokenizer("word")


def words_of(text: str, tokenizer=WORDS) -> list[str]:
    return [found.word for found in unknown_words(tokenizer, text)]


def test_an_unknown_word_is_named_as_it_is_written_and_where():
    text = "I went down to the river\nOh my Zeppelin, oh"
    assert unknown_words(WORDS, text) == [UnknownWord("Zeppelin", 31, 39)]
    assert text[31:39] == "Zeppelin"


def test_known_words_are_known_in_any_case_and_in_quotes():
    assert words_of("WENT down 'to' “the” RIVER") == []


def test_an_unknown_word_keeps_its_inner_apostrophe_and_leaves_the_quotes_around_it():
    assert words_of("'zeppelin's river' ‘o’quux’") == ["zeppelin's", "o’quux"]


def test_each_place_of_a_word_is_found_and_parts_of_other_words_are_not():
    assert words_of("zep zeppo zep") == ["zep", "zeppo", "zep"]


def test_names_of_sections_are_marks():
    assert words_of("[Verse 9]\n[Zeppelin]\nriver") == []


def test_numbers_are_words_with_their_signs():
    assert words_of("river 3.5 down, 12:30") == ["3.5", "12:30"]


@pytest.mark.parametrize("kind", ["char", "bpe"])
def test_a_model_that_spells_knows_every_word(kind):
    assert words_of("Zeppelin über die Straße", tiny_tokenizer(kind)) == []


def test_a_stacked_accent_belongs_to_its_letter():
    assert words_of("cafe\u0301 river") == ["cafe\u0301"]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_what_is_found_stands_where_it_is_said_to(text):
    previous_end = 0
    for found in unknown_words(WORDS, text):
        assert text[found.start : found.end] == found.word
        assert previous_end <= found.start < found.end
        previous_end = found.end
