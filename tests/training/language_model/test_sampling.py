import pytest
import torch

from tests.training.language_model.songs import make_config, make_songs
from training.language_model.corpus import build_corpus
from training.language_model.networks import LyricNetwork, NetworkShape
from training.language_model.sampling import (
    CAP,
    SamplingValues,
    forbidden_tokens,
    holds_any,
    min_p,
    next_token_probabilities,
    penalised,
    sample_tokens,
    top_k,
    top_p,
    typical_p,
)

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
    given = next_token_probabilities(LOGITS, SamplingValues(temperature=temperature), forbidden=(1,))
    weights = (LOGITS.double() / temperature).exp()
    weights[1] = 0
    torch.testing.assert_close(given, weights / weights.sum())


def test_temperature_zero_takes_the_best_allowed_token():
    assert next_token_probabilities(LOGITS, SamplingValues(temperature=0), forbidden=(1,)).tolist() == [0, 0, 0, 1, 0]


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


def test_of_equal_scores_the_lower_ids_are_kept():
    assert top_k(torch.tensor([1.0, 2.0, 1.0, 1.0]), 2).isfinite().tolist() == [True, True, False, False]
    assert next_token_probabilities(torch.zeros(500)).count_nonzero() == CAP


def test_min_p_keeps_what_is_likely_beside_the_best():
    probabilities = torch.tensor([0.1, 0.5, 0.3, 0.1])
    assert min_p(probabilities.log(), 0.3).isfinite().tolist() == [False, True, True, False]
    assert min_p(probabilities.log(), 0).isfinite().all()
    with pytest.raises(ValueError, match="from 0 to 1"):
        min_p(probabilities, 1.1)


def test_typical_p_keeps_what_surprises_as_much_as_expected():
    probabilities = torch.tensor([0.6, 0.2, 0.1, 0.1])  # expected surprise 1.09; of the tokens 0.51, 1.61, 2.30, 2.30
    assert typical_p(probabilities.log(), 0.1).isfinite().tolist() == [False, True, False, False]
    assert typical_p(probabilities.log(), 0.5).isfinite().tolist() == [True, True, False, False]
    assert typical_p(probabilities.log(), 1.0).isfinite().all()
    assert typical_p(torch.tensor([0.0, -torch.inf]), 0.5).isfinite().tolist() == [True, False]
    with pytest.raises(ValueError, match="above 0"):
        typical_p(probabilities, 0)


def test_the_penalty_divides_positive_scores_and_multiplies_negative_ones():
    assert penalised(LOGITS, [1, 2, 2], 2.0).tolist() == [0.5, 1.0, -2.0, 1.0, 0.0]


def test_the_penalty_comes_before_the_likeliest_are_chosen():
    values = SamplingValues(repetition_penalty=4.0, top_k=1)
    assert next_token_probabilities(LOGITS, values, seen=[1]).argmax() == 3


TOKENIZER = build_corpus(make_songs(), make_config(tokenizer="word")).tokenizer


def ids(text):
    return TOKENIZER.encode(text)


def test_the_last_token_of_a_phrase_that_was_there_is_forbidden():
    always = {*TOKENIZER.never_generated_ids}
    read = ids("the river was the")
    assert forbidden_tokens(TOKENIZER, read, [], SamplingValues(no_repeat_ngram=2)) == always | {*ids("river")}
    assert forbidden_tokens(TOKENIZER, read, [], SamplingValues(no_repeat_ngram=3)) == always
    assert forbidden_tokens(TOKENIZER, read, [], SamplingValues(no_repeat_ngram=1)) == always | {
        token for token in read if token >= TOKENIZER.mark_count
    }


def test_the_end_is_forbidden_before_so_many_lines_with_words():
    values = SamplingValues(min_lines=2)
    for text, may_end in (("the river", False), ("the river\n\nlight", True)):
        assert (TOKENIZER.end_id not in forbidden_tokens(TOKENIZER, ids("oh\noh"), ids(text), values)) == may_end


def test_a_token_that_completes_a_banned_word_or_phrase_is_forbidden():
    values = SamplingValues(banned=("LIGHT", "the river"))
    forbidden = forbidden_tokens(TOKENIZER, ids("I went down to"), ids("the"), values)
    assert {*ids("light"), *ids("river")} <= forbidden
    assert not {*ids("river")} & forbidden_tokens(TOKENIZER, ids("I went down to"), ids("a"), values)


def test_where_everything_is_forbidden_the_end_is_not():
    values = SamplingValues(banned=tuple(TOKENIZER.tokens[TOKENIZER.mark_count :]), min_lines=3, no_repeat_ngram=1)
    forbidden = forbidden_tokens(TOKENIZER, [], [], values)
    assert TOKENIZER.line_id not in forbidden  # a line may still end
    assert len(forbidden) < TOKENIZER.vocabulary_size


def test_a_word_is_held_where_it_is_whole_and_not_all_given():
    assert holds_any("My Home, oh", ["my home"])
    assert not holds_any("my homes", ["my home"])
    assert not holds_any("oh my home", ["my home"], beyond="oh my home")
    assert holds_any("oh my home", ["my home"], beyond="oh my hom")


def test_writing_follows_all_that_is_asked():
    network, tokenizer = writer()
    asked = {"banned": ("the", "a", "e"), "no_repeat_ngram": 3, "min_lines": 2, "repetition_penalty": 1.2}
    written = write(network, tokenizer, "the river", **asked)
    assert not holds_any(tokenizer.decode(written), asked["banned"])


def test_tokens_come_as_often_as_their_probability_says():
    network, tokenizer = writer()
    with torch.no_grad():
        network.decoder_bias.copy_(torch.randn(tokenizer.vocabulary_size, generator=torch.Generator().manual_seed(4)))
        logits, _ = network.eval()(torch.tensor([[tokenizer.begin_id]]))
    expected = next_token_probabilities(
        logits[0, 0], SamplingValues(temperature=0.7, top_k=6, top_p=0.9), forbidden=tokenizer.never_generated_ids
    )
    generator = torch.Generator().manual_seed(11)
    counts = torch.zeros(tokenizer.vocabulary_size)
    for _ in range(1500):
        options = {"temperature": 0.7, "top_k": 6, "top_p": 0.9, "generator": generator}
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
