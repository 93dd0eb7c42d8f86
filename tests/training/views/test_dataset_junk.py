"""Pages of datasets under addresses, parameters and fields that nobody should send."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.training.runs import make_run
from tests.training.song_files import VERSES, csv_file, imported
from training.models import Dataset
from training.services import datasets as services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

JUNK = ["x", "-1", "0", "NaN", "9" * 40, "a%00b", "%ED%A0%80", "%ff", "%C2%B2", "'%20OR%201=1", "x" * 3000]
PAGES = [
    *("", "import/", "mapping/", "delete/", "rejections.csv", "songs/", "songs/1/", "duplicates/", "versions/"),
    *("versions/compare/", "export/csv/"),
]


def page(name, *arguments) -> str:
    return reverse(f"training:{name}", args=arguments)


@pytest.mark.parametrize("parameter", ["page", "q", "genre", "from", "excluded", "language", "artist"])
@pytest.mark.parametrize("junk", JUNK)
def test_no_parameter_makes_a_server_error(signed_in, ready_dataset, parameter, junk):
    for name in ("dataset-detail", "song-list", "duplicate-list", "version-list"):
        path = page(name, ready_dataset.pk)
        assert signed_in.get(f"{path}?{parameter}={junk}").status_code == 200
    assert signed_in.get(f"{page('dataset-list')}?{parameter}={junk}").status_code == 200


@pytest.mark.parametrize("junk", ["%00", "a%00b", "%ED%A0%80", "%ff", "'%20OR%201=1", "x" * 300])
@pytest.mark.parametrize("path", PAGES)
def test_an_address_that_is_no_dataset_is_not_found(signed_in, junk, path):
    assert signed_in.get(f"/datasets/{junk}/{path}").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["cancel/", "edit/", "delete/", "mapping/", "songs/change/", "songs/1/edit/", "songs/1/exclude/"],
)
def test_a_change_of_what_is_no_dataset_is_not_found(signed_in, path):
    assert signed_in.post(f"/datasets/a%00b/{path}").status_code == 404


def test_a_song_number_no_column_holds_is_not_found(signed_in, ready_dataset):
    assert signed_in.get(f"/datasets/{ready_dataset.pk}/songs/{'9' * 40}/").status_code == 404


@pytest.mark.parametrize("field", ["name", "description", "visibility"])
@pytest.mark.parametrize("junk", ["a\0b", "x" * 3000])
def test_a_field_that_cannot_be_kept_is_refused_on_its_page(signed_in, ready_dataset, field, junk):
    fields = {"name": "New", "description": "", "visibility": "private", field: junk}

    assert signed_in.post(page("dataset-edit", ready_dataset.pk), fields).status_code == 400
    ready_dataset.refresh_from_db()
    assert ready_dataset.name == "Small songs"


@pytest.mark.parametrize(
    "field", ["format", "encoding", "delimiter", "separator", "column_lyrics", "column_title", "title_line"]
)
@pytest.mark.parametrize("junk", ["nonsense", "a\0b", "x" * 3000])
def test_a_choice_that_is_none_is_no_server_error(signed_in, user, field, junk):
    dataset = imported(user)
    sent = {"name": "x", "file": csv_file(), field: junk}

    assert signed_in.post(page("dataset-create"), sent).status_code in (302, 400)
    assert signed_in.post(page("dataset-preview"), {**sent, "file": csv_file()}).status_code == 200
    assert signed_in.post(page("dataset-mapping", dataset.pk), {field: junk, "look": "part"}).status_code == 200


def test_a_choice_that_is_none_is_said_and_imports_nothing(signed_in, user):
    dataset = imported(user)
    sent = {"column_lyrics": "title", "encoding": "rot13"}

    answer = signed_in.post(page("dataset-mapping", dataset.pk), sent)
    assert answer.status_code == 400
    assert "Letters: Select a valid choice. rot13" in answer.content.decode()
    assert dataset.imports.count() == 1

    looked = signed_in.post(page("dataset-mapping", dataset.pk), {**sent, "look": "part"})
    assert looked.status_code == 200
    assert "Letters: Select a valid choice. rot13" in looked.content.decode()


def test_the_left_out_rows_hold_no_formula(signed_in, user):
    lines = b'{"title": "a", "lyrics": "one\\ntwo"}\n=HYPERLINK("x")\n+1+1\n@SUM(A1)\n'
    dataset = imported(user, SimpleUploadedFile("s.jsonl", lines))

    rows = list(csv.DictReader(io.StringIO(signed_in.get(page("dataset-rejections", dataset.pk)).content.decode())))

    assert [row["line"] for row in rows] == ["2", "3", "4"]
    assert [row["snippet"][:2] for row in rows] == ["'=", "'+", "'@"]


def test_the_left_out_rows_say_where_they_stood_on_the_page(signed_in, user):
    dataset = imported(user, csv_file([VERSES[0], ("Nothing", "", "", "")]))
    shown = signed_in.get(page("dataset-detail", dataset.pk)).content.decode()

    assert '<td class="number" data-label="Line">4</td>' in shown  # the first song takes lines 2 and 3


def test_a_file_of_which_everything_is_used_says_so_in_a_note(signed_in, user):
    dataset = imported(user)
    shown = signed_in.get(page("dataset-detail", dataset.pk)).content.decode()

    assert '<div class="note" data-tone="done">' in shown
    assert "Every record became a song." in shown


def test_a_dataset_that_a_run_uses_is_not_deleted_and_the_page_says_why(signed_in, ready_dataset):
    make_run(ready_dataset)
    assert "Delete it" not in signed_in.get(page("dataset-delete", ready_dataset.pk)).content.decode()

    answer = signed_in.post(page("dataset-delete", ready_dataset.pk), follow=True)

    assert Dataset.objects.filter(pk=ready_dataset.pk).exists()
    assert "has to stay" in answer.content.decode()


def test_cancelling_what_is_over_changes_nothing_and_says_so(signed_in, user):
    dataset = imported(user)
    answer = signed_in.post(page("dataset-cancel", dataset.pk), follow=True)

    dataset.refresh_from_db()
    assert dataset.state == Dataset.State.READY
    assert "There is no import to cancel." in answer.content.decode()


def test_other_columns_cannot_be_asked_for_while_an_import_goes_on(signed_in, user):
    dataset = services.create_dataset(owner=user, name="x", file=csv_file())

    assert signed_in.post(page("dataset-mapping", dataset.pk), {"column_lyrics": "title"}).status_code == 409
    assert dataset.imports.count() == 1


@pytest.mark.parametrize("rows", [2, 12])
def test_songs_take_as_many_questions_for_two_rows_as_for_twelve(signed_in, user, django_assert_max_num_queries, rows):
    songs = [(str(number), "", "", f"line {number}\nand another {number}") for number in range(rows // 2)]
    dataset = imported(user, csv_file([*songs, *songs]))

    with django_assert_max_num_queries(7):
        assert signed_in.get(page("song-list", dataset.pk)).content.decode().count('class="song-title"') == rows


@pytest.mark.parametrize("name", ["dataset-cancel", "dataset-edit", "dataset-preview"])
def test_looking_changes_nothing(signed_in, ready_dataset, name):
    arguments = () if name == "dataset-preview" else (ready_dataset.pk,)

    assert signed_in.get(page(name, *arguments)).status_code == 405


def test_a_form_from_elsewhere_is_refused(user, ready_dataset):
    stranger = Client(enforce_csrf_checks=True)
    stranger.force_login(user)

    assert stranger.post(page("dataset-delete", ready_dataset.pk)).status_code == 403
    assert Dataset.objects.exists()
