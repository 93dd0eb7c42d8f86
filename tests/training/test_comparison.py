"""Runs side by side: who is chosen, how they are called, what the comparison comes to."""

import pytest

from tests.training.finished_runs import make_finished_run, make_running_run
from training import comparison
from training.language_model.config import TrainingConfig
from training.models import TrainingRun

pytestmark = pytest.mark.django_db


def compared(*runs) -> list[comparison.Contender]:
    return comparison.compare(list(runs))


def test_networks_that_read_differently_are_judged_by_the_character(ready_dataset):
    letters = make_finished_run(ready_dataset, architecture="rnn", losses=(2.4, 2.2))
    words = make_finished_run(ready_dataset, architecture="gru", config={"tokenizer": "word"}, losses=(6.0, 2.0))
    contenders = compared(words, letters)
    assert [one.label for one in contenders] == ["RNN", "GRU"]
    assert [one.is_best for one in contenders] == [False, True]
    assert comparison.verdict(contenders).startswith("GRU knows these songs best")
    assert ("tokenizer", ["char", "word"]) in comparison.differing_settings(contenders)


def test_a_run_from_before_there_was_a_setting_has_its_default(ready_dataset):
    old, new = (make_finished_run(ready_dataset, architecture=cell) for cell in ("rnn", "mingru"))
    new.config = TrainingConfig(architecture="mingru", hidden_size=48).to_dict()
    old.config = {name: value for name, value in new.config.items() if name != "residual"} | {"hidden_size": 40}
    contenders = compared(new, old)
    assert [one.label for one in contenders] == ["RNN", "minGRU"]
    assert comparison.differing_settings(contenders) == [("hidden_size", [40, 48])]


def test_a_lead_that_two_decimals_do_not_show_is_a_hair(ready_dataset):
    runs = [make_finished_run(ready_dataset, architecture=cell, losses=(2.4, 2.0)) for cell in ("rnn", "lstm")]
    assert "ahead by a hair of" in comparison.verdict(compared(*runs))


def test_the_last_of_three_is_named(ready_dataset):
    losses = {"rnn": 2.4, "lstm": 2.0, "gru": 2.2}
    runs = [make_finished_run(ready_dataset, architecture=cell, losses=(3.0, end)) for cell, end in losses.items()]
    assert comparison.verdict(compared(*runs)).endswith("of GRU; RNN comes last with 1.20.")


def test_one_run_or_none_is_no_comparison(ready_dataset):
    nothing_yet = "There is nothing to compare yet"
    assert comparison.verdict([]).startswith(nothing_yet)
    alone = compared(make_finished_run(ready_dataset))
    assert comparison.verdict(alone).startswith(nothing_yet)
    assert not alone[0].is_best


def test_a_running_run_is_scored_by_its_best_look_so_far(ready_dataset):
    run, _ = make_running_run(ready_dataset, losses=(2.4, 1.8, 2.0))
    TrainingRun.objects.filter(pk=run.pk).update(metrics={})
    run.refresh_from_db()
    assert compared(run)[0].nats_per_character == pytest.approx(0.9)


def test_a_score_that_is_no_number_is_none(ready_dataset):
    run, _ = make_running_run(ready_dataset, losses=())
    run.metrics = {"nats_per_character": float("nan"), "perplexity": float("inf")}
    contender = compared(run)[0]
    assert (contender.nats_per_character, contender.perplexity, contender.seconds) == (None, None, None)


def test_a_long_name_is_cut_in_the_label(ready_dataset):
    runs = [make_finished_run(ready_dataset, name=f"{number} " + "x" * 100) for number in range(2)]
    assert all(len(one.label) <= len("LSTM “”") + 24 for one in compared(*runs))
