"""The n-gram model every run is measured against: made once, by the first run that needs it, and found by all."""

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from tests.songs import make_ready_dataset
from tests.training.finished_runs import make_baseline_row
from tests.training.runs import SMALL, claim, make_run
from training import baseline_making, execution
from training.baselines import baseline_of, baselines_of, lead_over, reading_of, reading_settings, reads_alike
from training.language_model.config import resolve_config
from training.models import Baseline, Dataset, TrainingRun

pytestmark = pytest.mark.django_db


def config_of(**values) -> dict:
    return resolve_config(architecture="lstm", overrides=SMALL | values).to_dict()


def train(run: TrainingRun) -> TrainingRun:
    execution.execute(run.pk, claim(run).token)
    run.refresh_from_db()
    assert run.error == ""
    return run


@pytest.mark.parametrize("tokenizer", ["word", "char"])
def test_the_first_run_makes_the_baseline_and_its_history_says_so(ready_dataset, tokenizer):
    run = train(make_run(ready_dataset, config=config_of(tokenizer=tokenizer)))
    baseline = baseline_of(run)
    assert baseline.dataset == ready_dataset
    assert baseline.nats_per_token > 0
    assert baseline.perplexity > 1
    assert 0 < baseline.nats_per_character < 3
    assert 0 < baseline.test_nats_per_character < 3
    assert baseline.tokens > 100
    assert any("Kneser-Ney of order 5" in note for note in run.events.values_list("message", flat=True))


def test_a_second_run_counts_nothing_again(ready_dataset, monkeypatch):
    first = train(make_run(ready_dataset))
    monkeypatch.setattr(baseline_making, "counted", None)
    second = train(make_run(ready_dataset, config=config_of(seed=2, hidden_size=8)))
    assert baseline_of(first) == baseline_of(second)
    assert Baseline.objects.count() == 1


def test_two_runs_that_begin_together_keep_one_baseline(ready_dataset, monkeypatch):
    count, run = baseline_making.counted, make_run(ready_dataset)

    def counted_beside_another(*args):
        count(*args).save()
        return count(*args)

    monkeypatch.setattr(baseline_making, "counted", counted_beside_another)
    train(run)
    assert Baseline.objects.count() == 1
    assert run.events.filter(message__contains="Kneser-Ney").exists()


def test_runs_that_read_otherwise_or_other_songs_have_a_baseline_of_their_own(ready_dataset, other_user):
    words = config_of(tokenizer="word", minimum_count=1)
    runs = [
        make_run(ready_dataset, config=words),
        make_run(ready_dataset, config=words | {"validation_fraction": 0.3}),
        make_run(ready_dataset, config=config_of(tokenizer="word", minimum_count=3)),
        make_run(ready_dataset, config=words, dataset_version=2),
        make_run(make_ready_dataset(other_user), config=words),
    ]
    train(runs[0])
    assert baseline_of(runs[0]) is not None
    assert [baseline_of(run) for run in runs[1:]] == [None] * 4


def test_characters_are_measured_against_the_usual_words_whatever_their_own_settings():
    def reads(**values) -> TrainingRun:
        return TrainingRun(config=config_of(**values))

    usual = reading_of(reads(tokenizer="word", minimum_count=2, vocabulary_limit=10_000))
    assert reading_of(reads(tokenizer="char", vocabulary_limit=50)) == usual
    assert reading_of(reads(tokenizer="bpe", vocabulary_limit=2_000, lines_right_to_left=True)) == usual
    assert reading_of(reads(tokenizer="word", vocabulary_limit=50)) != usual
    assert reading_of(reads(tokenizer="word", lines_right_to_left=True)) != usual
    assert reading_settings(reads(tokenizer="char", test_fraction=0.2))["test_fraction"] == 0.2


def test_a_model_that_is_trained_further_keeps_its_words_and_is_measured_against_the_usual_ones():
    config = config_of(tokenizer="word", minimum_count=5)
    further = TrainingRun(config=config, starts_from_name="Night train")
    assert not reads_alike(further)
    assert reading_of(further) == reading_of(TrainingRun(config=config_of(tokenizer="char")))


def test_a_baseline_is_judged_by_the_songs_that_judge_the_run(ready_dataset, monkeypatch):
    judged = []
    judge = baseline_making.evaluate_counts
    monkeypatch.setattr(
        baseline_making, "evaluate_counts", lambda model, songs: judged.append(songs.characters) or judge(model, songs)
    )
    run = train(make_run(ready_dataset, config=config_of(tokenizer="char")))
    assert judged[0] == run.facts["valid_characters"]


def test_songs_too_many_to_count_are_trained_on_without(ready_dataset, monkeypatch):
    monkeypatch.setattr(baseline_making, "MOST_TOKENS", 100)
    run = train(make_run(ready_dataset))
    assert run.state == TrainingRun.State.SUCCEEDED
    assert baseline_of(run) is None
    assert run.events.filter(message=baseline_making.TOO_MANY).exists()


def test_a_database_that_is_away_costs_the_baseline_and_not_the_training(ready_dataset, monkeypatch):
    def away(*args):
        raise OperationalError("the database went away")

    monkeypatch.setattr(baseline_making, "baseline_of", away)
    monkeypatch.setattr(baseline_making.connection, "close", lambda: None)
    assert train(make_run(ready_dataset)).state == TrainingRun.State.SUCCEEDED


def test_the_best_weights_are_judged_once_by_the_songs_kept_for_the_last_test(ready_dataset):
    run = train(make_run(ready_dataset))
    assert run.facts["songs_kept_for_test"] >= 1
    assert run.metrics["test_nats_per_character"] > 0
    assert run.metrics["test_perplexity"] > 1
    assert run.checkpoints.get().metrics["test_nats_per_character"] == run.metrics["test_nats_per_character"]


def test_a_run_that_keeps_no_songs_for_a_test_has_no_last_judgement(ready_dataset):
    run = train(make_run(ready_dataset, config=config_of(test_fraction=0.0)))
    assert "test_nats_per_character" not in run.metrics
    assert baseline_of(run).test_nats_per_character is None


def test_the_baselines_of_many_runs_are_one_question(ready_dataset):
    runs = [make_run(ready_dataset, config=config_of(seed=seed)) for seed in range(4)]
    baseline = make_baseline_row(runs[0])
    with CaptureQueriesContext(connection) as queries:
        found = baselines_of(runs)
    assert len(queries) == 1
    assert found == {run.pk: baseline for run in runs}
    assert baselines_of([]) == {}


def test_a_lead_is_the_share_of_nats_a_model_saves(ready_dataset):
    baseline = make_baseline_row(make_run(ready_dataset), nats_per_character=2.0)
    assert lead_over(baseline, 1.5) == pytest.approx(0.25)
    assert lead_over(baseline, 3.0) == pytest.approx(-0.5)
    assert lead_over(baseline, None) is None
    assert lead_over(baseline, float("inf")) is None


def test_a_baseline_goes_with_its_dataset(ready_dataset):
    run = make_run(ready_dataset)
    make_baseline_row(run)
    run.delete()
    Dataset.objects.get(pk=ready_dataset.pk).delete()
    assert not Baseline.objects.exists()
