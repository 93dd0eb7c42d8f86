"""How values are said on a page."""

from datetime import UTC, datetime, timedelta

import pytest
from django import forms
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from lyricsite.templatetags import look
from training.models import Dataset, TrainingRun

NOW = datetime(2026, 3, 18, 9, 40, tzinfo=UTC)  # a Wednesday
SONG = "[Verse 1]\nThe last ferry\nfolds its light\n\nand goes\n\n[Chorus]\n\nHold me"


class TestVerse:
    def test_a_blank_line_begins_a_stanza_and_a_tag_names_it(self):
        assert look.verse(SONG) == [
            {"section": "Verse 1", "lines": ["The last ferry", "folds its light"]},
            {"section": "", "lines": ["and goes"]},
            {"section": "Chorus", "lines": ["Hold me"]},
        ]

    def test_a_limit_counts_lines_of_words_and_leaves_no_empty_section_behind(self):
        assert look.verse(SONG, 3) == look.verse(SONG)[:2]

    @pytest.mark.parametrize("nothing", ["", None, "\n \n"])
    def test_no_text_has_no_stanzas(self, nothing):
        assert look.verse(nothing) == []

    def test_words_keep_the_quotes_they_were_written_with(self):
        assert look.verse("nobody’s “tide”")[0]["lines"] == ["nobody’s “tide”"]

    @given(st.text())
    def test_no_word_is_lost(self, text):
        stanzas = look.verse(text)
        shown = sum(len(stanza["lines"]) + bool(stanza["section"]) for stanza in stanzas)
        assert shown == sum(bool(line.strip()) for line in text.splitlines())

    def test_hostile_lyrics_are_escaped(self):
        page = render_to_string("components/_verse.html", {"text": "[<i>Verse</i>]\n<script>alert(1)</script>"})
        assert "<script>" not in page
        assert "<i>" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


class TestNumbers:
    @pytest.mark.parametrize("filter_", [look.nats, look.thousands, look.compact, look.percent, look.duration])
    @pytest.mark.parametrize("value", [None, "", float("nan"), float("inf"), True])
    def test_what_is_no_number_is_a_dash(self, filter_, value):
        assert filter_(value) == "–"

    def test_numbers_are_said_in_their_unit(self):
        assert look.nats(1.3812) == "1.38"
        assert look.thousands(41_200.4) == "41,200"
        assert look.compact(1_090_000) == "1.09 M"
        assert look.compact(99_999) == "99,999"
        assert look.percent(59.3) == "59 %"

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [
            (0, "0 s"),
            (0.2, "under 1 s"),
            (45.2, "45 s"),
            (59.7, "1 min"),
            (372, "6 min 12 s"),
            (3_599.9, "1 h"),
            (3_900, "1 h 5 min"),
            (86_400, "1 day"),
            (183_600, "2 days 3 h"),
            (-1, "–"),
        ],
    )
    def test_a_duration_is_said_in_its_two_largest_units(self, seconds, words):
        assert look.duration(seconds) == words


class TestWhen:
    @pytest.mark.parametrize(
        ("ago", "words"),
        [
            (timedelta(hours=1), "today, 8:40"),
            (timedelta(hours=10), "yesterday, 23:40"),
            (timedelta(days=3), "Sunday"),
            (timedelta(days=7), "11 March"),
            (timedelta(days=90), "18 December 2025"),
            (timedelta(days=-1), "19 March"),
        ],
    )
    def test_a_moment_is_said_as_people_say_it(self, ago, words):
        assert look.when(NOW - ago, NOW) == words

    def test_no_moment_is_a_dash(self):
        assert look.when(None) == "–"


class TestWords:
    @pytest.mark.parametrize("state", [*Dataset.State.values, *TrainingRun.State.values])
    def test_every_state_has_a_word(self, state):
        assert state in look.STATE_WORDS

    @pytest.mark.parametrize(
        ("url_name", "section"),
        [
            ("dataset-detail", "datasets"),
            ("song-list", "datasets"),
            ("run-create", "runs"),
            ("model-list", "models"),
            ("compose", "write"),
            ("lyric-detail", "lyrics"),
            ("home", "home"),
            ("api-docs", ""),
            (None, ""),
        ],
    )
    def test_a_page_stands_under_the_section_its_address_names(self, url_name, section):
        assert look.section_of(url_name) == section

    def test_form_choices_find_their_sentence_whatever_type_the_key_has(self):
        assert look.item({"2": "two"}, 2) == "two"
        assert look.item(None, 2) is None


class SongForm(forms.Form):
    title = forms.CharField(help_text="As it is sung.", widget=forms.TextInput(attrs={"class": "song-name"}))
    shared = forms.BooleanField(required=False)
    cell = forms.ChoiceField(choices=[("lstm", "LSTM")], widget=forms.RadioSelect)


def rendered_field(form: forms.Form, name: str) -> str:
    return render_to_string("components/_field.html", {"field": form[name]})


class TestFields:
    def test_a_control_keeps_its_own_class_beside_the_one_that_styles_it(self):
        assert 'class="input song-name"' in look.control(SongForm()["title"])

    def test_an_error_and_the_help_are_tied_to_their_control(self):
        page = rendered_field(SongForm({}), "title")
        assert 'aria-invalid="true"' in page
        assert 'aria-describedby="id_title_helptext id_title_error"' in page
        assert 'id="id_title_error"' in page
        assert 'id="id_title_helptext"' in page

    def test_each_control_has_a_label(self):
        assert '<label for="id_title">' in rendered_field(SongForm(), "title")
        assert '<label class="check" for="id_shared">' in rendered_field(SongForm(), "shared")
        assert '<label for="id_cell_0">' in rendered_field(SongForm(), "cell")
        assert '<legend class="label">Cell</legend>' in rendered_field(SongForm(), "cell")

    def test_what_a_person_typed_is_escaped_in_its_field_and_its_error(self):
        form = SongForm({"cell": "<b>"})
        assert "<b>" not in rendered_field(form, "cell")


@pytest.mark.parametrize(
    ("filter_", "value", "words"),
    [
        (look.share, 0.426, "43 %"),
        (look.share, None, "–"),
        (look.digits, 0.00432, "0.0043"),
        (look.digits, float("nan"), "–"),
        (look.megabytes, 430 * 1024**2, "430 MB"),
        (look.megabytes, 1_990 * 1024**2, "1.9 GB"),
        (look.megabytes, None, "–"),
    ],
)
def test_gauges_are_said_with_their_unit(filter_, value, words):
    assert filter_(value) == words
