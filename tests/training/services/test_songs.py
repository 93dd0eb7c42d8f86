"""Songs are found, changed, left out and taken back."""

import pytest

from tests.songs import make_ready_dataset
from tests.training.song_files import imported, run_waiting_import
from training import search
from training.errors import Conflict, Invalid
from training.models import Song
from training.services import datasets as dataset_services
from training.services import songs as services

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(user):
    return make_ready_dataset(user)


@pytest.fixture
def song(dataset):
    return dataset.songs.get(ordinal=5)


def test_a_changed_text_is_normalised_counted_and_keeps_what_stood_in_the_file(song, user):
    raw = song.text

    new = services.change_song(song=song, by=user, text="[Chorus]\r\nHey   there\r\nhey you  \r\n\r\n\r\n\r\nAnd on")

    assert new.text == "[Chorus]\nHey there\nhey you\n\nAnd on"
    assert (new.line_count, new.word_count, new.character_count) == (3, 6, len(new.text))
    assert new.sections[0]["name"] == "Chorus"
    assert new.raw_text == raw
    assert new.text_hash != song.text_hash
    assert (new.ordinal, new.added_in, new.imported_by, new.pk != song.pk) == (5, 2, None, True)
    song.refresh_from_db()
    assert (song.removed_in, song.text) == (2, raw)


def test_several_fields_change_in_one_version(song, user):
    new = services.change_song(
        song=song, by=user, title=" A  new\nname ", artist="Ada", genre="Folk", year=1971, language="EN"
    )

    assert (new.title, new.artist, new.genre, new.year, new.language) == ("A new name", "Ada", "Folk", 1971, "en")
    assert new.dataset.version == 2
    assert "title" in new.dataset.versions.get().note


def test_no_difference_makes_no_version(song, user):
    assert services.change_song(song=song, by=user, title=song.title, excluded=False) is song
    song.dataset.refresh_from_db()
    assert song.dataset.version == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", ""), ("text", "[Chorus]"), ("text", "…!"), ("text", "a" * 200_001), ("text", "a\0b"),
        ("text", "\ud800"), ("text", None), ("text", 7), ("text", ["a"]), ("title", "t" * 301), ("title", "a\0b"),
        ("artist", "a" * 301), ("genre", "g" * 101), ("language", "l" * 36), ("year", 999), ("year", 2101),
        ("year", 10**40), ("year", "1999"), ("year", True), ("year", 1999.5), ("ordinal", 1), ("dataset", "x"),
        ("excluded_as", "near"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_song_is_refused_by_its_field(song, user, field, value):
    with pytest.raises(Invalid) as refusal:
        services.change_song(song=song, by=user, **{field: value})

    assert list(refusal.value.errors) == [field]
    assert Song.objects.filter(dataset=song.dataset).count() == 24


@pytest.mark.parametrize("reason", ["exact", "normalised", "near", "language", "person"])
def test_a_song_that_was_left_out_is_taken_back_alone(song, user, reason):
    Song.objects.filter(pk=song.pk).update(excluded_as=reason)
    song.refresh_from_db()

    new = services.change_song(song=song, by=user, excluded=False)

    assert new.excluded_as is None
    assert song.dataset.songs_in_use().count() == 24
    assert song.dataset.songs_in_use(1).count() == 23


def test_a_copy_that_a_person_leaves_out_stays_a_copy(song, user):
    Song.objects.filter(pk=song.pk).update(excluded_as="near")
    song.refresh_from_db()

    assert services.change_song(song=song, by=user, excluded=True).excluded_as == "near"


def test_many_songs_are_left_out_in_one_version_and_taken_back_in_another(dataset, user, monkeypatch):
    monkeypatch.setattr("training.services.versions.SONGS_AT_ONCE", 4)
    chosen = dataset.songs.filter(ordinal__lte=10)

    left_out = services.change_songs(dataset=dataset, songs=chosen, by=user, excluded=True)
    assert (left_out.number, dataset.songs_in_use().count()) == (2, 14)
    assert left_out.note == "Left out 10 songs."

    back = services.search_songs(dataset=dataset, excluded="person")
    taken_back = services.change_songs(dataset=dataset, songs=back, by=user, excluded=False)
    assert (taken_back.number, dataset.songs_in_use().count()) == (3, 24)
    assert taken_back.note == "Took back 10 songs."


def test_nothing_to_leave_out_is_a_conflict(dataset, user):
    with pytest.raises(Conflict):
        services.change_songs(dataset=dataset, songs=dataset.songs.none(), by=user, excluded=True)


def test_songs_of_another_dataset_are_not_changed(dataset, user, other_user):
    theirs = make_ready_dataset(other_user)

    with pytest.raises(Conflict):
        services.change_songs(dataset=dataset, songs=theirs.songs.all(), by=user, excluded=True)
    assert theirs.songs_in_use().count() == 24


def test_songs_are_found_by_all_that_is_given_and_by_version(dataset, user):
    new = services.change_song(
        song=dataset.songs.get(ordinal=5), by=user, title="Quicksilver", genre="Rock", language="de"
    )

    def ordinals(**wanted):
        return [song.ordinal for song in services.search_songs(dataset=dataset, **wanted)]

    assert ordinals() == list(range(1, 25))
    assert ordinals(words="quicksilver") == ordinals(genre="Rock") == ordinals(language="de") == [new.ordinal]
    assert ordinals(words="quicksilver", version=1) == ordinals(genre="Rock", version=1) == []
    assert ordinals(artist="Nobody", words="kettle river") == [3]
    assert ordinals(excluded="in_use") == list(range(1, 25))
    assert ordinals(excluded="left_out") == ordinals(excluded="near") == []
    with pytest.raises(Invalid):
        ordinals(excluded="nonsense")


def test_a_changed_song_is_found_by_its_new_words_and_in_its_old_version_by_its_old(user, doorbells):
    dataset = imported(user)
    search.index_import(dataset.imports.get())
    song = services.search_songs(dataset=dataset, words="salt stair").get()
    services.change_song(song=song, by=user, text="Pepper on the ladder")

    assert [row.ordinal for row in services.search_songs(dataset=dataset, words="pepper")] == [song.ordinal]
    assert not services.search_songs(dataset=dataset, words="rope")
    assert services.search_songs(dataset=dataset, words="rope", version=1).get() == song


def test_reading_the_file_again_says_how_many_changes_by_hand_it_does_not_carry_over(user, doorbells):
    dataset = imported(user)
    services.change_song(song=dataset.songs.get(ordinal=2), by=user, text="Other words\nstand here")
    dataset.refresh_from_db()
    assert dataset_services.songs_changed_by_hand(dataset=dataset) == 1

    dataset_services.import_again(dataset=dataset)
    run_waiting_import(dataset)

    said = "1 song had been changed by hand in version 2 and is as in the file again."
    assert (dataset.version, dataset.report["warnings"]) == (3, [said])
    assert dataset_services.songs_changed_by_hand(dataset=dataset) == 0
    assert "Other words" in dataset.songs.of_version(2).get(ordinal=2).text
