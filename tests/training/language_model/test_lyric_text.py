import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.language_model.lyric_text import (
    canonical,
    marked_lines,
    normalise,
    refers_to_chorus,
    section_kind,
    section_name,
    sections,
)

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


@pytest.mark.parametrize(
    ("line", "name", "kind"),
    [
        ("[Verse 1: Ann & Bob]", "Verse 1: Ann & Bob", "verse"),
        ("[Verse 2: " + "Somebody, " * 8 + "Ann]", "Verse 2: " + "Somebody, " * 8 + "Ann", "verse"),
        ("[Chorus:]", "Chorus", "chorus"),
        ("[Chorus] x2", "Chorus", "chorus"),
        ("(Chorus)", "Chorus", "chorus"),
        ("(Chorus) x2", "Chorus", "chorus"),
        ("(Chorus x2)", "Chorus x2", "chorus"),
        ("Chorus x2", "Chorus x2", "chorus"),
        ("CHORUS:", "CHORUS", "chorus"),
        ("Hook:", "Hook", "chorus"),
        ("{Verse 1: Ann}", "Verse 1: Ann", "verse"),
        ("{Chorus}", "Chorus", "chorus"),
        ("**Chorus**", "Chorus", "chorus"),
        ("<Chorus>", "Chorus", "chorus"),
        ("# Bridge", "Bridge", "bridge"),
        ("- Solo -", "Solo", "other"),
        ("Pre Chorus", "Pre Chorus", "pre-chorus"),
        ("Verse II", "Verse II", "verse"),
        ("(Refrão)", "Refrão", "chorus"),
        ("Refrão:", "Refrão", "chorus"),
        ("Припев:", "Припев", "chorus"),
        ("[Estribillo]", "Estribillo", "chorus"),
        ("[Ann: Verse 1]", "Ann: Verse 1", "verse"),
        ("[Verse 1: The Chorus Boys]", "Verse 1: The Chorus Boys", "verse"),
    ],
)
def test_tags_are_read_as_people_write_them(line, name, kind):
    assert section_name(line) == name
    assert section_kind(name) == kind


@pytest.mark.parametrize(
    "line",
    [
        *(
            "Chorus of angels",
            "Chorus: sing it loud",
            "(Chorus: la la la)",
            "hook",
            "Hook me up",
            "solo",
            "(oh, chorus)",
        ),
        *(
            "bridge over water",
            "verse 1 and verse 2",
            "- and so -",
            "*cries*",
            "{la}",
            "<3",
            "outro, outro",
            "intro to me",
        ),
        *("x2", "(repeat chorus)", "Versed", "chorusing"),
    ],
)
def test_sung_lines_that_look_like_tags_are_none(line):
    assert section_name(line) is None


def test_a_section_says_who_sings_it():
    assert sections("[Verse 1: Ann & Bob]\nla\n\n[Chorus]\nda") == [
        {"name": "Verse 1: Ann & Bob", "lines": ["la"], "performer": "Ann & Bob"},
        {"name": "Chorus", "lines": ["da"]},
    ]


def test_a_chorus_that_is_only_named_is_a_reference():
    found = sections("[Chorus]\nda\n\n[Verse]\nla\n\n[Chorus]\n\n[Guitar]")
    assert [section.get("is_reference", False) for section in found] == [False, False, True, False]


@given(st.lists(st.sampled_from(["[Chorus]", "[Verse]", "(Chorus)", "la", "", " ", "Hook:", "[Guitar]"]), max_size=9))
def test_a_song_refers_to_its_chorus_where_a_section_does(lines):
    text = "\n".join(lines)
    assert refers_to_chorus(text) == any("is_reference" in section for section in sections(text))


@given(st.text(alphabet=" \n\t\r\x00\x85\xa0\u2028\u3000aé\u0301e\u200b\u200d\ud800’“`x\x1c\x1f\x0b\u00ad"))
def test_fast_and_careful_ways_to_normalise_agree(text):
    """A line with a tab goes the careful way as a whole; the tab becomes a blank and leaves no trace at the end."""
    assert normalise(text) == normalise(text + "\n\t")


@given(st.text(alphabet="ab \n[](){}<>*#-:x2VerseChorusHook"))
def test_the_canonical_form_is_final_with_every_kind_of_tag(text):
    assert canonical(canonical(text)) == canonical(text)
