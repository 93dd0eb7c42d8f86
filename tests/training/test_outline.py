"""The quick ways to a song's sections and words agree with the plain ones."""

from hypothesis import given
from hypothesis import strategies as st

from training.language_model import lyric_text
from training.outline import count_words, outline
from training.statistics import words_of

lines = st.sampled_from(
    ["[Verse 1]", "[Chorus]", "Chorus:", "(Bridge)", "", "", "la la", "x", "verse of mine", "- Solo -"]
)
texts = st.lists(lines, max_size=14).map("\n".join).map(lyric_text.normalise)


@given(texts)
def test_sections_are_those_of_the_lyric_text(text):
    expected = [(section["name"], len(section["lines"])) for section in lyric_text.sections(text)]
    found = outline(text)

    assert [(section["name"], section["lines"]) for section in found.sections] == expected
    assert found.lines == [line for section in lyric_text.sections(text) for line in section["lines"]]


@given(st.lists(st.text("ab'_-é—5ß 年", max_size=12), max_size=4))
def test_words_are_counted_as_they_are_found(lines):
    assert count_words(lines) == sum(len(words_of(line)) for line in lines)
