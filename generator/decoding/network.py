"""Recurrent networks one token at a time, in float32 numpy.

A row of the batch is multiplied on its own, matrix by vector: its result is then the same to the last bit whoever sits
beside it, which a product of matrices does not promise (measured: 8 rows of 256 units cost the same, of 512 half more).
"""

from dataclasses import dataclass

import numpy as np

FOLDED_TABLE_LIMIT_BYTES = 100 * 1024 * 1024
WEIGHT_LIMIT = 1e6  # below it no sum of products overflows, so every score is finite
GATES = {"rnn": 1, "lstm": 4, "gru": 3}


@dataclass(frozen=True)
class Layer:
    """One recurrent layer; G gates of H units each are stacked, so each step is one product.

    ``input_weight`` (G·H, I) and ``input_bias`` (G·H,) are unused in a first layer whose embedding is folded.
    """

    input_weight: np.ndarray
    input_bias: np.ndarray
    hidden_weight: np.ndarray  # (G·H, H)
    hidden_bias: np.ndarray  # (G·H,)


@dataclass(frozen=True)
class StepNetwork:
    """A trained network; a state is an array (parts, layers, B, H), of which an LSTM has two parts: output and cell.

    ``table`` (V, G·H) holds what each token adds to the first layer's gates; None where it would be over 100 MB, and
    then ``embedding`` (V, E) is looked up and multiplied.
    """

    architecture: str
    layers: tuple[Layer, ...]
    embedding: np.ndarray
    table: np.ndarray | None
    projection: tuple[np.ndarray, np.ndarray] | None  # (E, H) and (E,): the top layer in the embedding's space
    decoder_weight: np.ndarray  # (V, E) tied, (V, H) otherwise
    decoder_bias: np.ndarray  # (V,)

    @classmethod
    def from_tensors(
        cls,
        tensors: dict[str, np.ndarray],
        *,
        architecture: str,
        vocabulary_size: int,
        embedding_size: int,
        hidden_size: int,
        num_layers: int,
        tie_embeddings: bool,
    ) -> "StepNetwork":
        """The network of a model file's tensors, in torch's names, layout and gate order.

        Raises: ValueError for a tensor that is missing, surplus, of another shape or type, or out of range.
        """
        expected = expected_shapes(
            architecture, vocabulary_size, embedding_size, hidden_size, num_layers, tie_embeddings
        )
        verify(tensors, expected)
        layers = tuple(
            Layer(*(tensors[f"recurrent.{name}_l{k}"] for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")))
            for k in range(num_layers)
        )
        embedding, first = tensors["embedding.weight"], layers[0]
        table = None
        if vocabulary_size * first.input_bias.nbytes <= FOLDED_TABLE_LIMIT_BYTES:
            table = embedding @ first.input_weight.T + first.input_bias
        projection = None
        if "projection.weight" in tensors:
            projection = tensors["projection.weight"], tensors["projection.bias"]
        return cls(
            architecture,
            layers,
            embedding,
            table,
            projection,
            decoder_weight=embedding if tie_embeddings else tensors["decoder.weight"],
            decoder_bias=tensors["decoder.bias"],
        )

    @property
    def hidden_size(self) -> int:
        return self.layers[0].hidden_weight.shape[1]

    @property
    def size_bytes(self) -> int:
        arrays = [array for layer in self.layers for array in vars(layer).values()]
        arrays += [self.embedding, self.decoder_bias, *(self.projection or ())]
        arrays += [] if self.table is None else [self.table]
        arrays += [] if self.decoder_weight is self.embedding else [self.decoder_weight]
        return sum(array.nbytes for array in arrays)

    def first_state(self, rows: int) -> np.ndarray:
        parts = 2 if self.architecture == "lstm" else 1
        return np.zeros((parts, len(self.layers), rows, self.hidden_size), np.float32)

    def advance(self, tokens: np.ndarray, state: np.ndarray) -> np.ndarray:
        """A new state, in which each row has read its token: ``tokens`` (B,), ``state`` as `first_state` makes it."""
        after = np.empty_like(state)
        for index, layer in enumerate(self.layers):
            if index:
                inputs = times(layer.input_weight, after[0, index - 1]) + layer.input_bias
            elif self.table is not None:
                inputs = self.table[tokens]
            else:
                inputs = times(layer.input_weight, self.embedding[tokens]) + layer.input_bias
            hidden = times(layer.hidden_weight, state[0, index]) + layer.hidden_bias
            after[:, index] = CELLS[self.architecture](inputs, hidden, state[:, index])
        return after

    def logits(self, state: np.ndarray) -> np.ndarray:
        """The scores (B, V) of every next token, from the top layer's output."""
        output = state[0, -1]
        if self.projection is not None:
            weight, bias = self.projection
            output = times(weight, output) + bias
        return times(self.decoder_weight, output) + self.decoder_bias


def times(weight: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """``rows @ weight.T`` with each row multiplied on its own; (B, I) and (O, I) give (B, O)."""
    product = np.empty((len(rows), len(weight)), np.float32)
    for row, out in zip(rows, product, strict=True):
        np.dot(weight, row, out=out)
    return product


def sigmoid(values: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-x) by way of tanh, which does not overflow."""
    return 0.5 * np.tanh(0.5 * values) + 0.5


def rnn_cell(inputs: np.ndarray, hidden: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Elman 1990: h = tanh(input + hidden)."""
    return np.tanh(inputs + hidden)[None]


def lstm_cell(inputs: np.ndarray, hidden: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Hochreiter and Schmidhuber 1997, with forget gate; gates in the order input, forget, cell, output."""
    entry, forget, candidate, output = np.split(inputs + hidden, 4, axis=1)
    cell = sigmoid(forget) * state[1] + sigmoid(entry) * np.tanh(candidate)
    return np.stack([sigmoid(output) * np.tanh(cell), cell])


def gru_cell(inputs: np.ndarray, hidden: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Cho et al. 2014 as torch has it: reset weighs the hidden part with its bias; gates reset, update, new."""
    reset_in, update_in, new_in = np.split(inputs, 3, axis=1)
    reset_hidden, update_hidden, new_hidden = np.split(hidden, 3, axis=1)
    update = sigmoid(update_in + update_hidden)
    new = np.tanh(new_in + sigmoid(reset_in + reset_hidden) * new_hidden)
    return ((1 - update) * new + update * state[0])[None]


CELLS = {"rnn": rnn_cell, "lstm": lstm_cell, "gru": gru_cell}


def expected_shapes(
    architecture: str, vocabulary: int, embedding: int, hidden: int, layers: int, tied: bool
) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of such a network."""
    if architecture not in GATES:
        raise ValueError(f"{architecture!r} is no cell known here")
    gates = GATES[architecture] * hidden
    shapes = {"embedding.weight": (vocabulary, embedding), "decoder.bias": (vocabulary,)}
    for k in range(layers):
        shapes[f"recurrent.weight_ih_l{k}"] = (gates, hidden if k else embedding)
        shapes[f"recurrent.weight_hh_l{k}"] = (gates, hidden)
        shapes[f"recurrent.bias_ih_l{k}"] = shapes[f"recurrent.bias_hh_l{k}"] = (gates,)
    if not tied:
        shapes["decoder.weight"] = (vocabulary, hidden)
    elif hidden != embedding:
        shapes |= {"projection.weight": (embedding, hidden), "projection.bias": (embedding,)}
    return shapes


def verify(tensors: dict[str, np.ndarray], shapes: dict[str, tuple[int, ...]]) -> None:
    """Refuse tensors other than these. Raises: ValueError naming what is wrong."""
    if missing := shapes.keys() - tensors.keys():
        raise ValueError(f"tensors are missing: {', '.join(sorted(missing))}")
    if surplus := tensors.keys() - shapes.keys():
        raise ValueError(f"tensors that no such network has: {', '.join(sorted(surplus))}")
    for name, shape in shapes.items():
        tensor = tensors[name]
        if tensor.shape != shape or tensor.dtype != np.float32:
            raise ValueError(f"{name} is {tensor.dtype} {tensor.shape}, not float32 {shape}")
        if not (np.abs(tensor) < WEIGHT_LIMIT).all():  # false for NaN and infinity too
            raise ValueError(f"{name} holds numbers that no training gives")
