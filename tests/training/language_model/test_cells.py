import pytest
import torch

from training.language_model.cells import ScanCell, build_cell, start_weights
from training.language_model.shapes import CELL_KINDS, NetworkShape

SCANNED = pytest.mark.parametrize("architecture", [name for name, kind in CELL_KINDS.items() if not kind.reads_memory])
SIZES = pytest.mark.parametrize("embedding_size", [6, 8])


def build(architecture, embedding_size=6, *, forget_bias=1.0, spread=0.5):
    shape = NetworkShape(
        architecture=architecture,
        vocabulary_size=9,
        embedding_size=embedding_size,
        hidden_size=8,
        num_layers=1,
        tie_embeddings=True,
    )
    generator = torch.Generator().manual_seed(4)
    cell = build_cell(shape, 0)
    start_weights(cell, shape, forget_bias=forget_bias, generator=generator)
    with torch.no_grad():
        for weights in cell.parameters():
            weights.add_(torch.randn(weights.shape, generator=generator) * spread)
    return cell


def features(steps=30, size=6):
    return torch.randn(steps, 3, size, generator=torch.Generator().manual_seed(2))


@SCANNED
@SIZES
def test_reading_all_at_once_is_reading_step_by_step(architecture, embedding_size):
    cell, whole = build(architecture, embedding_size), features(size=embedding_size)
    at_once, last = cell(whole)
    state, stepped = None, []
    for step in whole.split(1):
        given, state = cell(step, state)
        stepped.append(given)
    torch.testing.assert_close(torch.cat(stepped), at_once)
    torch.testing.assert_close(state, last)


@SCANNED
def test_gradients_equal_numerical_ones_through_the_carried_state_too(architecture):
    cell = build(architecture).double()
    state = torch.randn(1, 3, 8, dtype=torch.float64, requires_grad=True)
    read = features(4).double().requires_grad_()
    assert torch.autograd.gradcheck(cell, (read, state))


def test_a_mingru_keeps_or_takes_over():
    cell = build("mingru", spread=0)
    with torch.no_grad():
        cell.weight_ih_l0.zero_()
        cell.bias_ih_l0[8:] = 3.0  # the candidate
        memory = torch.full((1, 3, 8), 5.0)
        for openness, expected in ((50.0, 5.0), (0.0, 4.0), (-50.0, 3.0)):
            cell.bias_ih_l0[:8] = openness
            torch.testing.assert_close(cell(features(1), memory)[1], torch.full((1, 3, 8), expected))


def test_the_gates_of_a_minlstm_share_even_where_both_are_shut():
    cell = build("minlstm", spread=0)
    with torch.no_grad():
        cell.weight_ih_l0.zero_()
        cell.bias_ih_l0.view(3, 8)[:] = torch.tensor([-300.0, -300.0, 1.0])[:, None]
        memory = cell(features(1), torch.full((1, 3, 8), 2.0))[1]
    torch.testing.assert_close(memory, torch.full((1, 3, 8), 1.5))


def test_an_sru_lets_its_input_past_the_memory():
    cell, read = build("sru", 8, spread=0), features(5, 8)
    with torch.no_grad():
        cell.weight_ih_l0.zero_()
        cell.bias_ih_l0.view(3, 8)[1] = -50.0  # the output gate
    torch.testing.assert_close(cell(read)[0], read)


@SCANNED
def test_the_memory_stays_exact_where_products_are_rounded(architecture):
    cell = build(architecture)
    with torch.autocast("cpu", torch.bfloat16):
        given, state = cell(features())
    assert (given.dtype, state.dtype) == (torch.float32, torch.float32)
    torch.testing.assert_close(given, cell(features())[0], atol=0.1, rtol=0.1)


@pytest.mark.parametrize("architecture", [name for name, kind in CELL_KINDS.items() if "keep" in kind.gates])
def test_the_gate_that_keeps_begins_as_far_open_as_asked_for(architecture):
    biases = build(architecture, 8, forget_bias=-2.5, spread=0).bias_ih_l0.view(-1, 8)
    kept = CELL_KINDS[architecture].gates.index("keep")
    assert biases[kept].eq(-2.5).all()
    assert biases.eq(0).sum() == biases.numel() - 8


@SCANNED
def test_an_open_gate_remembers_and_a_shut_one_forgets(architecture):
    def trace(forget_bias):
        """How much the output at the end depends on what was read first."""
        read = features().requires_grad_()
        build(architecture, forget_bias=forget_bias, spread=0)(read)[0][-1].sum().backward()
        return read.grad[0].abs().sum()

    assert trace(4.0) > 10 * trace(-1.0)


def test_a_cell_that_scans_has_no_weights_for_its_memory():
    names = {name for name, _ in build("sru").named_parameters()}
    assert names == {"weight_ih_l0", "bias_ih_l0"}
    assert isinstance(build("sru"), ScanCell)
