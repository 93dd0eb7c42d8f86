import math

import pytest
import torch

from tests.training.language_model.songs import make_config, make_songs
from training.language_model.corpus import build_corpus
from training.language_model.evaluation import count_pieces, evaluate, evaluate_counts, finish
from training.language_model.networks import LyricNetwork, NetworkShape
from training.language_model.ngram import KneserNey


def corpus_and_network(architecture="lstm", **values):
    config = make_config(architecture=architecture, **values)
    corpus = build_corpus(make_songs(), config)
    shape = NetworkShape.of(config, corpus.tokenizer.vocabulary_size)
    return corpus, LyricNetwork(shape, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("tokenizer", ["char", "word"])
def test_a_uniform_model_costs_the_log_of_its_vocabulary_for_each_token_and_per_character_accordingly(tokenizer):
    corpus, network = corpus_and_network(tokenizer=tokenizer)
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
    result = finish(evaluate(network, corpus.validation))
    size = corpus.tokenizer.vocabulary_size
    assert result.nats_per_token == pytest.approx(math.log(size))
    assert result.perplexity == pytest.approx(size, rel=1e-5)
    held_out = corpus.validation
    nats = held_out.tokens * math.log(size) + held_out.spelling_nats
    assert result.nats_per_character == pytest.approx(nats / held_out.characters)
    assert result.bits_per_character == pytest.approx(result.nats_per_character / math.log(2))


@pytest.mark.parametrize("architecture", ["rnn", "lstm", "gru"])
def test_songs_side_by_side_score_as_each_song_alone(architecture):
    corpus, network = corpus_and_network(architecture)
    result = finish(evaluate(network, corpus.validation))
    alone = 0.0
    network.eval()
    for song in corpus.validation.songs:
        with torch.no_grad():
            logits, _ = network(song[:-1, None])
        alone -= float(logits[:, 0].log_softmax(-1).gather(1, song[1:, None]).sum())
    assert result.nats == pytest.approx(alone, rel=1e-5)
    assert result.tokens == corpus.validation.tokens


@pytest.mark.parametrize("condition_on", ["", "genre"])
def test_counts_are_judged_by_the_tokens_that_judge_a_network(condition_on):
    corpus, network = corpus_and_network(condition_on=condition_on)
    counted = evaluate_counts(KneserNey(vocabulary_size=corpus.tokenizer.vocabulary_size), corpus.validation)
    judged = finish(evaluate(network, corpus.validation))
    assert (counted.tokens, counted.characters) == (judged.tokens, judged.characters)
    assert counted.nats_per_token == pytest.approx(math.log(corpus.tokenizer.vocabulary_size))
    assert counted.spelling_nats == judged.spelling_nats == corpus.validation.spelling_nats


def test_judging_tells_how_far_it_is():
    corpus, network = corpus_and_network()
    shares = list(evaluate(network, corpus.validation))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) == count_pieces(corpus.validation)
