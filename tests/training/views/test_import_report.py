"""An import's report as a page says it."""

from training.views.import_report import report_of

REPORT = {
    "records": 20,
    "accepted": 12,
    "rejected": {"empty": 3, "language": 1},
    "duplicates": {"exact": 2, "normalised": 0, "near": 2},
    "languages": {"en": 9, "de": 5, "zz": 1, "": 1},
    "cleaning": {"markup": {"songs": 2, "places": 7}},
    "marks": {"repeats": 3},
    "warnings": ["Mind the gap."],
}


def test_the_numbers_add_up_in_one_equation():
    report = report_of(REPORT, {})

    assert (report.records, report.accepted, report.rejected, report.copies) == (20, 12, 4, 4)
    assert report.adds_up


def test_reasons_are_named_the_commonest_first_and_none_is_named_for_nothing():
    reasons = [(bar.name, bar.count) for bar in report_of(REPORT, {}).reasons]

    assert reasons == [("No words", 3), ("Exact copies", 2), ("Near copies", 2), ("Other language", 1)]


def test_languages_have_names_where_we_know_them():
    assert [bar.name for bar in report_of(REPORT, {}).languages] == ["English", "German", "zz", "Not known"]


def test_rare_languages_share_a_bar():
    codes = ["en", "de", "fr", "es", "it", "pt", "nl", "sv"]
    many = {**REPORT, "languages": {code: 20 - place for place, code in enumerate(codes)}}
    bars = report_of(many, {}).languages

    assert (bars[-1].name, bars[-1].count, len(bars)) == ("Others", 14 + 13, 7)


def test_a_switch_says_what_it_did_or_that_it_was_off_and_nothing_where_it_found_nothing():
    report = report_of(REPORT, {"cleaning": {"markup": True, "spacing": False}})

    assert [(done.sentence[:15], done.is_on, done.songs, done.places) for done in report.cleaned] == [
        ("Turn HTML entit", True, 2, 7),
        ("Take out blanks", False, 0, 0),
    ]
    assert not report.was_clean
    assert report_of({**REPORT, "cleaning": {}}, {}).was_clean


def test_a_report_of_an_older_import_is_shown_with_what_it_has():
    report = report_of({"records": 3, "accepted": 3, "rejected": {}, "duplicates": {"exact": 0}, "non_english": 1}, {})

    assert (report.cleaned, report.languages, report.reasons, report.non_english) == ([], [], [], 1)
