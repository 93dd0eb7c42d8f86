import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from tests.training.language_model.songs import make_config, make_songs
from training.language_model import losses
from training.language_model.corpus import build_corpus
from training.language_model.learner import Learner
from training.language_model.losses import NegativeSampler, Scratch, StepLoss, cross_entropy, sampled_cross_entropy

V, E = 300, 8


def make_problem(rows=20, seed=0, vocabulary=V):
    generator = torch.Generator().manual_seed(seed)
    shapes = ((rows, E), (vocabulary, E), (vocabulary,))
    parts = [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]
    return *parts, torch.randint(vocabulary, (rows,), generator=generator)


def gradients(loss, parts):
    return torch.autograd.grad(loss, parts)


def negatives(count, *, counts=None, seed=0):
    counts = 1000 / torch.arange(1, V + 1) if counts is None else counts
    return NegativeSampler(counts, count, torch.Generator().manual_seed(seed))


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 30), rows_at_once=st.integers(1, 31), seed=st.integers(0, 99))
def test_loss_and_gradients_are_those_of_torch_however_the_rows_are_cut(rows, rows_at_once, seed):
    *parts, targets = make_problem(rows, seed)
    features, table, bias = parts
    wanted = functional.cross_entropy(functional.linear(features, table, bias), targets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(losses, "CHUNK_BYTES", rows_at_once * V * 4)
        loss = cross_entropy(features, table, bias, targets)
    torch.testing.assert_close(loss, wanted, rtol=1e-5, atol=1e-6)
    for own, its in zip(gradients(loss, parts), gradients(wanted, parts), strict=True):
        torch.testing.assert_close(own, its, rtol=1e-4, atol=1e-6)


def test_in_bfloat16_loss_and_gradients_are_near_those_of_torch():
    *parts, targets = make_problem(rows=64)
    features, table, bias = parts
    wanted = functional.cross_entropy(functional.linear(features, table, bias), targets)
    loss = cross_entropy(features, table, bias, targets, precision="bfloat16")
    assert float((loss - wanted).detach()) == pytest.approx(0, abs=0.02)
    for own, its in zip(gradients(loss, parts), gradients(wanted, parts), strict=True):
        assert own.dtype == its.dtype
        assert float((own - its).norm() / its.norm()) < 0.02


@pytest.mark.parametrize("rows_at_once", [3, 100])
def test_targets_that_do_not_count_are_as_if_they_were_not_there(rows_at_once, monkeypatch):
    monkeypatch.setattr(losses, "CHUNK_BYTES", rows_at_once * V * 4)
    *parts, targets = make_problem()
    counted = torch.arange(len(targets)) % 3 > 0
    wanted = cross_entropy(parts[0][counted], *parts[1:], targets[counted])
    loss = cross_entropy(*parts, targets, counted=counted)
    torch.testing.assert_close(loss, wanted)
    for own, its in zip(gradients(loss, parts), gradients(wanted, parts), strict=True):
        torch.testing.assert_close(own, its)
    assert float(cross_entropy(*parts, targets, counted=torch.zeros_like(counted)).detach()) == 0


def test_the_gradient_of_a_weighted_loss_is_weighted():
    *parts, targets = make_problem()
    once, thrice = (gradients(weight * cross_entropy(*parts, targets), parts) for weight in (1, 3))
    for one, three in zip(once, thrice, strict=True):
        torch.testing.assert_close(3 * one, three)


def test_no_more_logits_than_a_chunk_are_ever_alive(monkeypatch):
    monkeypatch.setattr(losses, "CHUNK_BYTES", 5 * V * 4)
    *parts, targets = make_problem(rows=50)
    scratch = Scratch()
    cross_entropy(*parts, targets, scratch=scratch)
    first = scratch.take(5, V, like=parts[0]).data_ptr()
    cross_entropy(*parts, targets, scratch=scratch)
    assert scratch.take(5, V, like=parts[0]).data_ptr() == first
    assert scratch._memory.numel() == 5 * V


def test_words_are_drawn_as_often_as_their_chance_says():
    sampler = negatives(60)
    target = torch.tensor([V - 1])
    seen = torch.zeros(V)
    for _ in range(3000):
        seen[sampler.draw(target).ids] += 1
    shares, chances = (seen / 3000)[:-1], sampler.chances[:-1].float()
    assert float((shares - chances).abs().max()) < 0.04  # four standard errors
    assert float(sampler.chances.sum()) == pytest.approx(60, abs=1.5)


def test_the_sum_over_drawn_words_is_on_average_the_sum_over_all():
    sampler = negatives(60)
    *parts, targets = make_problem(rows=12)
    logits = 0.3 * functional.linear(*parts).detach()
    estimates = []
    for _ in range(3000):
        drawn = sampler.draw(targets)
        estimates.append((logits[:, drawn.ids] + drawn.log_weights).exp().sum(1))
    ratio = torch.stack(estimates).mean(0) / logits.exp().sum(1)
    assert float((ratio - 1).abs().max()) < 0.02


def test_with_every_word_drawn_the_sampled_loss_is_the_full_one():
    counts = torch.ones(V)
    *parts, targets = make_problem()
    loss = sampled_cross_entropy(*parts, targets, negatives(V, counts=counts))
    torch.testing.assert_close(loss, cross_entropy(*parts, targets), rtol=1e-5, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 200), power=st.floats(0, 3), seed=st.integers(0, 99))
