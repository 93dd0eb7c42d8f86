"""Counts add up whatever stands in the file and whatever was chosen."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.training.song_files import csv_file, run_waiting_import
from training.models import Dataset
from training.services import datasets as services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

VERSE = "The lantern swings above the river door\nand nobody is singing any more\nthe boats come in by two and three"
TEXTS = st.sampled_from(
    [
        VERSE,
        VERSE.upper() + "!",
        VERSE + "\nand here another line is sung for you",
        "Die Lampe schwingt und keiner singt das Lied\nder Fluss ist breit und niemand, der ihn sieht",
        "la la",
        "",
        "[Instrumental]",
        "x" * 200_001,
    ]
)
ROWS = st.lists(
    st.tuples(TEXTS, st.sampled_from(["rock", "misc", ""]), st.sampled_from(["en", "de", ""])), min_size=1, max_size=12
)
OPTIONS = st.fixed_dictionaries(
    {
        "language": st.sampled_from([[], ["en"], ["de", "en"]]),
        "detect_language": st.booleans(),
        "duplicates": st.booleans(),
        "near_duplicates": st.booleans(),
        "cleaning": st.fixed_dictionaries({"stubs": st.booleans()}),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, options=OPTIONS)
def test_records_are_accepted_rejected_or_copies(user, rows, options):
    Dataset.objects.all().delete()
    file = csv_file(
        [(f"Song {number}", *row) for number, row in enumerate(rows)], ("title", "lyrics", "tag", "language")
    )
    dataset = services.create_dataset(owner=user, name="Any", file=file, options=options)
    report = run_waiting_import(dataset).report

    left_out = sum(report["rejected"].values()) + sum(report["duplicates"].values())
    assert report["records"] == len(rows) == report["accepted"] + left_out
    assert dataset.songs_in_use().count() == report["accepted"]
    assert sum(report["languages"].values()) <= report["accepted"]
    assert report["non_english"] <= sum(report["languages"].values())
    if report["accepted"]:
        assert dataset.statistics["songs"] == report["accepted"]
