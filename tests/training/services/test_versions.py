"""Versions: made one after the other, never changed, comparable."""

import threading

import pytest
from django.db import connection, connections

from tests.songs import make_ready_dataset
from tests.training.runs import make_run
from tests.training.song_files import VERSES, imported, run_waiting_import
from training import lifecycle
from training import versions as counting
from training.errors import Conflict, Invalid
from training.models import Dataset, DatasetVersion
from training.services import datasets as dataset_services
from training.services import songs as services
from training.services import versions
from training.versions import count_version


@pytest.fixture
def dataset(user):
    return make_ready_dataset(user)


def song_at(dataset, ordinal: int):
    return dataset.songs.of_version(dataset.version).get(ordinal=ordinal)


@pytest.mark.django_db
class TestNextVersion:
    def test_a_change_makes_the_next_version_with_its_own_hash_and_numbers(self, dataset, user):
        before = dataset.content_hash

        services.change_song(song=song_at(dataset, 3), by=user, text="A new line\nand one more")
        services.change_song(song=song_at(dataset, 4), by=user, excluded=True)

        second, third = reversed(versions.versions_of(dataset=dataset))
        assert (second.number, third.number, dataset.version) == (2, 3, 3)
        assert len({before, second.content_hash, third.content_hash}) == 3
        assert dataset.content_hash == third.content_hash
        assert (second.kind, second.made_by) == (DatasetVersion.Kind.EDIT, user)
        assert (second.statistics["songs"], third.statistics["songs"]) == (24, 23)
        assert dataset.statistics == third.statistics

    def test_a_run_sees_the_same_songs_for_ever(self, dataset, user):
        run = make_run(dataset)
        seen = list(run.dataset.songs_in_use(run.dataset_version).values_list("pk", "text", "excluded_as"))

        services.change_song(song=song_at(dataset, 1), by=user, text="Something else entirely")
        services.change_song(song=song_at(dataset, 2), by=user, excluded=True)
        run.refresh_from_db()

        again = list(run.dataset.songs_in_use(run.dataset_version).values_list("pk", "text", "excluded_as"))
        assert again == seen
        assert dataset.songs_in_use().count() == 23

    def test_the_report_stays_that_of_the_import(self, user, doorbells):
        dataset = imported(user)
        report = dataset.report

        services.change_song(song=song_at(dataset, 1), by=user, excluded=True)

        assert dataset.report == report

    @pytest.mark.parametrize("state", [Dataset.State.NEEDS_MAPPING, Dataset.State.FAILED, Dataset.State.CANCELLED])
    def test_a_dataset_that_is_not_ready_cannot_be_changed(self, dataset, user, state):
        Dataset.objects.filter(pk=dataset.pk).update(state=state)

        with pytest.raises(Conflict):
            services.change_song(song=song_at(dataset, 1), by=user, excluded=True)

    def test_nothing_is_changed_while_an_import_is_going_on(self, user, doorbells):
        dataset = imported(user)
        song = song_at(dataset, 1)
        dataset_services.import_again(dataset=dataset)

        for _ in ("waiting", "running"):
            with pytest.raises(Conflict, match="being imported"):
                services.change_song(song=song, by=user, excluded=True)
            assert (dataset.songs.count(), dataset.version) == (3, 1)
            lifecycle.claim_import(dataset.imports.first().pk)

    def test_of_two_changes_of_one_row_the_second_is_refused(self, dataset, user):
        first, second = song_at(dataset, 1), song_at(dataset, 1)
        services.change_song(song=first, by=user, title="First")

        with pytest.raises(Conflict):
            services.change_song(song=second, by=user, title="Second")
        assert (song_at(dataset, 1).title, dataset.songs.of_version(2).count()) == ("First", 24)

    def test_a_dataset_that_was_deleted_is_a_conflict(self, dataset, user):
        song = song_at(dataset, 1)
        dataset_services.delete_dataset(dataset=Dataset.objects.get(pk=dataset.pk))

        with pytest.raises(Conflict):
            services.change_song(song=song, by=user, title="Late")


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_make_two_versions(dataset, user):
    songs = [song_at(dataset, 1), song_at(dataset, 2)]
    start, problems = threading.Barrier(2), []

    def change(song):
        try:
            start.wait()
            services.change_song(song=song, by=user, excluded=True)
        except Exception as problem:  # a thread has nobody to raise to: the test looks at it below
            problems.append(problem)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=change, args=[song]) for song in songs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    dataset.refresh_from_db()
    assert problems == []
    assert (dataset.version, dataset.versions.count()) == (3, 2)
    assert dataset.songs_in_use().count() == 22


@pytest.mark.django_db(transaction=True)
def test_a_version_is_counted_before_anybody_has_to_wait(dataset, user, monkeypatch):
    counted = []

    def count(*args, **kwargs):
        counted.append(connection.in_atomic_block)
        return count_version(*args, **kwargs)

    monkeypatch.setattr(counting, "count_version", count)
    services.change_song(song=song_at(dataset, 1), by=user, excluded=True)

    assert counted == [False]


