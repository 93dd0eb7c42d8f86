"""The insights into a real run with a network of sixteen units."""

import pytest

from tests.training.runs import SMALL, claim, make_run
from training import execution, explanation, insight_charts, lifecycle
from training.language_model.config import resolve_config
from training.language_model.probes import memory_ruler
from training.models import Explanation

pytestmark = pytest.mark.django_db


def trained(dataset, **fields):
    run = make_run(dataset, **fields)
    execution.execute(run.pk, claim(run).token)
    run.refresh_from_db()
    assert run.state == "succeeded", run.error
    return run


@pytest.fixture
def run(ready_dataset):
    return trained(ready_dataset)


@pytest.mark.parametrize(("architecture", "tokenizer"), [("rnn", "word"), ("gru", "char")])
def test_a_run_gets_its_three_insights_with_controls(ready_dataset, architecture, tokenizer):
    config = resolve_config(architecture=architecture, overrides=SMALL | {"tokenizer": tokenizer})
    run = trained(ready_dataset, architecture=architecture, config=config.to_dict())
    sentences = list(explanation.explain(run.checkpoints.get()))
    kept = {insight.kind: insight for insight in run.insights.all()}
    assert sorted(kept) == ["chorus_recall", "gradient_reach", "memory_ruler"]
    assert sorted(sentences) == sorted(insight.sentence for insight in kept.values())
    assert all(insight.data["unit"] == tokenizer for insight in kept.values())
    reach = kept["gradient_reach"].data
    assert len(reach["norms"]) == len(reach["untrained"]["norms"]) > 8
    assert [look["step"] for look in reach["looks"]] == [6, 12]  # one look at each judgement
    assert reach["looks"][-1]["norms"] == pytest.approx(reach["norms"], rel=0.01)  # the best weights were the last
    if kept["memory_ruler"].data["is_enough"]:
        assert kept["memory_ruler"].data["untrained"]["is_flat"]
    assert lifecycle.explaining_of(run) == "ended"
    assert len(insight_charts.insights_of([run])) == 3


def test_the_run_stays_as_it_was(run):
    before = (run.state, run.metrics, run.sequence, run.checkpoints.get().sha256)
    list(explanation.explain(run.checkpoints.get()))
    run.refresh_from_db()
    assert (run.state, run.metrics, run.sequence, run.checkpoints.get().sha256) == before


def test_a_fault_in_one_insight_does_not_cost_the_others(run, monkeypatch):
    def faulty(*args, **options):
        raise ZeroDivisionError

    monkeypatch.setattr(memory_ruler, "choose_places", faulty)
    model = run.checkpoints.get()
    with pytest.raises(ExceptionGroup):
        list(explanation.explain(model))
    told = run.insights.exclude(sentence="").values_list("kind", flat=True)
    assert sorted(told) == ["chorus_recall", "gradient_reach"]
    assert not Explanation.objects.filter(ended_at__isnull=False).exists()

    monkeypatch.undo()
    assert len(list(explanation.explain(model))) == 1  # what was there is not worked out again
    assert lifecycle.explaining_of(run) == "ended"


def test_the_same_weights_give_the_same_numbers(run):
    model = run.checkpoints.get()
    first = list(explanation.explain(model))
    run.insights.all().delete()
    assert list(explanation.explain(model)) == first
