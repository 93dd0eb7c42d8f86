import pytest

from training.baseline_findings import against_baseline, described
from training.models import Baseline, TrainingRun

WORDS, LETTERS = (TrainingRun(config={"tokenizer": kind}) for kind in ("word", "char"))


def baseline(**fields) -> Baseline:
    figures = {"nats_per_token": 5.0, "nats_per_character": 1.5, "unknown_share": 0.037, "tokens": 900}
    return Baseline(**(figures | fields))


def metrics(nats_per_character: float | None, **others) -> dict:
    return {"nats_per_character": nats_per_character} | others


@pytest.mark.parametrize(
    ("scored", "words"),
    [
        (1.2, "this model is 20 % better"),
        (1.8, "this model is 20 % worse"),
        (1.4995, "this model is as good"),
        (1.5005, "this model is as good"),
        (1.488, "this model is 0.8 % better"),
    ],
)
def test_a_lead_is_said_in_per_cent(scored, words):
    found = against_baseline(baseline(), metrics(scored), WORDS)
    assert f"Kneser-Ney of order 5 on the same songs: 1.50 nats per character; {words}." in found.text


def test_a_model_behind_is_called_out_once_it_has_learnt():
    behind = against_baseline(baseline(), metrics(1.8), WORDS)
    assert (behind.title, behind.tone) == ("Counting words does better.", "warn")
    assert "learn longer" in behind.text
    meanwhile = against_baseline(baseline(), metrics(1.8), WORDS, is_finished=False)
    assert (meanwhile.title, meanwhile.tone) == ("", "")
    assert "so far this one is 20 % worse" in meanwhile.text


def test_perplexity_is_compared_only_on_the_same_words():
    found = against_baseline(baseline(), metrics(1.2, perplexity=101.26), WORDS)
    assert "Perplexity on the same words: 148.4 counted, 101.3 learnt" in found.evidence
    assert "3.7 % of the words are unknown to both, and are spelt" in found.evidence
    assert against_baseline(baseline(), metrics(1.2, perplexity=3.1), LETTERS).evidence == ""


def test_the_last_test_is_told_where_both_have_it():
    tested = metrics(1.2, test_nats_per_character=1.25)
    assert against_baseline(baseline(), tested, LETTERS).evidence == ""
    found = against_baseline(baseline(test_nats_per_character=1.55), tested, LETTERS)
    assert found.evidence == "Last test: 1.55 counted, 1.25 learnt."


@pytest.mark.parametrize("scored", [None, float("inf"), float("nan")])
def test_without_a_number_or_a_baseline_there_is_nothing_to_say(scored):
    assert against_baseline(baseline(), metrics(scored), WORDS) is None
    assert against_baseline(baseline(), {}, WORDS) is None
    assert against_baseline(None, metrics(1.2), WORDS) is None


def test_a_program_is_told_the_same_and_of_other_tokens_nothing():
    run = TrainingRun(config=LETTERS.config, metrics=metrics(1.2), state="succeeded")
    told = described(baseline(), run)
    assert told["lead"] == pytest.approx(0.2)
    assert told["sentence"].endswith("this model is 20 % better.")
    assert (told["nats_per_token"], told["perplexity"]) == (None, None)
    waiting = described(baseline(), TrainingRun(config=WORDS.config, state="queued"))
    assert (waiting["lead"], waiting["sentence"], waiting["nats_per_token"]) == (None, "", 5.0)
