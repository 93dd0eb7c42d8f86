"""Copies as groups that a person looks at and takes back."""

import pytest

from tests.songs import make_ready_dataset
from training.errors import Conflict
from training.models import DatasetVersion, Song
from training.services import duplicates as services

pytestmark = pytest.mark.django_db


def group_of(dataset, kept: int, copies: dict[int, str]) -> str:
    """Flag the songs at these places as copies of the song at ``kept``, as an import does."""
    group = dataset.songs.get(ordinal=kept).text_hash
    dataset.songs.filter(ordinal__in=[kept, *copies]).update(duplicate_group=group)
    for ordinal, reason in copies.items():
        dataset.songs.filter(ordinal=ordinal).update(excluded_as=reason)
    return group


@pytest.fixture
def dataset(user):
    made = make_ready_dataset(user)
    made.songs.update(duplicate_group="")
    return made


def test_groups_are_counted_the_largest_first(dataset, other_user):
    small = group_of(dataset, 1, {2: "exact"})
    large = group_of(dataset, 9, {3: "near", 10: "normalised", 11: "exact"})
    group_of(make_ready_dataset(other_user), 1, {2: "exact"})

    assert list(services.duplicate_groups(dataset=dataset)) == [
        {"duplicate_group": large, "songs": 4, "copies": 3},
        {"duplicate_group": small, "songs": 2, "copies": 1},
    ]
    assert services.duplicate_groups(dataset=dataset).count() == 2


def test_the_kept_song_comes_first(dataset, django_assert_num_queries):
    large = group_of(dataset, 9, {3: "near", 10: "normalised"})
    small = group_of(dataset, 1, {2: "exact"})

    with django_assert_num_queries(1):
        songs = services.songs_of_groups(dataset, [small, large, "nonsense"])

    assert {group: [song.ordinal for song in members] for group, members in songs.items()} == {
        small: [1, 2],
        large: [9, 3, 10],
        "nonsense": [],
    }


def test_a_large_group_is_shown_in_part(dataset, monkeypatch):
    monkeypatch.setattr(services, "SONGS_SHOWN", 3)
    group = group_of(dataset, 9, dict.fromkeys(range(10, 20), "exact"))

    assert [song.ordinal for song in services.songs_of_groups(dataset, [group])[group]] == [9, 10, 11]


def test_taking_a_group_back_makes_the_next_version(dataset, user):
    group = group_of(dataset, 9, {3: "near", 10: "normalised"})
    group_of(dataset, 1, {2: "exact"})
    dataset.songs.filter(ordinal=11).update(duplicate_group=group, excluded_as=Song.Excluded.PERSON)

    version = services.restore_group(dataset=dataset, group=group, by=user)

    assert (version.number, version.kind, version.made_by) == (2, DatasetVersion.Kind.RESTORE, user)
    assert version.note == "Took back 2 copies of one song."
    left_out = dataset.songs.of_version(2).filter(excluded_as__isnull=False)
    assert list(left_out.values_list("ordinal", "excluded_as")) == [(2, "exact"), (11, "person")]
    assert dataset.songs_in_use(1).count() == 20
    assert services.duplicate_groups(dataset=dataset).get(duplicate_group=group)["copies"] == 0


@pytest.mark.parametrize("group", ["", "nonsense", "f" * 32])
def test_a_group_without_copies_cannot_be_taken_back(dataset, user, group):
    with pytest.raises(Conflict):
        services.restore_group(dataset=dataset, group=group, by=user)
    assert dataset.songs.count() == 24
