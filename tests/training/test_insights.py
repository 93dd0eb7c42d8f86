"""The sentences: what was measured, with its numbers, and no more than that."""

import pytest

from tests.training.insight_data import DATA, REACH, RECALL, RULER
from training.insights import compared, sentence_of


def test_the_ruler_names_its_knee_and_the_control():
    sentence = sentence_of("memory_ruler", RULER)
    assert "last 8 words" in sentence
    assert "4.31 against 4.25 nats per word" in sentence
    assert "With one word it is 5.00" in sentence
    assert "untrained network stays flat at 6.00" in sentence


def test_a_flat_ruler_says_so():
    flat = RULER | {"is_flat": True, "knee": None, "losses": [4.28] * 6, "gain": 0.03}
    sentence = sentence_of("memory_ruler", flat)
    assert sentence.startswith(
        "Flat, to within 2 %: the loss is 4.25 nats per word with the whole song in sight and 4.28"
    )
    assert "hardly any use" in sentence


def test_a_ruler_that_is_flat_for_want_of_words_says_that():
    sentence = sentence_of("memory_ruler", RULER | {"is_flat": True, "knee": None, "places": 50})
    assert sentence.startswith("Flat, as far as 50 words can tell")


def test_a_ruler_without_a_knee_names_none():
    sentence = sentence_of("memory_ruler", RULER | {"knee": None, "losses": [5.0, 4.9, 4.8, 4.7, 4.6, 4.5]})
    assert "Even the last 32 words are not enough" in sentence
    assert "4.50 nats per word against 4.25" in sentence


def test_an_untrained_network_that_is_not_flat_is_not_called_so():
    sentence = sentence_of("memory_ruler", RULER | {"untrained": RULER["untrained"] | {"is_flat": False}})
    assert "untrained" not in sentence


def test_recall_is_told_with_its_control_and_its_error():
    sentence = sentence_of("chorus_recall", RECALL)
    assert "costs 4.10 nats per word, 4.60 the first time" in sentence
    assert "it would cost 4.52" in sentence
    assert "0.42 ± 0.05 is recall, over 40 stanzas 40 to 300 words back" in sentence


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_evident": False, "recall": 0.05, "error": 0.04}, "No recall that chance would not make: 0.05 ± 0.04"),
        ({"is_evident": False, "recall": 0.0002, "error": 0.0001}, "less than 0.01 nats"),
        ({"is_evident": False, "recall": -0.06, "error": 0.03}, "−0.06 ± 0.03"),
        ({"is_enough": False, "stanzas": 5, "needed": 8}, "Too few to say: the songs kept aside have 5 repeated"),
        ({"is_enough": False, "stanzas": 1, "needed": 8}, "1 repeated stanza, 8 are needed"),
        ({"is_enough": False, "stanzas": 0, "needed": 8}, "no stanza comes again"),
    ],
)
def test_recall_that_is_none_or_unknown_is_not_claimed(changes, words):
    assert words in sentence_of("chorus_recall", RECALL | changes)


def test_too_few_words_to_lay_the_ruler_on_are_counted():
    assert "20 words, 48 are needed" in sentence_of(
        "memory_ruler", {"unit": "word", "is_enough": False, "places": 20, "needed": 48}
    )


def test_the_reach_of_the_gradient_is_told_beside_that_before_training():
    sentence = sentence_of("gradient_reach", REACH)
    assert "less than a hundredth is left 22 words back" in sentence
    assert "before training 4 % is still there 32 words back" in sentence


def test_a_gradient_that_does_not_vanish_is_told_by_what_is_left():
    far = REACH | {"reach": None, "norms": [1.0, 0.5, 0.3], "untrained": {"norms": [1.0, 0.001], "reach": 2}}
    sentence = sentence_of("gradient_reach", far)
    assert "30 % is still there 3 words back" in sentence
    assert "before training that was so 2 words back" in sentence


def test_a_gradient_that_never_arrives_and_songs_too_short_are_told():
    assert "No gradient arrives" in sentence_of("gradient_reach", REACH | {"norms": [0.0, 0.0], "reach": None})
    assert "too short" in sentence_of("gradient_reach", {"unit": "word", "is_enough": False})


@pytest.mark.parametrize(("unit", "word"), [("char", "letters"), ("word", "words"), ("bpe", "word pieces")])
def test_what_is_read_has_its_own_name(unit, word):
    assert all(word in sentence_of(kind, data | {"unit": unit}) for kind, data in DATA.items())


def test_several_runs_are_compared_in_one_sentence():
    flat = RULER | {"is_flat": True, "knee": None}
    assert compared("memory_ruler", [("GRU", RULER), ("LSTM", RULER | {"knee": 16}), ("RNN", flat)]) == (
        "To predict as well as with the whole song, to within 2 %, LSTM needs the last 16 words, GRU needs the last "
        "8 words and RNN is flat."
    )
    none = RECALL | {"recall": 0.01, "error": 0.02, "is_evident": False}
    assert compared("chorus_recall", [("RNN", none), ("LSTM", RECALL)]) == (
        "What having read a stanza before saves, in nats per word: LSTM 0.42 ± 0.05; none that chance would not make "
        "for RNN."
    )
    assert compared("chorus_recall", [("RNN", none), ("GRU", none)]) == (
        "Neither RNN nor GRU has recall that chance would not make."
    )
    assert compared("gradient_reach", [("RNN", REACH | {"reach": 9}), ("LSTM", REACH | {"reach": None})]) == (
        "Until less than a hundredth of the gradient is left: LSTM more than 32 words and RNN 9 words back."
    )
