"""What a version counts, from its songs as they are stored."""

import pytest

from tests.training.song_files import VERSES, csv_file, imported
from training import versions
from training.models import DatasetVersion, Song

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]


def test_statistics_count_the_songs_in_use(user):
    dataset = imported(user, csv_file([*VERSES, VERSES[0]]))

    numbers = dataset.statistics
    assert (numbers["songs"], numbers["lines"], numbers["artists"], numbers["genres"]) == (3, 7, 3, 2)
    assert numbers["words"] == sum(song.word_count for song in dataset.songs_in_use())
    assert numbers["with_sections"] == 1
    assert numbers["top_genres"] == [["Shanty", 2], ["Hymn", 1]]


def test_the_content_hash_tells_the_songs_in_use_apart_and_nothing_else(user):
    dataset = imported(user)
    same_words = imported(user, csv_file([(f"New {title}", *rest) for title, *rest in VERSES]), name="Other titles")
    other_words = imported(user, csv_file(VERSES[:2]), name="Fewer")

    assert dataset.content_hash == same_words.content_hash
    assert dataset.content_hash != other_words.content_hash
    assert len(dataset.content_hash) == 64


def test_counting_again_gives_what_the_import_said(user):
    dataset = imported(user, csv_file([*VERSES, VERSES[0]]))

    facts = versions.count_version(dataset, 1)

    assert (facts.statistics, facts.content_hash) == (dataset.statistics, dataset.content_hash)


def test_another_persons_songs_do_not_count(user, other_user):
    dataset = imported(user)
    imported(other_user, csv_file(VERSES[:1]))

    assert versions.count_version(dataset, 1).statistics["songs"] == 3


def test_totals_are_exact_however_few_songs_tell_the_shapes(user, monkeypatch):
    dataset = imported(user, csv_file([(f"T{n}", f"Artist {n % 7}", "Hymn", f"word {n}\nline two") for n in range(40)]))
    for song in dataset.songs.all():
        Song.objects.filter(pk=song.pk).update(year=1900 + song.ordinal, language=("en", "de", "")[song.ordinal % 3])
    dataset.statistics = versions.count_version(dataset, 1).statistics
    monkeypatch.setattr(versions, "SAMPLED_SONGS", 6)
    monkeypatch.setattr(versions, "ROWS_AT_ONCE", 9)

    numbers = versions.count_version(dataset, 1).statistics

    exact = ("songs", "lines", "words", "characters", "artists", "genres", "top_genres", "first_year", "last_year")
    for name in (*exact, "years", "languages"):
        assert numbers[name] == dataset.statistics[name], name
    assert (numbers["first_year"], numbers["last_year"], len(numbers["languages"])) == (1901, 1940, 2)
    assert sum(numbers["lines_in_song"]["counts"]) == 6


@pytest.mark.parametrize("total", [1, 5, 6, 7, 12, 13, 100])
def test_a_sample_is_spread_evenly_over_all_songs(user, monkeypatch, total):
    monkeypatch.setattr(versions, "SAMPLED_SONGS", 6)
    monkeypatch.setattr(versions, "ROWS_AT_ONCE", 4)
    dataset = imported(user, csv_file([(f"T{n}", "", "", f"word {n}") for n in range(total)]))

    sampled = [row[0] for row in versions._sample(dataset.songs_in_use(), total)]

    step = -(-total // 6)
    assert sampled == [f"word {n}" for n in range(0, total, step)]


def test_a_published_version_is_the_datasets_newest(user):
    dataset = imported(user)
    Song.objects.filter(dataset=dataset, ordinal=1).update(removed_in=2)
    facts = versions.count_version(dataset, 2)

    version = versions.publish_version(
        dataset=dataset, number=2, kind=DatasetVersion.Kind.EDIT, made_by=user, note="One song less.", facts=facts
    )

    dataset.refresh_from_db()
    assert (dataset.version, dataset.content_hash, dataset.statistics) == (2, facts.content_hash, facts.statistics)
    assert version.statistics["songs"] == 2
    assert [row.number for row in dataset.versions.all()] == [2, 1]
