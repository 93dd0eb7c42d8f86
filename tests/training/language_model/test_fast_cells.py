import pytest
import torch
from torch import nn

from tests.training.language_model.songs import make_config, make_songs
from training.language_model import fast_cells
from training.language_model.corpus import build_corpus
from training.language_model.learner import Learner

T, B, E, H = 9, 5, 12, 16
KINDS = pytest.mark.parametrize(
    ("kind", "values"), [(nn.RNN, {}), (nn.RNN, {"nonlinearity": "relu"}), (nn.GRU, {})], ids=["tanh", "relu", "gru"]
)
NEEDS_BFLOAT16 = pytest.mark.skipif(
    not torch.cpu._is_avx512_bf16_supported() and not torch.cpu._is_amx_tile_supported(),
    reason="this processor has no bfloat16",
)


def make_cell(kind, values):
    torch.manual_seed(3)
    return kind(E, H, **values), torch.randn(T, B, E).requires_grad_(), (0.5 * torch.randn(1, B, H)).requires_grad_()


def outcome(run, cell, inputs, state):
    """Outputs, last state, and the gradients of inputs, state and weights."""
    outputs, last = run(inputs, state)
    loss = (outputs.float() * torch.linspace(-1, 1, H)).sum() + last.float().sum()
    return outputs.float(), last.float(), *torch.autograd.grad(loss, [inputs, state, *cell.parameters()])


@KINDS
def test_states_and_gradients_are_those_of_torch(kind, values):
    cell, inputs, state = make_cell(kind, values)
    wanted = outcome(cell, cell, inputs, state)
    with torch.autocast("cpu", torch.bfloat16):
        assert fast_cells.is_quicker(cell, inputs)
        found = outcome(lambda *given: fast_cells.run(cell, *given), cell, inputs, state)
    for own, its in zip(found, wanted, strict=True):
        assert own.shape == its.shape
        assert own.dtype == its.dtype
        assert float(((own - its).norm() / its.norm()).detach()) < 0.03


@KINDS
def test_without_a_state_it_begins_with_nothing(kind, values):
    cell, inputs, _ = make_cell(kind, values)
    with torch.autocast("cpu", torch.bfloat16):
        alone, _ = fast_cells.run(cell, inputs, None)
        from_zero, _ = fast_cells.run(cell, inputs, torch.zeros(1, B, H))
    assert torch.equal(alone, from_zero)


@KINDS
def test_in_two_pieces_it_goes_on_where_it_was(kind, values):
    cell, inputs, state = make_cell(kind, values)
    with torch.autocast("cpu", torch.bfloat16):
        whole, _ = fast_cells.run(cell, inputs, state)
        first, between = fast_cells.run(cell, inputs[:4], state)
        second, _ = fast_cells.run(cell, inputs[4:], between)
    assert torch.equal(whole[:4], first)
    torch.testing.assert_close(whole[4:], second, rtol=0.05, atol=0.02)


def test_anything_else_is_left_to_torch():
    cell, inputs, _ = make_cell(nn.GRU, {})
    assert not fast_cells.is_quicker(cell, inputs)
    with torch.autocast("cpu", torch.bfloat16):
        assert not fast_cells.is_quicker(nn.LSTM(E, H), inputs)
        assert not fast_cells.is_quicker(nn.GRU(E, H, num_layers=2), inputs)
        with torch.no_grad():
            assert not fast_cells.is_quicker(cell, inputs)


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_what_is_computed_in_bfloat16_alone_is_what_torch_computes(kind):
    """The way of a graphics processor, which is taken there alone."""
    cell, inputs, state = make_cell(kind, {})
    state = (state, state.tanh()) if kind is nn.LSTM else state
    with torch.autocast("cpu", torch.bfloat16):
        assert not fast_cells.would_be_half(cell, inputs)
    wanted, its_memory = cell(inputs, state)
    found, memory = fast_cells.in_bfloat16(cell, inputs, state)
    assert found.dtype == torch.bfloat16
    assert type(memory) is type(its_memory)
    torch.testing.assert_close(found.float(), wanted, rtol=0.05, atol=0.02)
    own, its = (torch.autograd.grad(one.float().sum(), [inputs, *cell.parameters()]) for one in (found, wanted))
    for gradient, its_gradient in zip(own, its, strict=True):
        assert gradient.dtype == torch.float32
        assert float((gradient - its_gradient).norm() / its_gradient.norm()) < 0.03
    alone, _ = fast_cells.in_bfloat16(cell, inputs, None)
    torch.testing.assert_close(alone.float(), cell(inputs)[0], rtol=0.05, atol=0.02)


@NEEDS_BFLOAT16
@pytest.mark.parametrize("architecture", ["rnn", "gru", "lstm"])
def test_a_network_learns_in_bfloat16_as_in_float32(architecture):
    config = make_config(architecture=architecture, steps=30, num_layers=2, dropout=0)
    corpus = build_corpus(make_songs(), config)
    losses = {}
    for precision in ("float32", "bfloat16"):
        learner = Learner(corpus, config, torch.device("cpu"))
        for _ in range(30):
            losses[precision], _ = learner.learn(learning_rate=0.01, precision=precision)
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.05)
