"""What a person sees and does with datasets in the browser."""

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from tests.songs import make_ready_dataset
from tests.training.song_files import VERSES, csv_file, imported, jsonl_file
from training import lifecycle
from training.models import Dataset, Worker
from training.services import datasets as services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

HTMX = {"HX-Request": "true"}


def page(name, *arguments) -> str:
    return reverse(f"training:{name}", args=arguments)


def text(answer) -> str:
    return answer.content.decode()


# ── The list ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_list_says_how_to_fill_it(signed_in):
    answer = signed_in.get(page("dataset-list"))

    assert "No songs yet" in text(answer)
    assert page("dataset-create") in text(answer)


def test_the_list_shows_ones_own_and_what_is_shared(signed_in, user, other_user):
    make_ready_dataset(user, name="My songs")
    make_ready_dataset(other_user, name="Private songs")
    make_ready_dataset(other_user, name="Shared songs", visibility="shared")

    listed = text(signed_in.get(page("dataset-list")))

    assert "My songs" in listed
    assert "Shared songs" in listed
    assert "Private songs" not in listed


def test_the_list_asks_the_database_equally_often_however_long_it_is(
    signed_in, user, other_user, django_assert_max_num_queries
):
    for number in range(6):
        make_ready_dataset(other_user, name=str(number), visibility="shared")
    with django_assert_max_num_queries(6):
        signed_in.get(page("dataset-list"))


def test_the_list_says_how_far_an_import_is_and_keeps_what_there_is(signed_in, user):
    dataset = imported(user, name="Harbour")
    services.import_again(dataset=dataset)
    assert "Waiting for a worker" in text(signed_in.get(page("dataset-list")))

    job = dataset.imports.first()
    lifecycle.claim_import(job.pk)
    dataset.imports.filter(pk=job.pk).update(phase="reading", records_read=1234, bytes_read=42, bytes_total=100)
    listed = text(signed_in.get(page("dataset-list")))

    assert "1,234 records read" in listed
    assert "Reading the file, 42 %" in listed
    assert "3 songs" in listed


@pytest.mark.parametrize(
    "file",
    [
        csv_file([("<script>alert(1)</script>", '"><img src=x>', "<b>", "<i>line</i>\n{{ 7 }}")]),
        jsonl_file([{"title": "<script>alert(1)</script>", "lyrics": "</pre><script>\nx"}]),
    ],
)
def test_hostile_titles_and_verses_are_text_on_every_page(signed_in, user, file):
    preview = text(signed_in.post(page("dataset-preview"), {"file": file}))
    file.seek(0)
    dataset = imported(user, file, name="<script>name</script>", description="<script>about</script>")
    song = dataset.songs.get()
    pages = [
        preview,
        text(signed_in.get(page("dataset-list"))),
        text(signed_in.get(page("dataset-detail", dataset.pk))),
        text(signed_in.get(page("dataset-mapping", dataset.pk))),
        text(signed_in.get(page("dataset-delete", dataset.pk))),
        text(signed_in.get(page("song-list", dataset.pk))),
        text(signed_in.get(page("song-detail", dataset.pk, song.pk))),
    ]

    for shown in pages:
        assert "<script>alert" not in shown
        assert "<script>name" not in shown
        assert "<script>about" not in shown
        assert "<img src=x" not in shown
    assert "&lt;script&gt;alert(1)" in pages[-1]


# ── The import's way ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_that_finds_no_worker_says_so_and_how_to_start_one(signed_in, user):
    dataset = services.create_dataset(owner=user, name="x", file=csv_file())
    shown = text(signed_in.get(page("dataset-import", dataset.pk), headers=HTMX))

    assert "No worker is listening" in shown
    assert "<code>" in shown


def test_a_listening_worker_ends_the_warning(signed_in, user):
    dataset = services.create_dataset(owner=user, name="x", file=csv_file())
    Worker.objects.create(name="w@h", host="h", pid=1, queues=",imports,maintenance,", started_at=Now(), seen_at=Now())

    shown = text(signed_in.get(page("dataset-import", dataset.pk), headers=HTMX))
    assert "Waiting for a worker" in shown
    assert "No worker is listening" not in shown


