import ftfy
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from training.importers.cleaning import MARKS, SWITCHES, clean
from training.language_model.lyric_text import normalise, section_name

SONG = "[Verse 1]\nThe river runs beside the road\nand I run with it too\n\n[Chorus]\nCarry me home"
DIRT = (
    *("12 Contributors", "Song Lyrics", " Lyrics", "[Verse 1]", "[Chorus]", "You might also like", "See Us Live"),
    *("Get tickets as low as $49", "7Embed", "Embed", "Read More", "…", "instrumental", "x2", "(repeat chorus)"),
    *("&amp;", "amp;", "lt;", "&#39;", "&#1", "0;", "&quot;", "&nbsp;", "&", ";", "<br>", "<br/>", "<b>", "</p>", "<3"),
    *("<", ">", "<!--", "-->", "<script>", "</script>", "Ã©", "â€™", "Ã ", "é", "’", "\x92", "привет"),
    *(" ", "  ", "\n", "\n\n", "\t", "\xa0", "la", "NA", "a b"),
)
dirty_songs = st.lists(st.sampled_from(DIRT), max_size=14).map("".join)


def cleaned(text: str, **switches: bool) -> str:
    return clean(text, switches).text


@given(dirty_songs | st.text(max_size=60))
@example("&amp;amp;lt;br&amp;gt;")
@example("la<br>\n\n<br>Embed")
def test_cleaning_twice_changes_nothing_more(text):
    once = clean(text, {})
    twice = clean(once.text, {})
    assert (twice.text, twice.changes) == (once.text, {})


@given(dirty_songs | st.text(max_size=60))
def test_nothing_is_changed_without_being_counted(text):
    found = clean(text, {})
    assert bool(found.changes) == (found.text != text)
    assert set(found.changes) <= set(SWITCHES)
    assert all(places > 0 for places in found.changes.values())
    assert set(found.marks) <= set(MARKS)


@given(dirty_songs, st.dictionaries(st.sampled_from(sorted(SWITCHES)), st.booleans()))
def test_a_switch_that_is_off_changes_nothing(text, switches):
    assert not any(switches.get(switch) is False for switch in clean(text, switches).changes)
    assert clean(text, dict.fromkeys(SWITCHES, False)).text == text


def test_a_clean_song_is_left_as_it_is():
    found = clean(SONG, {})
    assert (found.text, found.changes, found.marks) == (SONG, {}, ())


@pytest.mark.parametrize(
    "line",
    [
        "I <3 you & me",
        "a < b and c > d",
        "say a <b and c> d",
        "AT&T; R&B; rock&roll;",
        "You had to Embed yourself",
        "deep in my heart I Embed",
        "You might also like me",
        "I think you'd see. You might also like it",
        "See me Live tonight",
        "These are my Lyrics",
        "She's got 12 Contributors to her fame",
        "12 Contributors\nsang into the night\nThese are my Lyrics",
        "12 Contributors\nsang of Lyrics that I lost",
        "Ça va, señor? “Yes” – naïve… déjà vu",
        "São Paulo, MANHÃ, Ãnimo",
        "今日は歌う、ありがとう",
        "Привет, мир! Сегодня мы поём",
        "γειά σου κόσμε",
        "instrumental in my downfall",
        "na na na na",
        "NA, NA, hey hey",
        "It's x2 the fun (repeat chorus)",
        "I'm 99 & 44/100ths % sure; &c",
        "smile :) 8-> <- ->",
    ],
)
def test_what_is_sung_is_never_eaten(line):
    song = f"first line\n{line}\nlast line"
    assert clean(song, {}).text == song
    assert clean(line, {}).text == line


@pytest.mark.parametrize(
    ("broken", "sound", "places"),
    [
        ("Itâ€™s late", "It’s late", 1),
        ("â€œOhâ€\x9d, voilÃ  le cafÃ©", "“Oh”, voilà le café", 4),
        ("sound café\nbroken cafÃ©", "sound café\nbroken café", 1),
        ("don\x92t go", "don’t go", 1),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет", 1),
        ("Itâ€™s “quoted” & <b", "It’s “quoted” & <b", 1),
    ],
)
def test_broken_characters_are_repaired_and_counted(broken, sound, places):
    found = clean(broken, {})
    assert found.text == sound
    assert found.changes == {"mojibake": places}


def test_only_broken_characters_are_repaired_not_all_that_ftfy_would():
    line = "ﬁne “quotes” ＡＢＣ"
    assert ftfy.fix_text(line) != line
    assert cleaned(line) == line


@pytest.mark.parametrize(
    ("written", "meant", "places"),
    [
        ("It&#39;s &quot;me&quot; &amp; you &lt;3", 'It\'s "me" & you <3', 5),
        ("one<br>two<BR />three<br\n/>four", "one\ntwo\nthree\nfour", 3),
        ("one<br />\ntwo<br>\n<br>\nthree", "one\ntwo\n\nthree", 3),
        ("<p>one</p>\n<p>two</p>", "one\n\ntwo", 4),
        ('<div class="lyrics">la <i>la</i> <a href="/x?a=1&amp;b">la</a></div>', "la la la", 6),
        ("&amp;lt;br&amp;gt;", "", 3),
        ("la<!-- an advert --> la<script>track('me')</script>", "la la", 2),
        ("caf&eacute; &hellip; &#x263A;", "café … ☺", 3),
        ("one&#13;&#10;two&#13;\nthree&#xD;four", "one\ntwo\nthree\nfour", 4),
        ("void&#0;", "void\ufffd", 1),
    ],
)
def test_markup_becomes_text_and_is_counted(written, meant, places):
    found = clean(written, {})
    assert found.text == meant
    assert found.changes["markup"] == places