@pytest.mark.django_db
class TestForeseenNumbers:
    """What was counted before the change is what the stored version counts."""

    @pytest.fixture(autouse=True)
    def _small_pages(self, monkeypatch):
        monkeypatch.setattr(counting, "ROWS_AT_ONCE", 5)
        monkeypatch.setattr(counting, "TEXTS_AT_ONCE", 3)
        monkeypatch.setattr(counting, "SAMPLED_SONGS", 7)

    def check(self, dataset):
        dataset.refresh_from_db()
        facts = count_version(dataset, dataset.version)
        assert (dataset.statistics, dataset.content_hash) == (facts.statistics, facts.content_hash)

    @pytest.mark.parametrize("ordinals", [[1], [24], [5, 6], [1, 12, 24], list(range(1, 25))])
    def test_of_songs_that_are_left_out_and_taken_back(self, dataset, user, ordinals):
        before = count_version(dataset, 1).content_hash
        for excluded in (True, False):
            songs = dataset.songs.of_version(dataset.version).filter(ordinal__in=ordinals)
            services.change_songs(dataset=dataset, songs=songs, by=user, excluded=excluded)
            self.check(dataset)
        assert dataset.content_hash == before

    @pytest.mark.parametrize("ordinal", [1, 5, 6, 24])
    def test_of_a_song_with_other_words(self, dataset, user, ordinal):
        services.change_song(song=song_at(dataset, ordinal), by=user, text="[Verse]\nNew words", genre="x", artist="y")
        self.check(dataset)
        assert dataset.songs_in_use().get(ordinal=ordinal).line_count == 1

    def test_of_a_change_that_another_one_overtook(self, dataset, user, monkeypatch):
        def count_while_others_change(*args, **kwargs):
            monkeypatch.setattr(counting, "count_version", count_version)
            facts = count_version(*args, **kwargs)
            services.change_song(song=song_at(dataset, 2), by=user, excluded=True)
            return facts

        monkeypatch.setattr(counting, "count_version", count_while_others_change)
        services.change_song(song=song_at(dataset, 1), by=user, excluded=True)

        self.check(dataset)
        assert (dataset.version, dataset.statistics["songs"]) == (3, 22)

    def test_of_more_songs_than_are_held_in_memory(self, dataset, user, monkeypatch):
        monkeypatch.setattr(versions, "MOST_FORESEEN", 3)
        services.change_songs(dataset=dataset, songs=dataset.songs.filter(ordinal__lte=9), by=user, excluded=True)
        self.check(dataset)


@pytest.mark.django_db
class TestComparison:
    def test_what_lies_between_two_versions_is_told_by_place(self, dataset, user):
        services.change_song(song=song_at(dataset, 1), by=user, title="Renamed")
        services.change_song(song=song_at(dataset, 2), by=user, excluded=True)
        services.change_song(song=song_at(dataset, 1), by=user, year=1999)
        DatasetVersion.objects.create(dataset=dataset, number=1, statistics={"songs": 24})

        compared = versions.compare_versions(dataset=dataset, older=1, newer=4)

        assert compared.counts == {"added": 0, "removed": 0, "changed": 2}
        (was, now), (other_was, other_now) = compared.changed
        assert (was.title, was.year, now.title, now.year) == ("The lantern at the river", None, "Renamed", 1999)
        assert (other_was.excluded_as, other_now.excluded_as) == (None, "person")
        assert [numbers["songs"] for numbers in compared.statistics.values()] == [24, 23]

    def test_songs_of_a_new_import_that_say_the_same_are_unchanged(self, user, doorbells):
        dataset = imported(user)
        dataset_services.apply_mapping(dataset=dataset, mapping={"lyrics": "lyrics", "title": "artist"})
        run_waiting_import(dataset)
        dataset_services.apply_mapping(dataset=dataset, mapping={"lyrics": "lyrics", "title": "artist"})
        run_waiting_import(dataset)
        for number in (1, 2, 3):  # older imports made no row of their version
            DatasetVersion.objects.get_or_create(dataset=dataset, number=number)

        assert versions.compare_versions(dataset=dataset, older=1, newer=2).counts["changed"] == len(VERSES)
        assert set(versions.compare_versions(dataset=dataset, older=2, newer=3).counts.values()) == {0}

    def test_added_and_removed_songs_are_told(self, dataset, user):
        dataset.songs.filter(ordinal=1).update(removed_in=2)
        dataset.songs.filter(ordinal=2).update(added_in=2, removed_in=3)
        for number in (1, 2):
            DatasetVersion.objects.create(dataset=dataset, number=number)

        compared = versions.compare_versions(dataset=dataset, older=1, newer=2)

        assert ([song.ordinal for song in compared.removed], [song.ordinal for song in compared.added]) == ([1], [2])

    @pytest.mark.parametrize(
        ("older", "newer", "field"), [(1, 1, "older"), (2, 1, "older"), (1, 9, "newer"), (0, 2, "older")]
    )
    def test_versions_that_cannot_be_compared_are_refused(self, dataset, user, older, newer, field):
        DatasetVersion.objects.create(dataset=dataset, number=1)
        services.change_song(song=song_at(dataset, 1), by=user, title="x")

        with pytest.raises(Invalid) as refusal:
            versions.compare_versions(dataset=dataset, older=older, newer=newer)
        assert field in refusal.value.errors

    def test_only_so_many_songs_are_listed_and_all_are_counted(self, dataset, user, monkeypatch):
        monkeypatch.setattr(versions, "SONGS_LISTED", 5)
        services.change_songs(dataset=dataset, songs=dataset.songs.all(), by=user, excluded=True)
        DatasetVersion.objects.create(dataset=dataset, number=1)

        compared = versions.compare_versions(dataset=dataset, older=1, newer=2)

        assert (len(compared.changed), compared.counts["changed"]) == (5, 24)