def test_a_running_import_is_asked_for_every_second(signed_in, user):
    dataset = services.create_dataset(owner=user, name="x", file=csv_file())
    job = dataset.imports.get()
    token = lifecycle.claim_import(job.pk)
    lifecycle.renew_import(job.pk, token, records_read=1234, bytes_read=job.bytes_total // 2)

    answer = signed_in.get(page("dataset-import", dataset.pk), headers=HTMX)

    assert answer.status_code == 200
    assert "1,234 records read" in text(answer)
    assert 'hx-trigger="every 1s"' in text(answer)


def test_a_finished_import_ends_the_asking_and_reloads_the_page(signed_in, user):
    dataset = imported(user)
    answer = signed_in.get(page("dataset-import", dataset.pk), headers=HTMX)

    assert answer.status_code == 286
    assert answer.headers["HX-Refresh"] == "true"
    assert "every 1s" not in text(answer)


def test_an_import_that_came_to_nothing_claims_no_song_to_be_in_use(signed_in, user):
    dataset = imported(user, csv_file([("Empty", "", "", ""), ("Emptier", "", "", "")]))

    shown = text(signed_in.get(page("dataset-detail", dataset.pk)))

    assert "none of this is in use" in shown
    assert "2 records read are 0 that could be used, 2 left out" in shown
    assert "every song was clean" not in shown


def test_a_waiting_import_is_cancelled_by_its_button(signed_in, user):
    dataset = services.create_dataset(owner=user, name="x", file=csv_file())
    assert page("dataset-cancel", dataset.pk) in text(signed_in.get(page("dataset-detail", dataset.pk)))

    signed_in.post(page("dataset-cancel", dataset.pk))

    shown = text(signed_in.get(page("dataset-detail", dataset.pk)))
    assert "The import was cancelled." in shown
    assert page("dataset-mapping", dataset.pk) in shown


# ── One dataset ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_of_a_dataset_says_what_it_holds_and_what_was_left_out(signed_in, user):
    dataset = imported(user, csv_file([*VERSES, VERSES[0], ("Nothing", "", "", "")]))
    shown = text(signed_in.get(page("dataset-detail", dataset.pk)))

    assert "5 records read are 3 in use, 1 left out and 1 copy" in shown
    assert "There are no words in this song." in shown
    assert "Exact copies" in shown
    assert "Nine Bells" in shown
    assert page("run-create", dataset.pk) in shown
    assert " style=" not in shown


def test_a_page_of_a_dataset_takes_few_questions_to_the_database(signed_in, user, django_assert_max_num_queries):
    dataset = imported(user, csv_file([*VERSES, *VERSES, ("Nothing", "", "", "")]))
    with django_assert_max_num_queries(13):
        signed_in.get(page("dataset-detail", dataset.pk))


def test_a_failed_import_says_why_and_offers_other_columns(signed_in, user):
    dataset = imported(user, csv_file([("A", "", "", "")]))
    shown = text(signed_in.get(page("dataset-detail", dataset.pk)))

    assert "No song came out of this file" in shown
    assert page("dataset-mapping", dataset.pk) in shown
    assert page("run-create", dataset.pk) not in shown


def test_the_left_out_rows_are_a_table_to_download(signed_in, user):
    dataset = imported(user, csv_file([*VERSES, ("Nothing", "", "", "")]), name='a"\r\nX-Y: z')
    answer = signed_in.get(page("dataset-rejections", dataset.pk))

    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a-x-y-z-left-out.csv"'
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert "There are no words in this song." in text(answer)


def test_a_dataset_is_renamed_and_shared_on_its_page(signed_in, ready_dataset):
    fields = {"name": "New name", "description": "", "visibility": "shared"}
    answer = signed_in.post(page("dataset-edit", ready_dataset.pk), fields, follow=True)

    ready_dataset.refresh_from_db()
    assert (ready_dataset.name, ready_dataset.visibility) == ("New name", "shared")
    assert "shared with everyone" in text(answer)


def test_a_name_that_is_missing_is_said_at_its_field(signed_in, ready_dataset):
    answer = signed_in.post(page("dataset-edit", ready_dataset.pk), {"name": "", "visibility": "private"})

    assert answer.status_code == 400
    assert "This field is required" in text(answer)
    ready_dataset.refresh_from_db()
    assert ready_dataset.name == "Small songs"


def test_deleting_asks_first(signed_in, ready_dataset):
    assert "be undone" in text(signed_in.get(page("dataset-delete", ready_dataset.pk)))
    assert Dataset.objects.exists()

    signed_in.post(page("dataset-delete", ready_dataset.pk))
    assert not Dataset.objects.exists()


# ── Who may see what ─────────────────────────────────────────────────────────────────────────────────────────────

READING = ["dataset-detail", "dataset-import", "dataset-rejections", "song-list"]
CHANGING = ["dataset-mapping", "dataset-cancel", "dataset-edit", "dataset-delete"]


@pytest.mark.parametrize("name", READING + CHANGING)
def test_another_persons_dataset_is_not_there(client, other_user, ready_dataset, name):
    client.force_login(other_user)
    ask = client.post if name in CHANGING else client.get

    assert ask(page(name, ready_dataset.pk)).status_code == 404


@pytest.mark.parametrize("name", CHANGING)
def test_a_shared_dataset_is_changed_by_its_owner_alone(client, other_user, ready_dataset, name):
    Dataset.objects.update(visibility="shared")
    client.force_login(other_user)

    shown = client.get(page("dataset-detail", ready_dataset.pk))
    assert shown.status_code == 200
    assert page(name, ready_dataset.pk) not in text(shown)
    assert client.post(page(name, ready_dataset.pk), {"name": "x"}).status_code == 404


@pytest.mark.parametrize("name", ["dataset-list", "dataset-create"])
def test_a_stranger_is_asked_to_sign_in(client, name):
    assert client.get(page(name)).url.startswith(reverse("login"))
