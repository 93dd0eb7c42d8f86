"""What the admin refuses of datasets: too much, too many, what runs use, and people who are no staff."""

import pytest

from tests.songs import make_ready_dataset
from tests.training.runs import make_run
from tests.training.song_files import csv_file, imported
from training.models import Dataset
from training.services import datasets as services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

ADD = "/admin/training/dataset/add/"
LIST = "/admin/training/dataset/"


def test_a_file_over_the_limit_is_refused_in_the_form(admin, settings):
    settings.STAFF_UPLOAD_LIMIT_BYTES = 10
    answer = admin.post(ADD, {"name": "x", "file": csv_file()})

    assert answer.status_code == 200
    assert "larger than" in answer.content.decode()
    assert not Dataset.objects.exists()


@pytest.mark.parametrize("fields", [{"name": "a\0b"}, {"description": "a\0b"}, {"lyrics_column": "a\0b"}])
def test_a_field_that_cannot_be_kept_is_refused_in_the_form(admin, fields):
    assert admin.post(ADD, {"name": "x", "file": csv_file(), **fields}).status_code == 200
    assert not Dataset.objects.exists()


def test_the_owner_cannot_be_chosen_at_the_upload(admin, staff_user, other_user):
    admin.post(ADD, {"name": "x", "file": csv_file(), "owner": other_user.pk, "state": "ready", "version": 9})

    dataset = Dataset.objects.get()
    assert (dataset.owner, dataset.state, dataset.version) == (staff_user, "importing", 0)


def test_deleting_many_keeps_all_when_a_run_uses_one(admin, staff_user):
    used, free = make_ready_dataset(staff_user, name="used"), make_ready_dataset(staff_user, name="free")
    make_run(used)
    chosen = {"action": "delete_selected", "_selected_action": [used.pk, free.pk], "post": "yes"}

    assert admin.post(LIST, chosen).status_code == 200
    assert Dataset.objects.count() == 2


def test_importing_again_while_an_import_goes_on_is_said(admin, staff_user):
    dataset = services.create_dataset(owner=staff_user, name="x", file=csv_file())
    answer = admin.post(LIST, {"action": "import_again", "_selected_action": [dataset.pk]}, follow=True)

    assert "is being imported right now" in answer.content.decode()
    assert dataset.imports.count() == 1


@pytest.mark.parametrize("parameter", ["q", "o", "p", "state", "state__exact", "created_at__gte", "nonsense", "e"])
@pytest.mark.parametrize("model", ["dataset", "datasetversion", "song", "import", "rejection"])
@pytest.mark.parametrize("junk", ["x", "-1", "9" * 40, "a%00b", "%ff"])
def test_no_parameter_of_a_list_makes_a_server_error(admin, parameter, model, junk):
    assert admin.get(f"/admin/training/{model}/?{parameter}={junk}").status_code in (200, 302, 400)


def test_hostile_names_and_songs_are_text_on_every_page(admin, staff_user):
    hostile = "<script>alert(1)</script>"
    dataset = imported(
        staff_user, csv_file([(hostile, hostile, hostile, f"{hostile}\nsecond"), (hostile, "", "", "")]), name=hostile
    )
    song = dataset.songs.get()
    pages = ["dataset/", f"dataset/{dataset.pk}/change/", f"dataset/{dataset.pk}/delete/", "song/", "import/"]
    pages += [f"song/{song.pk}/change/", "rejection/", f"import/{dataset.imports.get().pk}/change/"]

    for path in pages:
        answer = admin.get(f"/admin/training/{path}")
        assert answer.status_code == 200
        assert "<script>alert(1)" not in answer.content.decode(), path


def test_who_is_no_staff_is_sent_away(signed_in, ready_dataset):
    for path in (LIST, ADD, f"{LIST}{ready_dataset.pk}/change/", f"{LIST}{ready_dataset.pk}/delete/"):
        assert signed_in.get(path).status_code == 302


@pytest.mark.parametrize("model", ["dataset", "datasetversion", "song", "import", "rejection"])
@pytest.mark.parametrize("action", ["change", "delete", "history"])
@pytest.mark.parametrize("junk", ["nope", "9" * 40, "%ff"])
def test_an_address_that_is_nothing_leads_back(admin, model, action, junk):
    answer = admin.get(f"/admin/training/{model}/{junk}/{action}/")

    assert answer.status_code in (302, 403)  # 403: rows that are only read have nothing to delete
