import pytest
import torch

from tests.training.language_model.songs import make_config, make_songs
from training.language_model.corpus import build_corpus
from training.language_model.networks import LyricNetwork, NetworkShape
from training.language_model.sampling import next_token_probabilities, sample_tokens, top_k, top_p

LOGITS = torch.tensor([0.5, 2.0, -1.0, 1.0, 0.0])


def writer(seed=2):
    config = make_config()
    corpus = build_corpus(make_songs(), config)
    shape = NetworkShape.of(config, corpus.tokenizer.vocabulary_size)
    return LyricNetwork(shape, generator=torch.Generator().manual_seed(seed)), corpus.tokenizer


def write(network, tokenizer, prompt="", seed=0, **values):
    generator = torch.Generator().manual_seed(seed)
    ids = tokenizer.encode_prompt(prompt)
    return list(sample_tokens(network, tokenizer, ids, max_tokens=30, generator=generator, **values))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_probabilities_are_the_softmax_of_the_allowed_scores(temperature):
    given = next_token_probabilities(LOGITS, temperature=temperature, forbidden=(1,))
    weights = (LOGITS.double() / temperature).exp()
    weights[1] = 0
    torch.testing.assert_close(given, weights / weights.sum())


def test_temperature_zero_takes_the_best_allowed_token():
    assert next_token_probabilities(LOGITS, temperature=0, forbidden=(1,)).tolist() == [0, 0, 0, 1, 0]


def test_top_k_keeps_the_best_and_never_more_than_there_are():
    assert top_k(LOGITS, 2).isfinite().tolist() == [False, True, False, True, False]
    assert top_k(LOGITS, 99).isfinite().all()
    with pytest.raises(ValueError, match="at least one"):
        top_k(LOGITS, 0)


def test_top_p_keeps_the_fewest_that_reach_the_share():
    probabilities = torch.tensor([0.1, 0.5, 0.3, 0.1])
    assert top_p(probabilities.log(), 0.5).isfinite().tolist() == [False, True, False, False]
    assert top_p(probabilities.log(), 0.51).isfinite().tolist() == [False, True, True, False]
    assert top_p(probabilities.log(), 1e-9).isfinite().tolist() == [False, True, False, False]
    assert top_p(probabilities.log(), 1.0).isfinite().all()
    with pytest.raises(ValueError, match="above 0"):
        top_p(probabilities, 0)


def test_tokens_come_as_often_as_their_probability_says():
    network, tokenizer = writer()
    with torch.no_grad():
        network.decoder_bias.copy_(torch.randn(tokenizer.vocabulary_size, generator=torch.Generator().manual_seed(4)))
        logits, _ = network.eval()(torch.tensor([[tokenizer.begin_id]]))
    expected = next_token_probabilities(
        logits[0, 0], temperature=0.7, k=6, p=0.9, forbidden=tokenizer.never_generated_ids
    )
    generator = torch.Generator().manual_seed(11)
    counts = torch.zeros(tokenizer.vocabulary_size)
    for _ in range(1500):
        options = {"temperature": 0.7, "k": 6, "p": 0.9, "generator": generator}
        written = list(sample_tokens(network, tokenizer, [], max_tokens=1, **options))
        counts[written[0] if written else tokenizer.end_id] += 1
    # Four standard deviations of a binomial share of 1,500 draws are below 0.052.
    assert (counts / counts.sum() - expected).abs().max() < 0.052
    assert (counts[expected == 0] == 0).all()


def test_unknown_and_begin_are_never_written_and_end_ends():
    network, tokenizer = writer()
    with torch.no_grad():
        network.decoder_bias[list(tokenizer.never_generated_ids)] = 50.0
    written = write(network, tokenizer, temperature=2.0)
    assert not set(written) & {*tokenizer.never_generated_ids, tokenizer.end_id}
    with torch.no_grad():
        network.decoder_bias[tokenizer.end_id] = 1000.0
    assert write(network, tokenizer) == []


def test_the_same_seed_writes_the_same_and_another_seed_something_else():
    network, tokenizer = writer()
    assert write(network, tokenizer, seed=1) == write(network, tokenizer, seed=1)
    assert write(network, tokenizer, seed=1) != write(network, tokenizer, seed=2)


def test_greedy_writing_follows_the_best_token_after_begin_and_prompt():
    network, tokenizer = writer()
    prompt = tokenizer.encode_prompt("I went down")
    written = write(network, tokenizer, "I went down", temperature=0)
    sequence = torch.tensor([tokenizer.begin_id, *prompt, *written])
    with torch.no_grad():
        logits, _ = network.eval()(sequence[:, None])
    logits[:, :, list(tokenizer.never_generated_ids)] = -torch.inf
    assert logits[len(prompt) : -1, 0].argmax(-1).tolist() == written
