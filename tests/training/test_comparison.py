"""Runs side by side: who is chosen, how they are called, what the comparison comes to."""

import pytest

from tests.training.finished_runs import make_finished_run, make_running_run
from training import comparison
from training.language_model.config import TrainingConfig
from training.models import TrainingRun

pytestmark = pytest.mark.django_db


def compared(*runs, **options) -> comparison.Comparison:
    return comparison.compare(list(runs), **options)


def labels(found: comparison.Comparison) -> list[str]:
    return [entrant.label for entrant in found.entrants]


def seeds_of(dataset, cell: str, ends: dict[int, float]) -> list[TrainingRun]:
    return [
        make_finished_run(dataset, architecture=cell, seed=seed, losses=(3.0, 2.6, end)) for seed, end in ends.items()
    ]


def test_networks_that_read_differently_are_judged_by_the_character(ready_dataset):
    letters = make_finished_run(ready_dataset, architecture="rnn", losses=(2.4, 2.2))
    words = make_finished_run(ready_dataset, architecture="gru", config={"tokenizer": "word"}, losses=(6.0, 2.0))
    found = compared(words, letters)
    assert labels(found) == ["RNN", "GRU"]
    assert comparison.verdict(found).startswith("GRU knows these songs best: 1.00")
    assert ("tokenizer", ["char", "word"]) in comparison.differing_settings(found)
    assert not found.read_alike


def test_runs_that_differ_in_their_seed_alone_are_one_entrant(ready_dataset):
    gru, rnn = (
        seeds_of(ready_dataset, "gru", {1: 2.0, 2: 2.2}),
        seeds_of(ready_dataset, "rnn", {1: 2.5, 2: 2.5, 3: 2.5}),
    )
    found = compared(*gru, *rnn)
    assert labels(found) == ["RNN", "GRU"]
    assert [len(entrant.contenders) for entrant in found.entrants] == [3, 2]
    score = found.entrants[1].score
    assert (score.mean, score.count) == (pytest.approx(1.05), 2)
    assert score.spread == pytest.approx(0.0707, abs=1e-4)
    assert not found.is_numbered


def test_seeds_without_a_rival_are_each_their_own(ready_dataset):
    assert labels(compared(*seeds_of(ready_dataset, "gru", {1: 2.0, 2: 2.2}))) == ["GRU 1", "GRU 2"]


def test_the_same_run_twice_is_two_entrants_and_not_two_seeds(ready_dataset):
    twins = [make_finished_run(ready_dataset, architecture="lstm", seed=1) for _ in range(2)]
    found = compared(*twins, make_finished_run(ready_dataset, architecture="gru"))
    assert labels(found) == ["LSTM 1", "LSTM 2", "GRU"]
    assert found.is_numbered


def test_a_run_from_before_there_was_a_setting_has_its_default(ready_dataset):
    old, new = (make_finished_run(ready_dataset, architecture=cell) for cell in ("rnn", "mingru"))
    new.config = TrainingConfig(architecture="mingru", hidden_size=48).to_dict()
    old.config = {name: value for name, value in new.config.items() if name != "residual"} | {"hidden_size": 40}
    found = compared(new, old)
    assert labels(found) == ["RNN", "minGRU"]
    assert comparison.differing_settings(found) == [("hidden_size", [40, 48])]


def test_a_lead_that_two_decimals_do_not_show_is_a_hair(ready_dataset):
    runs = [make_finished_run(ready_dataset, architecture=cell, losses=(2.4, 2.0)) for cell in ("rnn", "lstm")]
    assert "ahead by a hair of" in comparison.verdict(compared(*runs))


def test_the_last_of_three_is_named(ready_dataset):
    losses = {"rnn": 2.4, "lstm": 2.0, "gru": 2.2}
    runs = [make_finished_run(ready_dataset, architecture=cell, losses=(3.0, end)) for cell, end in losses.items()]
    assert comparison.verdict(compared(*runs)).endswith("of GRU; RNN comes last with 1.20.")


