"""Songs and versions in the admin: left out and taken back through the service, by those who may."""

import pytest
from django.contrib.auth.models import Permission

from tests.training.song_files import VERSES, csv_file, imported
from training.models import Song

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

SONGS = "/admin/training/song/"


def act(client, action: str, *songs) -> int:
    chosen = {"action": action, "_selected_action": [song.pk for song in songs]}
    return client.post(SONGS, chosen).status_code


@pytest.fixture
def helper(client, other_user):
    """Somebody on the staff who may look at songs and do nothing else."""
    other_user.is_staff = True
    other_user.save()
    other_user.user_permissions.set(Permission.objects.filter(codename__in=["view_song", "view_datasetversion"]))
    client.force_login(other_user)
    return client


def test_songs_are_left_out_in_one_next_version(admin, staff_user):
    dataset = imported(staff_user)
    first, second, third = dataset.songs.order_by("ordinal")

    act(admin, "leave_out", first, third)

    dataset.refresh_from_db()
    assert dataset.version == 2
    assert [song.ordinal for song in dataset.songs_in_use()] == [second.ordinal]
    assert dataset.versions.first().made_by == staff_user


def test_songs_are_taken_back_into_use(admin, staff_user):
    dataset = imported(staff_user, csv_file([*VERSES, VERSES[0]]))
    copy = dataset.songs.get(excluded_as="exact")

    act(admin, "take_back", copy)

    dataset.refresh_from_db()
    assert dataset.songs_in_use().count() == 4


def test_songs_of_two_datasets_make_a_version_in_each(admin, staff_user, user):
    mine, theirs = imported(staff_user), imported(user, name="Others")

    act(admin, "leave_out", mine.songs.first(), theirs.songs.first())

    for dataset in (mine, theirs):
        dataset.refresh_from_db()
        assert dataset.version == 2


def test_a_song_of_an_older_version_is_left_as_it_is(admin, staff_user):
    dataset = imported(staff_user)
    song = dataset.songs.first()
    act(admin, "leave_out", song)

    page = admin.post(SONGS, {"action": "leave_out", "_selected_action": [song.pk]}, follow=True).content.decode()

    assert "Nothing is left to change" in page
    dataset.refresh_from_db()
    assert dataset.version == 2


def test_who_may_only_look_changes_nothing(helper, user):
    dataset = imported(user)

    assert helper.get(SONGS).status_code == 200
    assert "Leave out" not in helper.get(SONGS).content.decode()
    act(helper, "leave_out", dataset.songs.first())

    dataset.refresh_from_db()
    assert dataset.version == 1


def test_staff_without_permission_see_no_songs(client, other_user, user):
    other_user.is_staff = True
    other_user.save()
    client.force_login(other_user)
    imported(user)

    for model in ("song", "dataset", "datasetversion", "import", "rejection"):
        assert client.get(f"/admin/training/{model}/").status_code == 403


def test_copies_are_found_by_a_filter(admin, staff_user):
    imported(staff_user, csv_file([*VERSES, ("The Same Again", "Somebody", "Hymn", VERSES[0][3])]))

    flagged = admin.get(SONGS, {"copies": "flagged"}).content.decode()
    assert "The Same Again" in flagged
    assert "Winter Has a Key" not in flagged
    assert "Winter Has a Key" in admin.get(SONGS, {"copies": "none"}).content.decode()
    assert "Salt on the Stair" in admin.get(SONGS, {"copies": "kept"}).content.decode()


def test_rows_of_older_versions_are_told_apart(admin, staff_user):
    dataset = imported(staff_user)
    act(admin, "leave_out", dataset.songs.get(title="Nine Bells"))

    counts = {
        version: len(admin.get(SONGS, {"version": version}).context["cl"].result_list)
        for version in ("newest", "older")
    }
    assert counts == {"newest": 3, "older": 1}
    assert Song.objects.count() == 4


def test_versions_are_read_and_not_changed(admin, staff_user):
    dataset = imported(staff_user)
    version = dataset.versions.get()
    address = f"/admin/training/datasetversion/{version.pk}/change/"

    assert admin.get(address).status_code == 200
    assert admin.post(address, {"note": "x"}).status_code == 403
    assert admin.get("/admin/training/datasetversion/add/").status_code == 403


def test_the_list_of_songs_asks_the_same_whatever_their_number(admin, staff_user, django_assert_max_num_queries):
    imported(
        staff_user, csv_file([(f"Song {n}", "Ada", "Hymn", f"line {n} of the sea\nand {n} more") for n in range(40)])
    )

    with django_assert_max_num_queries(14):
        admin.get(SONGS, {"version": "newest"})
