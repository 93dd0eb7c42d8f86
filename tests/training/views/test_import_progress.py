"""The steps of an import."""

from training.models import Import
from training.views.import_progress import steps_of


def names(job: Import) -> list[str]:
    return [step.name for step in steps_of(job)]


def test_the_current_step_stands_between_those_done_and_those_to_come():
    steps = steps_of(Import(phase="comparing"))

    assert [(step.is_done, step.is_current) for step in steps] == [
        (True, False), (False, True), (False, False), (False, False),
    ]  # fmt: skip


def test_a_step_that_was_turned_off_is_not_named():
    off = {"duplicates": False, "near_duplicates": False, "full_text": False}

    assert names(Import(options=off)) == ["Read the file", "Count"]
    assert "Look for copies" in names(Import(options={**off, "near_duplicates": True}))


def test_songs_are_gathered_first_where_a_dataset_is_combined():
    assert names(Import(recipe={"sources": []}))[0] == "Gather the songs"
