"""How a person makes a dataset of other datasets in the browser."""

import pytest
from django.urls import reverse

from tests.songs import make_ready_dataset
from tests.training.song_files import run_waiting_import
from training.models import Dataset

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]


@pytest.fixture
def address() -> str:
    return reverse("training:dataset-combine")


def text(answer) -> str:
    return answer.content.decode()


def chosen(*datasets, **fields) -> dict:
    return {
        "name": "Choir",
        **{f"take_{dataset.pk}": "on" for dataset in datasets},
        **{f"weight_{dataset.pk}": "1" for dataset in datasets},
        **fields,
    }


def test_the_page_offers_what_is_ready_and_may_be_read(signed_in, address, user, other_user):
    make_ready_dataset(user, name="My songs")
    make_ready_dataset(other_user, name="Shared songs", visibility="shared")
    make_ready_dataset(other_user, name="Private songs")
    Dataset.objects.create(owner=user, name="Half done", state="importing")

    shown = text(signed_in.get(address))

    assert "My songs" in shown
    assert "Shared songs" in shown
    assert "Private songs" not in shown
    assert "Half done" not in shown


def test_the_page_of_a_dataset_leads_here_with_it_chosen(signed_in, address, ready_dataset):
    shown = text(signed_in.get(address, {"from": ready_dataset.pk}))

    assert f'name="take_{ready_dataset.pk}" id="id_take_{ready_dataset.pk}" checked' in shown


def test_without_datasets_it_says_what_to_do_first(signed_in, address):
    assert "Bring songs first" in text(signed_in.get(address))


def test_looking_says_how_many_songs_it_would_take_and_makes_nothing(signed_in, address, ready_dataset):
    part = signed_in.post(address, {**chosen(ready_dataset, minimum_lines="1"), "name": "", "look": "part"})
    page = signed_in.post(address, {**chosen(ready_dataset), "look": "page"})

    assert "<b>24</b> songs would be taken." in text(part)
    assert "<html" not in text(part)
    assert "<b>24</b> songs would be taken." in text(page)
    assert 'value="Choir"' in text(page)
    assert Dataset.objects.count() == 1


def test_a_filter_that_no_song_passes_takes_none(signed_in, address, ready_dataset):
    part = signed_in.post(address, {**chosen(ready_dataset, genre="Opera"), "look": "part"})

    assert "<b>0</b> songs would be taken." in text(part)


def test_the_songs_of_two_datasets_become_one(signed_in, address, user, ready_dataset):
    other = make_ready_dataset(user, name="other")
    other.songs.update(genre="hymn")
    answer = signed_in.post(address, chosen(ready_dataset, other, genre="hymn"))

    dataset = Dataset.objects.get(name="Choir")
    assert answer.url == dataset.get_absolute_url()
    assert "Gather" in text(signed_in.get(dataset.get_absolute_url())) or dataset.state == Dataset.State.IMPORTING
    run_waiting_import(dataset)
    assert dataset.state == Dataset.State.READY
    assert set(dataset.songs.values_list("genre", flat=True)) == {"hymn"}
    assert signed_in.get(dataset.get_absolute_url()).status_code == 200


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "This field is required"),
        ({"year_from": "1990", "year_to": "1980"}, "This is before the first year."),
        ({"genre": "Opera"}, "None of these datasets has a song"),
        ({"minimum_lines": "-1"}, "greater than or equal to 0"),
    ],
)
def test_what_is_wrong_is_said_in_the_form(signed_in, address, ready_dataset, fields, words):
    answer = signed_in.post(address, {**chosen(ready_dataset), **fields})

    assert answer.status_code == 400
    assert words in text(answer)
    assert Dataset.objects.count() == 1


@pytest.mark.parametrize("weight", ["0", "-1", "NaN", "x", "1e9"])
def test_a_weight_that_is_none_is_refused(signed_in, address, ready_dataset, weight):
    answer = signed_in.post(address, {**chosen(ready_dataset), f"weight_{ready_dataset.pk}": weight})

    assert answer.status_code == 400
    assert Dataset.objects.count() == 1


def test_nothing_chosen_makes_nothing(signed_in, address, ready_dataset):
    answer = signed_in.post(address, {"name": "Choir"})

    assert answer.status_code == 400
    assert "Choose at least one dataset." in text(answer)


def test_another_persons_dataset_cannot_be_chosen(signed_in, address, other_user, ready_dataset):
    private = make_ready_dataset(other_user, name="Private songs")
    answer = signed_in.post(address, chosen(private))

    assert answer.status_code == 400
    assert not Dataset.objects.filter(name="Choir").exists()


def test_a_stranger_is_asked_to_sign_in(client, address):
    assert client.get(address).url.startswith(reverse("login"))
