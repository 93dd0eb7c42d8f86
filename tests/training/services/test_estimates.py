"""What a run would be and take, told before it is started."""

import pytest

from tests.songs import make_ready_dataset
from tests.training.finished_runs import make_finished_run
from tests.training.runs import SMALL
from training.errors import Invalid
from training.language_model.config import resolve_config
from training.models import Dataset, Song, TrainingRun
from training.services.estimates import config_for, corpus_size, forecast, machine_speed
from training.services.runs import start_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

MANY_SONGS = {
    "songs": 57_000,
    "lines": 1_900_000,
    "words": 13_000_000,
    "characters": 68_000_000,
    "different_words": 153_000,
}
FACTS = {"vocabulary_size": 77, "train_tokens": 7000, "valid_tokens": 700, "unknown_share": 0.0}


def measured_run(dataset, *, tokens_per_second=5000.0, **fields) -> TrainingRun:
    """A finished run that tells how fast it went."""
    run = make_finished_run(dataset, **fields)
    TrainingRun.objects.filter(pk=run.pk).update(step=500, tokens_per_second=tokens_per_second, facts=FACTS)
    return run


def test_the_settings_follow_the_songs_of_the_dataset(ready_dataset):
    Dataset.objects.filter(pk=ready_dataset.pk).update(statistics=MANY_SONGS)
    ready_dataset.refresh_from_db()
    few, many = (
        config_for(dataset=dataset, architecture="lstm", preset="lunch")
        for dataset in (
            make_ready_dataset(
                ready_dataset.owner, name="Few", statistics=MANY_SONGS | {"words": 9000, "lines": 1300, "songs": 40}
            ),
            ready_dataset,
        )
    )
    assert few.hidden_size < many.hidden_size
    run = start_run(owner=ready_dataset.owner, dataset=ready_dataset, architecture="lstm", preset="lunch")
    assert run.config["hidden_size"] == many.hidden_size
    chosen = {"hidden_size": 48}
    assert config_for(dataset=ready_dataset, architecture="lstm", overrides=chosen).hidden_size == 48


def test_songs_that_nobody_counted_are_summed_up(ready_dataset):
    ready_dataset.songs.update(word_count=300_000, line_count=40_000, character_count=1_600_000)
    size = corpus_size(ready_dataset)
    assert (size.songs, size.words) == (24, 24 * 300_000)
    assert config_for(dataset=ready_dataset, architecture="lstm", preset="lunch").hidden_size > 400


def test_songs_that_are_not_there_yet_leave_the_presets_usual_settings(ready_dataset):
    ready_dataset.songs.all().delete()
    usual = resolve_config(architecture="gru", preset="coffee", overrides={"threads": 0})
    assert config_for(dataset=ready_dataset, architecture="gru", preset="coffee") == usual


def test_nothing_is_queued_by_asking(ready_dataset):
    Dataset.objects.filter(pk=ready_dataset.pk).update(statistics=MANY_SONGS)
    ready_dataset.refresh_from_db()
    told = forecast(dataset=ready_dataset, architecture="lstm", preset="tiny").estimate
    assert told.seconds <= 70
    assert told.parameters > 100_000
    assert not TrainingRun.objects.exists()


def test_the_speed_of_the_machine_is_that_of_its_newest_trainings(ready_dataset, other_user):
    assert machine_speed() is None
    measured_run(ready_dataset)
    once = machine_speed()
    measured_run(make_ready_dataset(other_user), tokens_per_second=2500.0)
    measured_run(make_ready_dataset(other_user), tokens_per_second=2500.0)
    assert machine_speed().slowness == pytest.approx(2 * once.slowness)


def test_a_run_that_says_nothing_of_its_speed_is_passed_over(ready_dataset):
    measured_run(ready_dataset)
    known = machine_speed()
    silent = [measured_run(ready_dataset) for _ in range(3)]
    TrainingRun.objects.filter(pk=silent[0].pk).update(facts={})
    TrainingRun.objects.filter(pk=silent[1].pk).update(tokens_per_second=None)
    TrainingRun.objects.filter(pk=silent[2].pk).update(config={"colour": "red"})
    assert machine_speed() == known


def test_a_slower_machine_takes_longer(ready_dataset):
    Dataset.objects.filter(pk=ready_dataset.pk).update(statistics=MANY_SONGS)
    ready_dataset.refresh_from_db()
    asked = {"dataset": ready_dataset, "architecture": "lstm", "overrides": {**SMALL, "steps": 1000}}
    measured_run(ready_dataset)
    fast = forecast(**asked).estimate.seconds
    TrainingRun.objects.update(tokens_per_second=500.0)
    assert forecast(**asked).estimate.seconds > 2 * fast


def test_what_an_alike_run_counted_is_not_guessed_again(ready_dataset):
    Dataset.objects.filter(pk=ready_dataset.pk).update(statistics=MANY_SONGS)
    ready_dataset.refresh_from_db()
    measured_run(ready_dataset)
    told = forecast(
        dataset=ready_dataset, architecture="gru", overrides=SMALL | {"validation_fraction": 0.1, "test_fraction": 0.05}
    ).estimate
    assert (told.vocabulary_size, told.train_tokens) == (77, 7000)
    other = forecast(dataset=ready_dataset, architecture="gru", overrides=SMALL | {"tokenizer": "word"}).estimate
    assert other.train_tokens > 1_000_000


def test_songs_changed_since_are_counted_anew(ready_dataset):
    Dataset.objects.filter(pk=ready_dataset.pk).update(statistics=MANY_SONGS, version=2)
    measured_run(ready_dataset)
    ready_dataset.refresh_from_db()
    assert forecast(dataset=ready_dataset, architecture="gru", overrides=SMALL).estimate.train_tokens > 1_000_000


def test_many_songs_are_not_read_to_see_that_they_are_enough(ready_dataset, monkeypatch):
    def read_all(songs):
        raise AssertionError("read every song")

    monkeypatch.setattr("training.services.estimates.group_songs", read_all)
    Song.objects.update(character_count=100_000)
    assert forecast(dataset=ready_dataset, architecture="lstm")


def test_copies_of_one_song_are_too_few(ready_dataset):
    keep = ready_dataset.songs.first()
    ready_dataset.songs.update(text=keep.text)
    with pytest.raises(Invalid) as refusal:
        forecast(dataset=ready_dataset, architecture="lstm")
    assert "copies of one another" in refusal.value.errors["dataset"][0]
