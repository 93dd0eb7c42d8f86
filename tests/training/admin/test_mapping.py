"""Columns in the admin: proposed, corrected, imported; exports and the report beside them."""

import pytest
from django.urls import reverse

from tests.training.song_files import VERSES, csv_file, imported, jsonl_file, unsure_file
from training.models import Dataset
from training.services import datasets as services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

ADD = "/admin/training/dataset/add/"
LIST = "/admin/training/dataset/"


def mapping_of(dataset) -> str:
    return reverse("admin:training_dataset_mapping", args=[dataset.pk])


def waiting(owner) -> Dataset:
    return services.create_dataset(owner=owner, name="Unsure", file=unsure_file())


def test_a_dataset_that_waits_shows_its_songs_as_they_would_be(admin, user):
    dataset = waiting(user)

    page = admin.get(mapping_of(dataset)).content.decode()

    assert "and then a second, longer line" in page
    assert "Import with these columns" in page
    assert (
        mapping_of(dataset) in admin.get(reverse("admin:training_dataset_change", args=[dataset.pk])).content.decode()
    )


def test_columns_are_corrected_and_the_stored_file_is_imported(admin, user):
    dataset = waiting(user)

    answer = admin.post(mapping_of(dataset), {"column_lyrics": "beta", "column_title": "alpha"})

    dataset.refresh_from_db()
    assert answer.status_code == 302
    assert dataset.state == Dataset.State.IMPORTING
    assert dataset.imports.get().mapping["title"] == "alpha"


def test_looking_again_imports_nothing(admin, user):
    dataset = waiting(user)

    answer = admin.post(mapping_of(dataset), {"column_lyrics": "beta", "look": "yes"})

    assert answer.status_code == 200
    assert not dataset.imports.exists()


def test_a_column_that_is_not_there_is_refused_in_words(admin, user):
    dataset = waiting(user)

    answer = admin.post(mapping_of(dataset), {"column_lyrics": "gamma"})

    assert answer.status_code == 400
    assert "There is no column named" in answer.content.decode()


def test_who_may_not_change_datasets_gets_no_mapping_page(client, user, other_user):
    dataset = waiting(user)
    assert client.get(mapping_of(dataset)).status_code == 302
    other_user.is_staff = True
    other_user.save()
    client.force_login(other_user)

    assert client.get(mapping_of(dataset)).status_code == 403
    assert client.post(mapping_of(dataset), {"column_lyrics": "beta"}).status_code == 403
    assert not dataset.imports.exists()


def test_no_dataset_has_no_mapping_page(admin):
    assert admin.get(reverse("admin:training_dataset_mapping", args=["nope"])).status_code == 404


def test_several_files_become_one_dataset(admin):
    assert " multiple" in admin.get(ADD).content.decode()
    songs = [{"title": "Winter", "lyrics": "Winter has a key\nto every door"}]
    admin.post(ADD, {"name": "Two files", "description": "", "file": [csv_file(), jsonl_file(songs)]})

    assert Dataset.objects.get().files.get().original_name.endswith(".zip")


def test_reading_and_cleaning_are_chosen_at_the_upload(admin):
    chosen = {
        "encoding": "utf-8",
        "language": "en, de",
        "without_cleaning": ["markup"],
        "without_steps": ["near_duplicates"],
        "title_column": "title",
    }
    admin.post(ADD, {"name": "x", "description": "", "file": csv_file(), **chosen})

    options = Dataset.objects.get().imports.get().options
    assert options["language"] == ["en", "de"]
    assert options["cleaning"] == {"markup": False}
    assert (options["near_duplicates"], options["duplicates"]) == (False, True)


def test_a_language_that_is_none_is_said_in_the_form(admin):
    page = admin.post(ADD, {"name": "x", "file": csv_file(), "language": "klingon"}).content.decode()

    assert "two letters" in page
    assert not Dataset.objects.exists()


def test_the_report_says_what_was_found_and_cleaned(admin, staff_user):
    rows = [*VERSES, VERSES[0], ("Marked", "", "Hymn", "Salt &amp; sand\nupon the <b>shore</b>"), ("Empty", "", "", "")]
    dataset = imported(staff_user, csv_file(rows))

    page = admin.get(reverse("admin:training_dataset_change", args=[dataset.pk])).content.decode()

    assert "records: 6<br>" in page
    assert "rejected, empty: 1<br>" in page
    assert "duplicates, exact: 1<br>" in page
    assert "cleaned, markup:" in page
    assert "version" in page


@pytest.mark.parametrize(("action", "begins"), [("export_csv", b"ordinal,title"), ("export_json_lines", b'{"ordinal"')])
def test_the_songs_of_one_dataset_are_exported(admin, staff_user, action, begins):
    dataset = imported(staff_user)

    answer = admin.post(LIST, {"action": action, "_selected_action": [dataset.pk]})

    assert b"".join(answer.streaming_content).startswith(begins)


def test_two_datasets_are_no_file(admin, staff_user):
    chosen = [imported(staff_user).pk, imported(staff_user, name="Second").pk]

    page = admin.post(LIST, {"action": "export_csv", "_selected_action": chosen}, follow=True).content.decode()

    assert "Choose one dataset" in page