@pytest.mark.parametrize(
    ("scraped", "places"),
    [
        (f"12 ContributorsRiver Lyrics{SONG}", 1),
        (f"1 ContributorRiver Lyrics\n\n{SONG}", 1),
        (f"12 Contributors\nRiver Lyrics\n{SONG}", 1),
        (f"12 Contributors \n\nRiver Lyrics\n\n{SONG}", 1),
        (f"12 Contributors\nRiver Lyrics{SONG}", 1),
        (f"5 ContributorsTranslationsEnglishFrançaisRiver Lyrics{SONG}", 1),
        (f"5 ContributorsRiver LyricsThe first song of a long album… Read More\xa0\n{SONG}", 1),
        (f"3 ContributorsLyrics of Mine Lyrics{SONG}", 1),
        (f"River Lyrics{SONG}", 1),
        (f"River Lyrics\n{SONG}", 1),
        (f"{SONG}Embed", 1),
        (f"{SONG}12Embed", 1),
        (f"{SONG}1.2KEmbed", 1),
        (f"{SONG}\nEmbed\n", 1),
        (f"{SONG}You might also like7Embed", 1),
        (f"{SONG}12EmbedShare URLCopyEmbedCopy", 1),
        (SONG.replace("\n\n[", "\n\nYou might also like["), 1),
        (SONG.replace("\n\n[", "\nYou might also like\n\n["), 1),
        (SONG.replace("\n\n[", "\n\nSee The Band LiveGet tickets as low as $1,059You might also like["), 2),
        (f"{SONG}\n\n******* This Lyrics is NOT for Commercial use *******\n(1409622004155)", 1),
        (f"{SONG}\nLyrics powered by site.example", 1),
    ],
)
def test_what_a_site_added_is_taken_out_and_counted(scraped, places):
    found = clean(scraped, {})
    assert found.text == SONG
    assert found.changes["site_text"] == places


def test_a_year_at_the_end_survives_the_sites_count():
    assert cleaned("back in 198412Embed") == "back in 1984"


@pytest.mark.parametrize(
    ("spaced", "tight", "places"),
    [
        ("one  \ntwo  \n  \nthree  \n", "one\ntwo\n\nthree", 5),
        ("one  two\tthree", "one two\tthree", 1),
        ("one\n\n\n\ntwo", "one\n\ntwo", 1),
        ("  one\n\xa0two\u3000", "one\ntwo", 2),
    ],
)
def test_blanks_to_spare_are_taken_out_and_counted(spaced, tight, places):
    found = clean(spaced, {})
    assert found.text == tight
    assert found.changes == {"spacing": places}


@pytest.mark.parametrize(
    "stub",
    [
        *(
            "Instrumental",
            "[Instrumental]",
            "(instrumental)",
            " INSTRUMENTAL. ",
            "*Instrumental*",
            "Instrumental track",
        ),
        *("This song is an instrumental", "NA", " NA ", "N/A", "nan", "No lyrics available", "Lyrics not available"),
        "Lyrics for this song have yet to be released. Please check back once the song has been released.",
        "<p>[Instrumental]</p>",
        "4 ContributorsRiver Lyrics[Instrumental]Embed",
    ],
)
def test_a_stub_has_no_words_left(stub):
    found = clean(stub, {})
    assert not [line for line in normalise(found.text).split("\n") if line and section_name(line) is None]
    assert found.changes["stubs"] == 1


def test_a_song_with_an_instrumental_part_is_only_marked():
    song = f"{SONG}\n\n[Instrumental Break]\n\nla la"
    found = clean(song, {})
    assert (found.text, found.changes, found.marks) == (song, {}, ("instrumental",))


def test_a_stub_says_that_it_is_instrumental():
    assert clean("Instrumental", {}).marks == ("instrumental",)


@pytest.mark.parametrize(
    "line",
    [
        *("sing it (x2)", "sing it x2", "sing it X 4", "2x", "[Chorus x2]", "sing it ×3", "(repeat chorus)"),
        *("[Repeat Chorus]", "Repeat chorus", "repeat to fade", "(Repeat 3 times)", "*repeat verse 1*"),
    ],
)
def test_repeats_are_marked_and_left_as_they_are(line):
    found = clean(f"one\n{line}\ntwo", {})
    assert "repeats" in found.marks
    assert found.text == f"one\n{line}\ntwo"


@pytest.mark.parametrize(
    "line", ["Repeat after me", "exit 2 the x", "mix2 the max2", "over and over, repeat it", "1x1y"]
)
def test_a_sung_word_is_no_repeat(line):
    assert clean(line, {}).marks == ()


@pytest.mark.parametrize("tag", ["[Chorus]", "(Chorus)", "CHORUS:", "Chorus x2", "[Hook]", "**Chorus**", "Refrão:"])
def test_a_chorus_without_text_is_marked(tag):
    assert "chorus_reference" in clean(f"[Verse]\nla la\n\n{tag}\n\n[Verse 2]\nda da", {}).marks
    assert "chorus_reference" in clean(f"[Verse]\nla la\n\n{tag}", {}).marks
    assert "chorus_reference" not in clean(f"[Verse]\nla la\n\n{tag}\n\nla la", {}).marks


def test_hostile_depths_of_markup_end():
    text = clean("&#3" * 500 + "8;" * 500, {}).text
    assert len(text) <= 2500
