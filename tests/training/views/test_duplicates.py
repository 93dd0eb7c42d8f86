"""What a person sees and does with copies in the browser."""

import pytest
from django.urls import reverse

from training.models import Dataset

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]


def page(name, *arguments) -> str:
    return reverse(f"training:{name}", args=arguments)


def text(answer) -> str:
    return answer.content.decode()


@pytest.fixture
def group(ready_dataset) -> str:
    """The first song of the dataset with a near copy and an exact one."""
    songs = ready_dataset.songs
    kept = songs.get(ordinal=1)
    songs.update(duplicate_group="")
    songs.filter(ordinal__in=[1, 2, 3]).update(duplicate_group=kept.text_hash)
    songs.filter(ordinal=2).update(excluded_as="near", text=kept.text.replace("river", "<b>rivers</b>"))
    songs.filter(ordinal=3).update(excluded_as="exact", text=kept.text)
    return kept.text_hash


def test_a_group_shows_its_copies_beside_the_song_that_stays(signed_in, ready_dataset, group):
    shown = text(signed_in.get(page("duplicate-list", ready_dataset.pk)))

    assert "2 copies" in shown
    assert "Stays in use" in shown
    assert "The same words as another song" in shown
    assert "<mark>&lt;b&gt;rivers&lt;/b&gt;</mark>" in shown
    assert page("duplicate-restore", ready_dataset.pk, group) in shown


def test_the_copies_of_a_group_are_taken_back(signed_in, ready_dataset, group):
    answer = signed_in.post(page("duplicate-restore", ready_dataset.pk, group), follow=True)

    assert "They are in use again. That made version 2." in text(answer)
    assert "Every song sings its own words." in text(answer)
    ready_dataset.refresh_from_db()
    assert ready_dataset.songs_in_use().count() == 24
    assert ready_dataset.songs_in_use(1).count() == 22


def test_taking_back_twice_says_that_there_is_nothing_to_take_back(signed_in, ready_dataset, group):
    signed_in.post(page("duplicate-restore", ready_dataset.pk, group))
    answer = signed_in.post(page("duplicate-restore", ready_dataset.pk, group), follow=True)

    assert "All songs of this group are in use." in text(answer)
    ready_dataset.refresh_from_db()
    assert ready_dataset.version == 2


def test_a_dataset_without_copies_says_so(signed_in, ready_dataset):
    assert "Every song sings its own words." in text(signed_in.get(page("duplicate-list", ready_dataset.pk)))


def test_many_groups_take_as_many_questions_as_one(signed_in, ready_dataset, group, django_assert_max_num_queries):
    for ordinal in range(5, 23, 3):
        name = ready_dataset.songs.get(ordinal=ordinal).text_hash
        ready_dataset.songs.filter(ordinal__in=[ordinal, ordinal + 1]).update(duplicate_group=name)
        ready_dataset.songs.filter(ordinal=ordinal + 1).update(excluded_as="near")

    with django_assert_max_num_queries(7):
        shown = text(signed_in.get(page("duplicate-list", ready_dataset.pk)))
    assert "1 to 6 of 7 groups" in shown


def test_another_persons_copies_are_not_there(client, other_user, ready_dataset, group):
    client.force_login(other_user)

    assert client.get(page("duplicate-list", ready_dataset.pk)).status_code == 404
    assert client.post(page("duplicate-restore", ready_dataset.pk, group)).status_code == 404


def test_copies_of_a_shared_dataset_are_taken_back_by_its_owner_alone(client, other_user, ready_dataset, group):
    Dataset.objects.update(visibility="shared")
    client.force_login(other_user)

    shown = text(client.get(page("duplicate-list", ready_dataset.pk)))
    assert "2 copies" in shown
    assert page("duplicate-restore", ready_dataset.pk, group) not in shown
    assert client.post(page("duplicate-restore", ready_dataset.pk, group)).status_code == 404
