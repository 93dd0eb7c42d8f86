"""The numpy networks against torch's own cells."""

import numpy as np
import pytest
import torch

from generator.decoding.network import StepNetwork
from tests.generator.tiny_models import tiny_shape, tiny_tensors
from training.language_model.networks import LyricNetwork
from training.language_model.shapes import CELL_KINDS

TORCH_CELLS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
VOCABULARY = 23
CELLS = pytest.mark.parametrize("architecture", [*CELL_KINDS])


def tokens(count=20):
    return list(np.random.default_rng(1).integers(0, VOCABULARY, count))


def step_logits(network: StepNetwork) -> np.ndarray:
    """The scores after each of the tokens, read one by one."""
    memory, scores = network.first_memory(1), []
    for token in tokens():
        (row,), memory = network.step(np.array([token]), memory)
        scores.append(row)
    return np.array(scores)


def trained_logits(tensors, shape, tokens) -> torch.Tensor:
    """The scores after each token, by the network in training over the whole sequence."""
    network = LyricNetwork(shape).eval()
    network.load_named_tensors({name: torch.from_numpy(tensor) for name, tensor in tensors.items()})
    with torch.no_grad():
        return network(torch.tensor(tokens)[:, None])[0][:, 0]


def assert_steps_give_what_training_computes(shape, spread=0.3):
    tensors = tiny_tensors(shape, spread=spread)
    stepped = step_logits(StepNetwork.from_tensors(tensors, shape))
    np.testing.assert_allclose(stepped, trained_logits(tensors, shape, tokens()), atol=3e-5, rtol=1e-4)


@CELLS
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("tied", "embedding"), [(False, 12), (True, 12), (True, 17)])
@pytest.mark.parametrize("residual", [False, True])
def test_a_step_gives_what_the_network_in_training_gives_for_the_sequence(
    architecture, layers, tied, embedding, residual
):
    sizes = {"embedding": embedding, "hidden": 17, "layers": layers}
    assert_steps_give_what_training_computes(
        tiny_shape(architecture, VOCABULARY, **sizes, tied=tied, residual=residual)
    )


@pytest.mark.parametrize("residual", [False, True])
def test_a_relu_steps_as_it_was_trained(residual):
    shape = tiny_shape("rnn", VOCABULARY, layers=2, nonlinearity="relu", residual=residual)
    assert_steps_give_what_training_computes(shape, spread=0.2)


@pytest.mark.parametrize("architecture", [*TORCH_CELLS])
def test_torchs_own_stacked_cell_gives_the_same_as_ours(architecture):
    shape = tiny_shape(architecture, VOCABULARY, layers=2)
    tensors = tiny_tensors(shape, spread=0.3)
    weights = {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}
    stacked = TORCH_CELLS[architecture](12, 16, 2)
    stacked.load_state_dict({name.removeprefix("recurrent."): w for name, w in weights.items() if "recurrent" in name})
    with torch.no_grad():
        output, _ = stacked(weights["embedding.weight"][torch.tensor(tokens())])
        logits = output @ weights["decoder.weight"].T + weights["decoder.bias"]
    np.testing.assert_allclose(step_logits(StepNetwork.from_tensors(tensors, shape)), logits, atol=2e-5)


@CELLS
def test_an_unfolded_embedding_gives_the_same(architecture, monkeypatch):
    shape = tiny_shape(architecture, VOCABULARY, layers=2)
    tensors = tiny_tensors(shape)
    folded = StepNetwork.from_tensors(tensors, shape)
    monkeypatch.setattr("generator.decoding.network.FOLDED_TABLE_LIMIT_BYTES", 0)
    plain = StepNetwork.from_tensors(tensors, shape)
    assert (folded.table is None, plain.table is None) == (False, True)
    np.testing.assert_allclose(step_logits(plain), step_logits(folded), atol=1e-5, rtol=1e-4)


@CELLS
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_scores_stay_numbers_with_the_largest_weights_that_are_read(architecture, nonlinearity):
    nonlinearity = nonlinearity if architecture == "rnn" else "tanh"
    shape = tiny_shape(
        architecture, VOCABULARY, hidden=12, layers=4, tied=True, residual=True, nonlinearity=nonlinearity
    )
    tensors = {name: np.sign(tensor) * np.float32(999_999) for name, tensor in tiny_tensors(shape).items()}
    assert np.isfinite(step_logits(StepNetwork.from_tensors(tensors, shape))).all()


@CELLS
@pytest.mark.parametrize("hidden", [16, 33, 250])
def test_a_row_is_the_same_to_the_last_bit_alone_and_among_others(architecture, hidden):
    shape = tiny_shape(architecture, VOCABULARY, hidden=hidden, layers=2, tied=True, residual=True)
    network = StepNetwork.from_tensors(tiny_tensors(shape, spread=0.2), shape)
    numbers = np.random.default_rng(2)
    together = network.first_memory(7)
    alone = [network.first_memory(1) for _ in range(7)]
    for _ in range(12):
        tokens = numbers.integers(0, VOCABULARY, 7)
        scores, together = network.step(tokens, together)
        for row in range(7):
            (own,), alone[row] = network.step(tokens[row : row + 1], alone[row])
            assert np.array_equal(scores[row], own)


@pytest.mark.parametrize("spoil", ["missing", "surplus", "shape", "type", "nan", "huge"])
def test_tensors_that_make_no_network_are_named(spoil):
    shape = tiny_shape("gru", VOCABULARY)
    tensors = tiny_tensors(shape)
    name = "recurrent.weight_hh_l0"
    if spoil == "missing":
        del tensors[name]
    elif spoil == "surplus":
        tensors[name := "decoder.extra"] = np.zeros(1, np.float32)
    elif spoil == "shape":
        tensors[name] = tensors[name][:-1]
    elif spoil == "type":
        tensors[name] = tensors[name].astype(np.float64)
    else:
        tensors[name][0, 0] = np.nan if spoil == "nan" else 1e30
    with pytest.raises(ValueError, match=name):
        StepNetwork.from_tensors(tensors, shape)
