"""The compiled step of an LSTM gives what its eight-bit graph gives."""

import numpy as np
import pytest
import safetensors.numpy

from tests.generator.tiny_models import tiny_shape, tiny_tensors
from training.language_model.compiled_step import CompiledNetwork, build_weights, can_be_compiled
from training.language_model.kernels.linked import has_products
from training.language_model.shapes import CELL_KINDS, NetworkShape
from training.language_model.step_graph import build_graph
from training.language_model.step_network import StepNetwork

SIZES = [
    {"hidden": 16, "layers": 1},
    {"hidden": 33, "layers": 2, "embedding": 24, "tied": True},
    {"hidden": 64, "layers": 3, "embedding": 64, "tied": True},
    {"hidden": 200, "layers": 2, "embedding": 100, "tied": True},
]
needs_the_instruction = pytest.mark.skipif(not has_products(), reason="this processor lacks the instruction")


def scales_of(shape: NetworkShape) -> dict[str, float]:
    gates = [f"place.gates.{layer}" for layer in range(1, shape.num_layers)]
    places = dict.fromkeys(["place.recurrent.0", *gates, "place.projection"], 1.0)
    return places | {"place.decoder": 4.0}


def make(vocabulary=101, **sizes) -> tuple[NetworkShape, dict, bytes]:
    shape = tiny_shape("lstm", vocabulary, **({"embedding": 12, "tied": False} | sizes))
    tensors = tiny_tensors(shape, spread=0.3)
    return shape, tensors, build_weights(tensors, shape, scales_of(shape))


def text(rows: int, vocabulary=101) -> np.ndarray:
    return np.random.default_rng(2).integers(0, vocabulary, (20, rows))


def scores_of(network, tokens) -> np.ndarray:
    return np.stack([*network.read(tokens)])


@needs_the_instruction
@pytest.mark.parametrize("sizes", SIZES)
def test_scores_are_those_of_the_eight_bit_graph(sizes):
    shape, tensors, weights = make(**sizes)
    graph = StepNetwork(build_graph(tensors, shape, scales=scales_of(shape)), shape)
    compiled = CompiledNetwork(weights, shape)
    for tokens in text(5):  # each step from the same memory: a last bit may round to another byte, and grow
        memory = [np.random.default_rng(tokens[0]).uniform(-1, 1, (5, shape.hidden_size)).astype(np.float32)]
        memory = memory * 2 * shape.num_layers
        wanted, after = graph.step(tokens, memory)
        given, held = compiled.step(tokens, [filled(part, compiled) for part in memory])
        np.testing.assert_allclose(given, wanted, atol=2e-5)
        for own, part in zip(held, after, strict=True):
            np.testing.assert_allclose(own[:, : shape.hidden_size], part, atol=1e-5)
            assert not own[:, shape.hidden_size :].any()


def filled(part: np.ndarray, network: CompiledNetwork) -> np.ndarray:
    whole = network.first_memory(len(part))[0]
    whole[:, : part.shape[1]] = part
    return whole


@needs_the_instruction
@pytest.mark.parametrize("sizes", SIZES)
def test_a_row_is_the_same_to_the_last_bit_alone_and_among_others(sizes):
    shape, _, weights = make(**sizes)
    network = CompiledNetwork(weights, shape)
    together = scores_of(network, text(19))
    for row in range(19):
        assert np.array_equal(scores_of(network, text(19)[:, row : row + 1]), together[:, row : row + 1])


@needs_the_instruction
def test_memory_that_is_given_as_a_list_is_left_as_it_is():
    shape, _, weights = make(**SIZES[0])
    network = CompiledNetwork(weights, shape)
    memory = network.first_memory(3)
    network.step(np.array([1, 2, 3]), memory)
    assert not any(part.any() for part in memory)


def test_only_an_lstm_without_residual_sums_has_a_compiled_step():
    shapes = {name: tiny_shape(name, 50, embedding=12, hidden=16, layers=1, tied=False) for name in CELL_KINDS}
    assert [name for name, shape in shapes.items() if can_be_compiled(shape)] == ["lstm"]
    residual = tiny_shape("lstm", 50, embedding=12, hidden=16, layers=1, tied=False, residual=True)
    assert not can_be_compiled(residual)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda weights: b"",
        lambda weights: b"no file",
        lambda weights: weights[: len(weights) // 2],
        lambda weights: make(hidden=80, layers=1)[2],
        lambda weights: make(hidden=16, layers=2)[2],
        lambda weights: make(vocabulary=165, hidden=16, layers=1)[2],
        lambda weights: changed(weights, biases=lambda one: one.astype(np.float64)),
        lambda weights: changed(weights, table=lambda one: one[:-1]),
        lambda weights: changed(weights, more=lambda one: np.zeros(1)),
    ],
)
def test_what_are_no_weights_of_the_network_is_refused(spoil):
    shape, _, weights = make(**SIZES[0])
    with pytest.raises(ValueError, match=r"safetensors file|weights are not"):
        CompiledNetwork(spoil(weights), shape)


def changed(weights: bytes, **changes) -> bytes:
    file = safetensors.numpy.load(weights)
    return safetensors.numpy.save(file | {name: change(file.get(name)) for name, change in changes.items()})
