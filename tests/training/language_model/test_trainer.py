import itertools
import math

import pytest
import torch

from tests.training.language_model.songs import make_config, make_songs
from training.language_model import machine, trainer
from training.language_model.checkpoint import weights_sha256
from training.language_model.corpus import build_corpus
from training.language_model.errors import TrainingDiverged
from training.language_model.planning import Costs, Plan, _within_budget, learning_rate_at
from training.language_model.reports import Evaluated, Finished, Planned, Progress, Resumable, Sampled
from training.language_model.shapes import CELL_KINDS
from training.language_model.trainer import train

CELLS = pytest.mark.parametrize("architecture", [*CELL_KINDS])


def run(**values):
    config = make_config(**values)
    return list(train(build_corpus(make_songs(), config), config))


def of_kind(reports, kind):
    return [report for report in reports if isinstance(report, kind)]


def final_weights(config, corpus):
    network = None
    for report in train(corpus, config):
        network = report.network if isinstance(report, Evaluated) else network
    return weights_sha256(network)


@CELLS
@pytest.mark.parametrize("tokenizer", ["char", "word"])
def test_the_loss_falls_and_songs_held_back_are_no_longer_a_surprise(architecture, tokenizer):
    reports = run(architecture=architecture, tokenizer=tokenizer, epochs=12, evaluations=3, learning_rate=0.02)
    evaluations = of_kind(reports, Evaluated)
    assert evaluations[-1].train_loss < evaluations[0].train_loss
    uniform = math.log(of_kind(reports, Planned)[0].network["vocabulary_size"])
    assert min(report.valid_loss for report in evaluations) < uniform / 2


@CELLS
def test_the_same_config_songs_and_seed_give_the_same_weights_bit_by_bit(architecture):
    config = make_config(architecture=architecture, steps=30, num_layers=2)
    corpus = build_corpus(make_songs(), config)
    torch.manual_seed(1)
    first = final_weights(config, corpus)
    torch.manual_seed(2)  # nothing in the trainer may depend on the global random state
    assert final_weights(config, corpus) == first
    assert final_weights(config.replace(seed=2), corpus) != first


def test_judging_and_sampling_more_often_changes_no_weight():
    config = make_config(steps=24, evaluations=1, sample_tokens=0)
    corpus = build_corpus(make_songs(), config)
    assert final_weights(config, corpus) == final_weights(config.replace(evaluations=6, sample_tokens=9), corpus)


def test_the_planned_config_is_complete_and_gives_the_same_model_again():
    config = make_config(budget_seconds=2.0, epochs=3)
    corpus = build_corpus(make_songs(), config)
    planned, network = None, None
    for report in train(corpus, config):
        planned = report if isinstance(report, Planned) else planned
        network = report.network if isinstance(report, Evaluated) else network
    assert planned.config.steps == planned.steps
    assert planned.config.precision == planned.precision != "auto"
    assert planned.config.threads == planned.threads == 1
    assert final_weights(planned.config, corpus) == weights_sha256(network)


def test_reports_come_in_order_and_every_judgement_is_followed_by_a_sample():
    reports = [report for report in run(epochs=4, evaluations=4) if not isinstance(report, Progress | Resumable)]
    kinds = [type(report) for report in reports]
    assert kinds == [Planned] + [Evaluated, Sampled] * 4 + [Finished]
    assert reports[-1].step == reports[0].steps == reports[-3].step
    assert reports[-1].best["valid_loss"] == min(report.valid_loss for report in of_kind(reports, Evaluated))


def test_samples_begin_with_the_prompt():
    samples = of_kind(run(sample_prompt="Oh, golden"), Sampled)
    assert all(sample.text.startswith("Oh, golden") for sample in samples)


def test_a_caller_who_stops_asking_stops_the_work():
    config = make_config(steps=10_000)
    reports = train(build_corpus(make_songs(), config), config)
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    seen = list(itertools.islice(reports, 3))
    reports.close()
    assert isinstance(seen[0], Progress | Planned)
    assert list(reports) == []
    assert (torch.get_num_threads(), torch.get_float32_matmul_precision()) == (threads, precision)


def test_a_training_that_no_longer_improves_stops_early():
    reports = run(epochs=200, evaluations=100, patience=2, learning_rate=0.2, dropout=0, sample_tokens=0)
    finished = reports[-1]
    assert finished.stopped_early
    assert finished.step < of_kind(reports, Planned)[0].steps
    assert [report.is_best for report in of_kind(reports, Evaluated)][-2:] == [False, False]


def test_without_patience_every_step_is_taken():
    reports = run(epochs=30, evaluations=30, patience=0, learning_rate=0.2, dropout=0, sample_tokens=0)
    assert not reports[-1].stopped_early
    assert reports[-1].step == of_kind(reports, Planned)[0].steps