def test_one_run_or_none_is_no_comparison(ready_dataset):
    nothing_yet = "There is nothing to compare yet"
    for runs in ([], [make_finished_run(ready_dataset)]):
        found = compared(*runs)
        assert comparison.verdict(found).startswith(nothing_yet)
        assert comparison.turn_of_the_race(found, "tokens") is None


def test_a_running_run_is_scored_by_its_best_look_so_far(ready_dataset):
    run, _ = make_running_run(ready_dataset, losses=(2.4, 1.8, 2.0))
    TrainingRun.objects.filter(pk=run.pk).update(metrics={})
    run.refresh_from_db()
    assert compared(run).contenders[0].nats_per_character == pytest.approx(0.9)


def test_a_score_that_is_no_number_is_none(ready_dataset):
    run, _ = make_running_run(ready_dataset, losses=())
    run.metrics = {"nats_per_character": float("nan"), "perplexity": float("inf")}
    one = compared(run).contenders[0]
    assert (one.nats_per_character, one.bits_per_character, one.perplexity, one.seconds) == (None, None, None, None)
    assert compared(run).target_loss is None


def test_tokens_are_counted_by_step_as_they_were_read(ready_dataset):
    run = make_finished_run(ready_dataset)  # 900 tokens in its six steps, and looks at the steps 4, 8 and 12
    assert [look.tokens for look in compared(run).contenders[0].looks] == [600, 1200, 1800]
    TrainingRun.objects.filter(pk=run.pk).update(tokens=0)
    run.refresh_from_db()
    assert compared(run).contenders[0].looks[0].tokens == 4 * 4 * 16


def test_the_time_is_taken_to_the_lowest_loss_that_all_have_reached(ready_dataset):
    quick = make_finished_run(ready_dataset, architecture="gru", losses=(2.2, 2.0, 1.9))
    slow = make_finished_run(ready_dataset, architecture="rnn", losses=(2.8, 2.4, 2.1))
    found = compared(quick, slow)
    assert found.target_loss == 1.05
    assert [one.seconds_to(found.target_loss) for one in found.contenders] == [6.0, 4.0]
    assert compared(quick, slow, target_loss=0.97).contenders[0].seconds_to(0.97) is None


@pytest.mark.parametrize("written", ["", "x", "0", "-1", "nan", "inf", "100", "1e999", "²"])
def test_what_cannot_be_a_loss_is_none(written):
    assert comparison.loss_from(written) is None


def test_who_was_ahead_before_the_winner_is_told(ready_dataset):
    early = make_finished_run(ready_dataset, architecture="gru", losses=(2.2, 2.1, 2.0))
    late = make_finished_run(ready_dataset, architecture="lstm", losses=(2.6, 2.2, 1.8))
    winner, rival, passed = comparison.turn_of_the_race(compared(early, late), "step")
    assert (winner.label, rival.label, passed) == ("LSTM", "GRU", 8)
    ahead = make_finished_run(ready_dataset, architecture="gru", losses=(2.0, 1.9, 1.7))
    assert comparison.turn_of_the_race(compared(ahead, late), "step")[2] is None


def test_batches_are_the_same_only_when_every_run_says_so(ready_dataset):
    runs = [make_finished_run(ready_dataset, architecture=cell) for cell in ("rnn", "gru")]
    assert compared(*runs).same_batches is None
    for run, batch_hash in zip(runs, ("a", "b"), strict=True):
        run.facts = {"batch_hash": batch_hash}
    assert compared(*runs).same_batches is False
    runs[1].facts = {"batch_hash": "a"}
    assert compared(*runs).same_batches is True
    runs[1].steps += 1  # the same order, and more of it
    assert compared(*runs).same_batches is False
    assert compared().same_batches is None


def test_runs_on_different_versions_are_judged_by_different_songs(ready_dataset):
    runs = [make_finished_run(ready_dataset, dataset_version=version) for version in (1, 2)]
    assert not compared(*runs).same_songs
    assert compared(runs[0]).same_songs
