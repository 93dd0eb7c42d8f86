"""The graphs on onnxruntime: against torch's own cells, and to the last bit against themselves."""

import numpy as np
import pytest
import torch

from tests.generator.tiny_models import tiny_shape, tiny_tensors
from training.language_model.shapes import CELL_KINDS
from training.language_model.step_graph import build_graph
from training.language_model.step_network import StepNetwork, rows_that_may_stand_together
from training.language_model.this_machine import this_machine

TORCH_CELLS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
VOCABULARY = 23
CELLS = pytest.mark.parametrize("architecture", [*CELL_KINDS])
TEXT = np.random.default_rng(1).integers(0, VOCABULARY, (24, 16))


def network_of(tensors, shape, **how) -> StepNetwork:
    return StepNetwork(build_graph(tensors, shape), shape, **how)


@pytest.mark.parametrize("architecture", [*TORCH_CELLS])
def test_torchs_own_stacked_cell_gives_the_same(architecture):
    shape = tiny_shape(architecture, VOCABULARY, layers=2)
    tensors = tiny_tensors(shape, spread=0.3)
    weights = {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}
    stacked = TORCH_CELLS[architecture](12, 16, 2)
    stacked.load_state_dict({name.removeprefix("recurrent."): w for name, w in weights.items() if "recurrent" in name})
    with torch.no_grad():
        output, _ = stacked(weights["embedding.weight"][torch.from_numpy(TEXT)])
        logits = output @ weights["decoder.weight"].T + weights["decoder.bias"]
    np.testing.assert_allclose(np.stack([*network_of(tensors, shape).read(TEXT)]), logits, atol=2e-5)


@CELLS
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_scores_stay_numbers_with_the_largest_weights_that_are_read(architecture, nonlinearity):
    nonlinearity = nonlinearity if architecture == "rnn" else "tanh"
    shape = tiny_shape(
        architecture, VOCABULARY, hidden=12, layers=4, tied=True, residual=True, nonlinearity=nonlinearity
    )
    tensors = {name: np.sign(tensor) * np.float32(999_999) for name, tensor in tiny_tensors(shape).items()}
    assert all(np.isfinite(scores).all() for scores in network_of(tensors, shape).read(TEXT))


@CELLS
@pytest.mark.parametrize("hidden", [16, 33, 250])
@pytest.mark.parametrize("rows_at_once", [None, 16, 4, 1])
def test_a_row_is_the_same_to_the_last_bit_alone_and_among_others(architecture, hidden, rows_at_once):
    shape = tiny_shape(architecture, VOCABULARY, hidden=hidden, layers=2, tied=True, residual=True)
    network = network_of(tiny_tensors(shape, spread=0.2), shape, rows_at_once=rows_at_once)
    together = np.stack([*network.read(TEXT[:12, :7])])
    for row in range(7):
        assert np.array_equal(np.stack([*network.read(TEXT[:12, row : row + 1])])[:, 0], together[:, row])


def test_rows_that_do_not_disturb_each_other_may_stand_in_any_batch():
    shape = tiny_shape("lstm", VOCABULARY)
    assert rows_that_may_stand_together(network_of(tiny_tensors(shape), shape), TEXT) is None


class Disturbed(StepNetwork):
    """As on a processor where a row's last bits depend on how many stand beside it, or on its place."""

    by_place = False

    def step(self, tokens, memory):
        scores, after = super().step(tokens, memory)
        places = np.arange(len(tokens))[:, None] if self.by_place else len(tokens)
        return scores + np.float32(1e-6) * places, after


@pytest.mark.parametrize(("by_place", "rows"), [(False, 16), (True, 1)])
def test_rows_that_disturb_each_other_stand_in_batches_of_one_size_or_alone(by_place, rows):
    shape = tiny_shape("lstm", VOCABULARY)
    network = Disturbed(build_graph(tiny_tensors(shape), shape), shape)
    network.by_place = by_place
    assert rows_that_may_stand_together(network, TEXT) == rows


def test_what_is_no_graph_or_that_of_another_network_is_refused():
    shape = tiny_shape("lstm", VOCABULARY)
    with pytest.raises(ValueError, match="can't read"):
        StepNetwork(b"no graph", shape)
    with pytest.raises(ValueError, match="not that of this network"):
        StepNetwork(build_graph(tiny_tensors(shape), shape), tiny_shape("gru", VOCABULARY))


def test_the_machine_says_what_a_text_may_depend_on():
    assert set(this_machine()) == {"processor", "onnxruntime", "numpy", "numba"}
    assert all(this_machine().values())
