"""What a dataset's card warns of."""

import pytest

from training.advice import dataset_findings, words_wanted
from training.language_model.presets import PRESETS

PLENTY = {
    "songs": 9000,
    "lines": 300_000,
    "words": 2_400_000,
    "different_words": 40_000,
    "with_sections": 6000,
    "repeated_line_share": 0.3,
    "languages": [["en", 9000]],
}


def titles(report=None, **statistics) -> list[str]:
    return [finding.title for finding in dataset_findings(PLENTY | statistics, report or {})]


def test_a_large_clean_dataset_is_warned_of_nothing():
    findings = dataset_findings(PLENTY, {"accepted": 9000, "duplicates": {"exact": 12}})

    assert [(finding.title, finding.tone) for finding in findings] == [
        ("Enough for Tiny, Coffee, Lunch and Overnight.", "")
    ]


def test_a_dataset_without_songs_has_nothing_said_about_it():
    assert dataset_findings({}, {}) == []
    assert dataset_findings({"songs": 0}, {}) == []


def test_what_is_too_small_for_a_preset_says_how_many_words_that_wants():
    finding = dataset_findings(PLENTY | {"words": 60_000, "different_words": 5000}, {})[0]

    assert finding.title == "Enough for Tiny."
    assert finding.text.startswith("Coffee, Lunch and Overnight would take")
    assert "Coffee wants about" in finding.evidence
    assert "there are 60,000" in finding.evidence


def test_a_handful_of_words_is_too_small_for_every_preset():
    finding = dataset_findings(PLENTY | {"songs": 3, "words": 500, "different_words": 200}, {})[0]

    assert (finding.title, finding.tone) == ("Too small for every preset.", "warn")


def test_the_songbook_that_the_tiny_preset_was_made_for_is_enough_for_it():
    assert words_wanted(PRESETS["tiny"], {"different_words": 3200}) <= 29_000


def test_larger_presets_want_more_words():
    wanted = [words_wanted(PRESETS[name], PLENTY) for name in PRESETS]

    assert wanted == sorted(wanted)
    assert wanted[1] > 2 * wanted[0]


@pytest.mark.parametrize(
    ("statistics", "report", "title"),
    [
        ({"lines": 9000}, {}, "No line breaks."),
        ({"with_sections": 0}, {}, "No sections."),
        ({"with_sections": 90}, {}, "Hardly any song names its sections."),
        ({"languages": [["en", 80], ["de", 20]]}, {}, "Several languages."),
        ({"repeated_line_share": 0.7}, {}, "Mostly repeats."),
        ({}, {"replaced_characters": 2}, "Broken letters."),
        ({}, {"accepted": 50, "duplicates": {"exact": 30, "near": 20}}, "Half of the songs are copies."),
        ({}, {"accepted": 70, "duplicates": {"normalised": 30}}, "Many songs are copies."),
        ({}, {"accepted": 10, "duplicates": {"normalised": 30}}, "Most of the songs are copies."),
    ],
)
def test_each_trap_has_its_sentence(statistics, report, title):
    assert title in titles(report, **statistics)


@pytest.mark.parametrize(
    ("statistics", "report"),
    [
        ({"languages": [["en", 99], ["de", 1]]}, {}),
        ({"with_sections": 0, "songs": 3}, {}),
        ({}, {"accepted": 95, "duplicates": {"exact": 5}}),
    ],
)
def test_what_is_usual_has_none(statistics, report):
    assert len(titles(report, **statistics)) == 1


def test_warnings_stand_before_what_is_good_to_know():
    tones = [finding.tone for finding in dataset_findings(PLENTY | {"with_sections": 0, "lines": 9000}, {})]

    assert tones == ["warn", "", ""]
