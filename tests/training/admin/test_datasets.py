"""Datasets in the admin: the same service, the same refusals."""

import pytest
from django.urls import reverse

from tests.songs import make_ready_dataset
from tests.training.runs import make_run
from tests.training.song_files import csv_file, imported, unsure_file
from training.models import Dataset, Song

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

ADD = "/admin/training/dataset/add/"
LIST = "/admin/training/dataset/"


def test_an_upload_goes_through_the_service_and_belongs_to_who_made_it(admin, staff_user):
    assert 'enctype="multipart/form-data"' in admin.get(ADD).content.decode()
    answer = admin.post(ADD, {"name": "By the admin", "description": "", "file": csv_file()})

    dataset = Dataset.objects.get()
    assert answer.status_code == 302
    assert (dataset.owner, dataset.state) == (staff_user, Dataset.State.IMPORTING)
    assert dataset.imports.count() == 1


def test_a_column_is_named_where_nobody_can_be_sure(admin):
    admin.post(ADD, {"name": "x", "file": unsure_file(), "lyrics_column": "beta"})

    assert Dataset.objects.get().state == Dataset.State.IMPORTING


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"lyrics_column": "nope"}, "There is no column named"), ({"name": ""}, "required"), ({"file": ""}, "required")],
)
def test_a_refusal_is_said_in_the_form(admin, fields, words):
    answer = admin.post(ADD, {"name": "x", "file": csv_file(), **fields})

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not Dataset.objects.exists()


def test_the_state_cannot_be_written_by_hand(admin, staff_user):
    dataset = imported(staff_user)
    management = {f"{rows}-{name}_FORMS": 0 for rows in ("imports", "versions") for name in ("TOTAL", "INITIAL")}
    fields = {"name": "Renamed", "owner": staff_user.pk, "visibility": "shared", "state": "failed", **management}
    answer = admin.post(reverse("admin:training_dataset_change", args=[dataset.pk]), fields)

    dataset.refresh_from_db()
    assert answer.status_code == 302
    assert (dataset.name, dataset.visibility, dataset.state) == ("Renamed", "shared", "ready")


def test_the_report_stands_beside_the_dataset(admin, staff_user):
    dataset = imported(staff_user, name="<script>x</script>")
    shown = admin.get(reverse("admin:training_dataset_change", args=[dataset.pk])).content.decode()

    assert "3 records: 3 accepted" in shown
    assert "<script>x</script>" not in shown


def test_a_dataset_is_imported_again_from_the_list(admin, staff_user):
    dataset = imported(staff_user)
    admin.post(LIST, {"action": "import_again", "_selected_action": [dataset.pk]})

    dataset.refresh_from_db()
    assert dataset.state == Dataset.State.IMPORTING
    assert dataset.imports.count() == 2


def test_deleting_asks_in_one_line_and_takes_the_songs_along(admin, staff_user):
    dataset = imported(staff_user)
    address = reverse("admin:training_dataset_delete", args=[dataset.pk])
    assert "3 songs and the file" in admin.get(address).content.decode()

    admin.post(address, {"post": "yes"})
    assert not Dataset.objects.exists()
    assert not Song.objects.exists()


def test_a_dataset_that_a_run_uses_is_protected(admin, staff_user):
    dataset = make_ready_dataset(staff_user)
    make_run(dataset=dataset, owner=staff_user)
    address = reverse("admin:training_dataset_delete", args=[dataset.pk])

    assert "was trained on" in admin.get(address).content.decode()
    admin.post(address, {"post": "yes"})
    assert Dataset.objects.exists()


@pytest.mark.parametrize("model", ["dataset", "datasetversion", "song", "import", "rejection"])
def test_each_list_opens_with_a_search_and_few_questions(admin, staff_user, model, django_assert_max_num_queries):
    imported(staff_user)
    with django_assert_max_num_queries(14):
        assert admin.get(f"/admin/training/{model}/", {"q": "salt"}).status_code == 200


def test_songs_are_read_and_not_changed(admin, staff_user):
    dataset = imported(staff_user)
    song = dataset.songs.first()
    address = reverse("admin:training_song_change", args=[song.pk])

    assert admin.get(address).status_code == 200
    assert admin.post(address, {"title": "x"}).status_code == 403
    assert admin.get("/admin/training/song/add/").status_code == 403