def test_a_loss_that_is_no_number_stops_the_training_and_suggests_half_the_rate():
    config = make_config(steps=50, learning_rate=0.01)
    corpus = build_corpus(make_songs(), config)
    reports = train(corpus, config)
    with pytest.raises(TrainingDiverged, match=r"half the learning rate \(0.005 ") as caught:  # noqa: PT012
        for report in reports:
            if isinstance(report, Evaluated):
                with torch.no_grad():
                    report.network.decoder_bias[0] = torch.nan
    assert caught.value.step == 26
    assert caught.value.suggested_learning_rate == 0.005


def test_a_batch_wider_than_the_songs_is_made_narrower():
    config = make_config(batch_size=512)
    corpus = build_corpus(make_songs(), config)
    planned = next(report for report in train(corpus, config) if isinstance(report, Planned))
    assert planned.config.batch_size == corpus.largest_batch(config.sequence_length)
    assert planned.steps_per_epoch >= 1


def test_the_learning_rate_rises_to_its_peak_and_falls_to_zero():
    rates = [learning_rate_at(step, 100, peak=1.0, warmup_fraction=0.08) for step in range(100)]
    top = rates.index(max(rates))
    assert top == 8
    assert rates[top] == 1.0
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert 0 < rates[-1] < 0.001


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("warmup_fraction", [0.0, 0.5])
def test_even_the_shortest_schedule_has_usable_rates(steps, warmup_fraction):
    rates = [learning_rate_at(step, steps, peak=1.0, warmup_fraction=warmup_fraction) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates)


def make_plan(**values):
    known = {"steps": 1000, "steps_per_epoch": 10, "evaluations": 10}
    return Plan(config=make_config(), parameters=1, evaluation_seconds=0.0, expected_seconds=None, **known | values)


def test_a_budget_becomes_as_many_steps_as_fit_beside_the_judgements():
    plan = _within_budget(make_plan(), Costs(step=0.1, evaluation=1.0), seconds_left=60)
    assert plan.evaluations == 10
    assert 400 < plan.steps < 500
    assert plan.expected_seconds <= 60


def test_judging_takes_no_more_than_its_share_of_the_budget():
    plan = _within_budget(make_plan(), Costs(step=0.1, evaluation=4.0), seconds_left=60)
    assert plan.evaluations == 2
    assert _within_budget(make_plan(), Costs(step=0.1, evaluation=100.0), seconds_left=60).evaluations == 1


def test_a_budget_longer_than_all_epochs_reads_all_epochs():
    assert _within_budget(make_plan(), Costs(step=0.001, evaluation=0.1), seconds_left=60).steps == 1000


def test_a_budget_already_spent_still_trains_a_little():
    assert _within_budget(make_plan(), Costs(step=0.1, evaluation=1.0), seconds_left=-5).steps == 10


def test_threads_left_open_are_decided_and_told():
    config = make_config(threads=0, budget_seconds=1.0, epochs=1)
    planned = next(report for report in train(CORPUS, config) if isinstance(report, Planned))
    assert planned.threads == planned.config.threads >= 1


@pytest.mark.parametrize("architecture", [*CELL_KINDS])
def test_a_precision_that_was_tried_in_vain_leaves_no_trace(monkeypatch, architecture):
    monkeypatch.setattr(machine, "precisions_to_try", lambda device: ["bfloat16"])
    monkeypatch.setattr(machine, "WORTH_IT", 0.0)
    config = make_config(architecture=architecture, precision="auto", budget_seconds=1.0, epochs=1)
    planned = next(report for report in train(CORPUS, config) if isinstance(report, Planned))
    assert planned.precision == "float32"


class Clock:
    """A clock that is half a second further at each look, and once an hour."""

    def __init__(self, late_look: int) -> None:
        self.seconds, self.looks, self.late_look = 0.0, 0, late_look

    def perf_counter(self) -> float:
        self.looks += 1
        self.seconds += 3600.0 if self.looks == self.late_look else 0.5
        return self.seconds


@pytest.mark.parametrize("late_look", range(40, 43))  # one of them is the end of a step
def test_a_step_that_took_an_hour_does_not_change_what_a_step_takes(monkeypatch, late_look):
    monkeypatch.setattr(trainer, "time", Clock(late_look))
    told = [report for report in of_kind(run(steps=30), Progress) if report.phase == "training"]
    assert len(told) > 10
    assert {report.step_seconds for report in told} == {0.5}


def test_signs_of_life_come_before_the_plan():
    first = next(train(CORPUS, make_config(budget_seconds=1.0)))
    assert isinstance(first, Progress)
    assert (first.phase, first.steps) == ("measuring", 0)


CORPUS = build_corpus(make_songs(), make_config())
