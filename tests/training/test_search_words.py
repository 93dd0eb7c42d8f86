"""What a word is when songs are searched: the same on either database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.search_words import LONGEST_WORD, MOST_WANTED, without_accents, words_of, words_wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Rain on the Window\nrain", {"rain", "on", "the", "window"}),
        ("Don't — rock-and-roll", {"don", "t", "rock", "and", "roll"}),
        ("Café, über ŻÓŁĆ", {"cafe", "uber", "zołc"}),
        ("夜の街 हिन्दी 한국어", {"夜の街", "हिन्दी", "한국어"}),
        ("…!? \0 \n", set()),
    ],
)
def test_words_are_lower_case_without_accents(text, words):
    assert words_of(text) == words


@given(st.text())
def test_no_word_is_empty_or_long_or_holds_a_space(text):
    words = words_of(text)

    assert all(0 < len(word) <= LONGEST_WORD and word.split() == [word] for word in words)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_texts_of_ascii_are_parted_as_all_others_are(text):
    assert words_of(text) == words_of(f"{text} é") - {"e"} | ({"e"} & words_of(text))


@given(st.text())
def test_what_is_typed_is_found_among_the_words_of_the_same_text(text):
    wanted = {without_accents(word.lower())[:LONGEST_WORD] for word in words_wanted(text)}

    assert wanted <= words_of(text)


def test_only_so_many_words_are_wanted():
    assert words_wanted("a " * 500) == ["a"] * MOST_WANTED
    assert words_wanted("♥ ! a") == ["a"]
