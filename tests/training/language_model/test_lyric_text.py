import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.language_model.lyric_text import canonical, marked_lines, normalise, section_kind, section_name, sections

SONG = "[Verse 1]\r\nIt’s  late\n“so late”\n\n\n\nand still\n[Chorus x2]\n\nsing\n[Guitar]\n"


@given(st.text())
def test_normalising_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)


@given(st.text())
def test_normalised_text_holds_no_control_characters_stray_blanks_or_double_blank_lines(text):
    cleaned = normalise(text)
    assert not any(character < " " and character != "\n" for character in cleaned)
    assert "\x00" not in cleaned
    assert "\n\n\n" not in cleaned
    assert all(line == line.strip() for line in cleaned.split("\n"))


@given(st.text(alphabet="ab \n[]VerseChorus1:-"))
def test_the_canonical_form_of_a_canonical_song_is_itself(text):
    assert canonical(canonical(text)) == canonical(text)


def test_typographic_apostrophes_and_quotes_are_folded():
    assert normalise("I’ll say “yes” ‘now’ ʼtis «so»") == "I'll say \"yes\" 'now' 'tis \"so\""


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\x85"])
def test_every_kind_of_newline_ends_a_line(newline):
    assert normalise(f"one{newline}two") == "one\ntwo"


def test_sections_keep_their_names_and_untagged_stanzas_have_none():
    assert sections(SONG) == [
        {"name": "Verse 1", "lines": ["It's late", '"so late"']},
        {"name": "", "lines": ["and still"]},
        {"name": "Chorus x2", "lines": ["sing"]},
        {"name": "Guitar", "lines": []},
    ]


def test_marks_stand_before_the_lines_they_introduce():
    assert list(marked_lines(SONG)) == [
        (["<verse>"], "It's late"),
        (["<line>"], '"so late"'),
        (["<stanza>"], "and still"),
        (["<chorus>"], "sing"),
        (["<other>"], ""),
    ]


def test_the_canonical_form_drops_numbers_and_separates_sections():
    assert canonical(SONG) == '[Verse]\nIt\'s late\n"so late"\n\nand still\n\n[Chorus]\nsing\n\n[Section]'


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Verse 2", "verse"),
        ("Pre-Chorus", "pre-chorus"),
        ("REFRAIN", "chorus"),
        ("Hook: someone", "chorus"),
        ("Middle 8", "bridge"),
        ("Coda", "outro"),
        ("x2", "other"),
    ],
)
def test_a_sections_name_tells_its_kind(name, kind):
    assert section_kind(name) == kind


@pytest.mark.parametrize(("line", "name"), [("[Verse 1]", "Verse 1"), ("CHORUS.", "CHORUS"), ("(Bridge)", "Bridge")])
def test_tag_lines_are_recognised_with_and_without_brackets(line, name):
    assert section_name(line) == name


@pytest.mark.parametrize("line", ["the chorus sings", "[a] b", "", "break my heart", "verse by verse"])
def test_a_line_of_lyrics_is_no_tag(line):
    assert section_name(line) is None