def test_each_draw_holds_every_target_and_no_word_twice(count, power, seed):
    sampler = negatives(count, counts=1e6 * torch.arange(1, V + 1.0) ** -power, seed=seed)
    targets = torch.randint(V, (15,), generator=torch.Generator().manual_seed(seed))
    drawn = sampler.draw(targets)
    assert torch.equal(drawn.ids[drawn.targets], targets)
    assert torch.equal(drawn.ids, drawn.ids.unique())
    assert len(drawn.ids) <= count + 1 + len(targets.unique())
    assert float(drawn.log_weights.min()) >= 0


def test_a_word_that_no_song_holds_is_never_drawn():
    counts = torch.ones(V)
    counts[7] = 0
    sampler = negatives(250, counts=counts)
    assert all(7 not in sampler.draw(torch.tensor([3])).ids for _ in range(20))


def test_the_same_seed_draws_the_same_words():
    target = torch.tensor([5])
    one, same, other = (negatives(40, seed=seed).draw(target).ids for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert one.tolist() != other.tolist()


def make_loss(vocabulary_size, **values):
    config = make_config(**{"steps": 100} | values)
    return StepLoss(config, torch.ones(vocabulary_size), ignored_id=1, generator=torch.Generator())


@pytest.mark.parametrize(
    ("vocabulary_size", "values", "sampled_steps"),
    [
        (9000, {}, 90),
        (7000, {}, 0),
        (7000, {"loss": "sampled"}, 90),
        (9000, {"loss": "full"}, 0),
        (9000, {"full_softmax_share": 0.5}, 50),
        (9000, {"full_softmax_share": 1}, 0),
        (9000, {"full_softmax_share": 0}, 100),
        (900, {"loss": "sampled"}, 0),
    ],
)
def test_large_vocabularies_are_sampled_until_the_last_share_of_the_steps(vocabulary_size, values, sampled_steps):
    loss = make_loss(vocabulary_size, **values)
    assert [loss.is_sampled(step) for step in range(100)] == [True] * sampled_steps + [False] * (100 - sampled_steps)
    assert loss.shares().get(True, 0) == pytest.approx(sampled_steps / 100)


def test_targets_that_are_no_news_are_left_out():
    *parts, targets = make_problem()
    targets[::3] = 1
    wanted = functional.cross_entropy(functional.linear(*parts), targets, ignore_index=1)
    loss = make_loss(V)(*parts, targets, sampled=False, precision="float32")
    torch.testing.assert_close(loss, wanted)
    all_ignored = make_loss(V)(*parts, torch.ones_like(targets), sampled=False, precision="float32")
    assert float(all_ignored.detach()) == 0


@pytest.mark.parametrize("tie_embeddings", [True, False])
@pytest.mark.parametrize("loss", ["full", "sampled"])
def test_the_gradient_reaches_every_weight(loss, tie_embeddings):
    config = make_config(loss=loss, sampled_negatives=16, tie_embeddings=tie_embeddings, steps=10)
    learner = Learner(build_corpus(make_songs(), config), config, torch.device("cpu"))
    assert learner.loss.is_sampled(0) == (loss == "sampled")
    learner.learn(learning_rate=0.01, precision="float32")
    assert all(weight.grad.abs().sum() > 0 for weight in learner.network.parameters())


def test_learning_from_drawn_words_lowers_the_full_loss():
    config = make_config(loss="sampled", sampled_negatives=16, steps=60, full_softmax_share=0, learning_rate=0.02)
    learner = Learner(build_corpus(make_songs(), config), config, torch.device("cpu"))
    first, _ = learner.learn(learning_rate=0.0, precision="float32", sampled=False)
    for _ in range(40):
        learner.learn(learning_rate=0.02, precision="float32")
    last, _ = learner.learn(learning_rate=0.0, precision="float32", sampled=False)
    assert last < 0.6 * first
