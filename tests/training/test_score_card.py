"""The score card: a figure of every measure for every entrant."""

import json

import pytest

from tests.training.finished_runs import make_baseline_row, make_finished_run, make_running_run
from training import comparison
from training.models import TrainingRun
from training.score_card import CURVE_COLUMNS, as_data, curve_rows, score_card, score_table

pytestmark = pytest.mark.django_db


def card_of(*runs, **options):
    return {row.name: row for row in score_card(comparison.compare(list(runs), **options))}


def race_of_two(dataset):
    return [
        make_finished_run(dataset, architecture=cell, seed=seed, losses=(3.0, 2.6, end))
        for cell, ends in (("rnn", (2.4, 2.6)), ("gru", (2.0, 2.2)))
        for seed, end in enumerate(ends, start=1)
    ]


def with_changes(run: TrainingRun, **columns) -> TrainingRun:
    TrainingRun.objects.filter(pk=run.pk).update(**columns)
    run.refresh_from_db()
    return run


def test_the_best_of_each_measure_is_marked_and_a_tie_is_not(ready_dataset):
    card = card_of(*race_of_two(ready_dataset))
    assert [figure.is_best for figure in card["nats_per_character"].figures] == [False, True]
    assert [round(figure.score.mean, 2) for figure in card["nats_per_character"].figures] == [1.25, 1.05]
    assert not any(figure.is_best for figure in card["tokens_per_second"].figures)
    assert not any(figure.is_best for figure in card["parameters"].figures)


def test_equal_weights_are_said_to_be_so(ready_dataset):
    one, other = (make_finished_run(ready_dataset, architecture=cell) for cell in ("rnn", "gru"))
    help = card_of(with_changes(one, parameters=1000), with_changes(other, parameters=1019))["parameters"].help
    assert help == "within 1.9 % of each other"
    assert "within" not in card_of(one, with_changes(other, parameters=2000))["parameters"].help


def test_perplexity_is_shown_only_where_all_read_alike(ready_dataset):
    alike = [make_finished_run(ready_dataset, architecture=cell) for cell in ("rnn", "gru")]
    words = make_finished_run(ready_dataset, architecture="lstm", config={"tokenizer": "word"})
    assert "perplexity" in card_of(*alike)
    assert "perplexity" not in card_of(*alike, words)


def test_a_model_that_does_not_beat_the_n_gram_is_called_out(ready_dataset):
    good, bad = (make_finished_run(ready_dataset, architecture=cell, losses=(3.0, 2.0)) for cell in ("gru", "rnn"))
    assert "baseline_nats_per_character" not in card_of(good, bad)
    make_baseline_row(good, nats_per_character=0.98)
    with_changes(good, metrics=good.metrics | {"nats_per_character": 0.784})
    compared = comparison.compare([good, bad])
    assert compared.baseline == 0.98
    assert [entrant.label for entrant in compared.behind_baseline] == ["RNN"]
    notes = [figure.note for figure in card_of(good, bad)["baseline_nats_per_character"].figures]
    assert notes == ["not beaten", "beaten by 20\u00a0%"]


def test_the_time_to_a_loss_says_which_seeds_never_reached_it(ready_dataset):
    figures = card_of(*race_of_two(ready_dataset), target_loss=1.2)["seconds_to_loss"].figures
    assert [figure.note for figure in figures] == ["1 of 2 seeds", ""]
    assert [figure.is_best for figure in figures] == [False, False]
    figures = card_of(*race_of_two(ready_dataset), target_loss=1.1)["seconds_to_loss"].figures
    assert [figure.note for figure in figures] == ["not reached", ""]


def test_runs_that_have_only_begun_have_no_row_without_a_figure(ready_dataset):
    runs = [make_running_run(ready_dataset, architecture=cell, losses=())[0] for cell in ("rnn", "gru")]
    assert set(card_of(*runs)) == {"tokens_per_second", "parameters"}


def test_tables_and_data_have_every_figure(ready_dataset):
    compared = comparison.compare(race_of_two(ready_dataset))
    rows = list(curve_rows(compared))
    assert len(rows) == 4 * 3
    assert {len(row) for row in rows} == {len(CURVE_COLUMNS)}
    header, entrants = score_table(compared)
    assert [dict(zip(header, row, strict=True))["entrant"] for row in entrants] == ["RNN", "GRU"]
    data = json.loads(json.dumps(as_data(compared), allow_nan=False))
    assert data["entrants"][1]["scores"]["nats_per_character"]["mean"] == pytest.approx(1.05)
    assert [len(curve["points"]) for curve in data["curves"]] == [3] * 4
