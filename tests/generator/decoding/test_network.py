"""The numpy networks against torch's own cells."""

import numpy as np
import pytest
import torch

from generator.decoding.network import StepNetwork, expected_shapes
from tests.generator.tiny_models import tiny_tensors

TORCH_CELLS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
VOCABULARY = 23


def torch_logits(tensors, architecture, tokens, *, embedding, hidden, layers) -> np.ndarray:
    """The scores after each token, by torch's cell over the whole sequence."""
    weights = {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}
    cell = TORCH_CELLS[architecture](embedding, hidden, layers, batch_first=True)
    cell.load_state_dict({name.removeprefix("recurrent."): w for name, w in weights.items() if "recurrent" in name})
    with torch.no_grad():
        output, _ = cell(weights["embedding.weight"][torch.tensor([tokens])])
        if "projection.weight" in weights:
            output = output @ weights["projection.weight"].T + weights["projection.bias"]
        decoder = weights.get("decoder.weight", weights["embedding.weight"])
        return (output @ decoder.T + weights["decoder.bias"])[0].numpy()


def network_of(tensors, architecture, *, embedding, hidden, layers, tied):
    return StepNetwork.from_tensors(
        tensors,
        architecture=architecture,
        vocabulary_size=VOCABULARY,
        embedding_size=embedding,
        hidden_size=hidden,
        num_layers=layers,
        tie_embeddings=tied,
    )


@pytest.mark.parametrize("architecture", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("tied", "embedding"), [(False, 12), (True, 12), (True, 17)])
def test_a_step_gives_what_torch_gives_for_the_sequence(architecture, layers, tied, embedding):
    shape = {"embedding": embedding, "hidden": 17, "layers": layers}
    tensors = tiny_tensors(architecture, VOCABULARY, **shape, tied=tied, spread=0.3)
    network = network_of(tensors, architecture, **shape, tied=tied)
    tokens = list(np.random.default_rng(1).integers(0, VOCABULARY, 20))
    state, scores = network.first_state(1), []
    for token in tokens:
        state = network.advance(np.array([token]), state)
        scores.append(network.logits(state)[0])
    np.testing.assert_allclose(scores, torch_logits(tensors, architecture, tokens, **shape), atol=2e-5)


@pytest.mark.parametrize("architecture", ["rnn", "lstm", "gru"])
def test_an_unfolded_embedding_gives_the_same(architecture, monkeypatch):
    shape = {"embedding": 12, "hidden": 16, "layers": 2, "tied": False}
    tensors = tiny_tensors(architecture, VOCABULARY, **shape)
    folded = network_of(tensors, architecture, **shape)
    monkeypatch.setattr("generator.decoding.network.FOLDED_TABLE_LIMIT_BYTES", 0)
    plain = network_of(tensors, architecture, **shape)
    assert (folded.table is None, plain.table is None) == (False, True)
    tokens = np.array([3, 7])
    np.testing.assert_allclose(
        plain.logits(plain.advance(tokens, plain.first_state(2))),
        folded.logits(folded.advance(tokens, folded.first_state(2))),
        atol=1e-5,
    )


@pytest.mark.parametrize("architecture", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("hidden", [16, 33, 250])
def test_a_row_is_the_same_to_the_last_bit_alone_and_among_others(architecture, hidden):
    shape = {"embedding": 12, "hidden": hidden, "layers": 2, "tied": True}
    network = network_of(tiny_tensors(architecture, VOCABULARY, **shape, spread=0.2), architecture, **shape)
    numbers = np.random.default_rng(2)
    together = network.first_state(7)
    alone = [network.first_state(1) for _ in range(7)]
    for _ in range(12):
        tokens = numbers.integers(0, VOCABULARY, 7)
        together = network.advance(tokens, together)
        alone = [network.advance(tokens[row : row + 1], state) for row, state in enumerate(alone)]
        scores = network.logits(together)
        for row, state in enumerate(alone):
            assert np.array_equal(scores[row], network.logits(state)[0])


@pytest.mark.parametrize("spoil", ["missing", "surplus", "shape", "type", "nan", "huge"])
def test_tensors_that_make_no_network_are_named(spoil):
    tensors = tiny_tensors("gru", VOCABULARY)
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
        network_of(tensors, "gru", embedding=12, hidden=16, layers=1, tied=False)


def test_a_cell_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="transformer"):
        expected_shapes("transformer", 10, 4, 4, 1, False)
