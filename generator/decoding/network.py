"""Recurrent networks one token at a time, in float32 numpy.

A row of the batch is multiplied on its own, matrix by vector: its result is then the same to the last bit whoever sits
beside it, which a product of matrices does not promise (measured: 8 rows of 256 units cost the same, of 512 half more).
"""

from dataclasses import dataclass

import numpy as np

from training.language_model.shapes import NetworkShape, expected_tensors

FOLDED_TABLE_LIMIT_BYTES = 100 * 1024 * 1024
# Below these no sum of products overflows, so every score is finite. What a ReLU or a residual sum remembers may grow
# from step to step without an end; what a trained network remembers is far below.
WEIGHT_LIMIT = 1e6
MEMORY_LIMIT = np.float32(1e18)


@dataclass(frozen=True)
class Layer:
    """One recurrent layer; G gates of H units each are stacked, so each step is one product.

    ``input_weight`` (G·H, I) and ``input_bias`` (G·H,) are unused in a first layer whose embedding is folded. The other
    two are None where a cell's gates don't read its memory.
    """

    input_weight: np.ndarray
    input_bias: np.ndarray
    hidden_weight: np.ndarray | None  # (G·H, H)
    hidden_bias: np.ndarray | None  # (G·H,)


@dataclass(frozen=True)
class StepNetwork:
    """A trained network, one token at a time.

    ``table`` (V, G·H) holds what each token adds to the first layer's gates; None where it would be over 100 MB, and
    then the embedding is multiplied at each step.
    """

    shape: NetworkShape
    layers: tuple[Layer, ...]
    embedding: np.ndarray  # (V, E)
    table: np.ndarray | None
    projection: tuple[np.ndarray, np.ndarray] | None  # (E, H) and (E,): the top layer in the embedding's space
    decoder_weight: np.ndarray  # (V, E) tied, (V, H) otherwise
    decoder_bias: np.ndarray  # (V,)

    @classmethod
    def from_tensors(cls, tensors: dict[str, np.ndarray], shape: NetworkShape) -> "StepNetwork":
        """The network of a model file's tensors, in torch's names, layout and gate order.

        Raises: ValueError for a tensor that is missing, surplus, of another shape or type, or out of range.
        """
        verify(tensors, expected_tensors(shape))
        names = ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
        layers = tuple(
            Layer(*(tensors.get(f"recurrent.{name}_l{layer}") for name in names)) for layer in range(shape.num_layers)
        )
        embedding, first = tensors["embedding.weight"], layers[0]
        table = None
        if shape.vocabulary_size * first.input_bias.nbytes <= FOLDED_TABLE_LIMIT_BYTES:
            table = embedding @ first.input_weight.T + first.input_bias
        projection = None
        if "projection.weight" in tensors:
            projection = tensors["projection.weight"], tensors["projection.bias"]
        return cls(
            shape,
            layers,
            embedding,
            table,
            projection,
            decoder_weight=embedding if shape.tie_embeddings else tensors["decoder.weight"],
            decoder_bias=tensors["decoder.bias"],
        )

    @property
    def size_bytes(self) -> int:
        arrays = [array for layer in self.layers for array in vars(layer).values()]
        arrays += [self.embedding, self.table, self.decoder_bias, *(self.projection or ())]
        arrays += [] if self.decoder_weight is self.embedding else [self.decoder_weight]
        return sum(array.nbytes for array in arrays if array is not None)

    @property
    def reads_embedding(self) -> bool:
        """Whether the first layer needs more of a token than its row of the table."""
        return self.table is None or self.shape.is_residual(0) or self.shape.architecture == "sru"

    @property
    def is_bounded(self) -> bool:
        """Whether no output can grow: tanh and gates see to it."""
        has_tanh = self.shape.architecture in ("rnn", "lstm", "gru") and self.shape.nonlinearity == "tanh"
        return has_tanh and not self.shape.residual

    @property
    def parts(self) -> int:
        """How many arrays (B, H) a layer remembers."""
        return 2 if self.shape.architecture == "lstm" else 1

    def first_memory(self, rows: int) -> list[np.ndarray]:
        """What is remembered at the beginning of a song: an array (rows, H) for each part of each layer."""
        empty = (rows, self.shape.hidden_size)
        return [np.zeros(empty, np.float32) for _ in range(self.parts * len(self.layers))]

    def step(self, tokens: np.ndarray, memory: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        """(scores (B, V) of every next token, what is remembered now) after each row read its token (B,)."""
        after: list[np.ndarray] = []
        cell = relu_cell if self.shape.nonlinearity == "relu" else CELLS[self.shape.architecture]
        features = self.embedding[tokens] if self.reads_embedding else None  # (B, E)
        for index, layer in enumerate(self.layers):
            known = memory[index * self.parts : (index + 1) * self.parts]
            if index == 0 and self.table is not None:
                inputs = self.table[tokens]
            else:
                inputs = times(layer.input_weight, features) + layer.input_bias
            hidden = None
            if layer.hidden_weight is not None:
                hidden = times(layer.hidden_weight, known[0]) + layer.hidden_bias
            output, *new = cell(inputs, hidden, known, features)
            if self.shape.is_residual(index):
                output = output + features
            features = self._limited(output)  # (B, H)
            after += map(self._limited, new)
        return self._scores(features), after

    def _limited(self, values: np.ndarray) -> np.ndarray:
        return values if self.is_bounded else np.clip(values, -MEMORY_LIMIT, MEMORY_LIMIT)

    def _scores(self, output: np.ndarray) -> np.ndarray:
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


def log_sigmoid(values: np.ndarray) -> np.ndarray:
    """log(1 / (1 + e^-x)), a number for every x."""
    return -np.logaddexp(np.float32(0), -values)


# A cell takes what it reads times its weights, what it remembers times its weights (None if its gates don't read that),
# its memory, one array (B, H) or two, and what it reads itself, and returns its output with its new memory.


def rnn_cell(inputs: np.ndarray, hidden: np.ndarray, memory: list, features: np.ndarray) -> tuple:
    """Elman 1990: h = tanh(input + hidden)."""
    output = np.tanh(inputs + hidden)
    return output, output


def relu_cell(inputs: np.ndarray, hidden: np.ndarray, memory: list, features: np.ndarray) -> tuple:
    """The same, with max(0, x) in tanh's place (Le et al. 2015)."""
    output = np.maximum(inputs + hidden, 0)
    return output, output


def lstm_cell(inputs: np.ndarray, hidden: np.ndarray, memory: list, features: np.ndarray) -> tuple:
    """Hochreiter and Schmidhuber 1997, with forget gate; gates in the order input, forget, cell, output."""
    entry, forget, candidate, output = np.split(inputs + hidden, 4, axis=1)
    cell = sigmoid(forget) * memory[1] + sigmoid(entry) * np.tanh(candidate)
    output = sigmoid(output) * np.tanh(cell)
    return output, output, cell


def gru_cell(inputs: np.ndarray, hidden: np.ndarray, memory: list, features: np.ndarray) -> tuple:
    """Cho et al. 2014 as torch has it: reset weighs the hidden part with its bias; gates reset, update, new."""
    reset_in, update_in, new_in = np.split(inputs, 3, axis=1)
    reset_hidden, update_hidden, new_hidden = np.split(hidden, 3, axis=1)
    update = sigmoid(update_in + update_hidden)
    new = np.tanh(new_in + sigmoid(reset_in + reset_hidden) * new_hidden)
    output = (1 - update) * new + update * memory[0]
    return output, output


def mingru_cell(inputs: np.ndarray, hidden: None, memory: list, features: np.ndarray) -> tuple:
    """Feng et al. 2024: gates keep (near one it does), candidate."""
    keep, candidate = np.split(inputs, 2, axis=1)
    output = sigmoid(keep) * memory[0] + sigmoid(-keep) * candidate
    return output, output


def minlstm_cell(inputs: np.ndarray, hidden: None, memory: list, features: np.ndarray) -> tuple:
    """Feng et al. 2024: gates forget and input, made to sum to one, and candidate."""
    forget, entry, candidate = np.split(inputs, 3, axis=1)
    odds = log_sigmoid(forget) - log_sigmoid(entry)
    output = sigmoid(odds) * memory[0] + sigmoid(-odds) * candidate
    return output, output


def sru_cell(inputs: np.ndarray, hidden: None, memory: list, features: np.ndarray) -> tuple:
    """Lei and Zhang 2017: gates keep, output, candidate, and where the sizes differ what stands for the input."""
    keep, output, candidate, *bridge = np.split(inputs, inputs.shape[1] // memory[0].shape[1], axis=1)
    cell = sigmoid(keep) * memory[0] + sigmoid(-keep) * candidate
    past = bridge[0] if bridge else features
    return past + sigmoid(output) * (cell - past), cell


CELLS = {
    "rnn": rnn_cell,
    "lstm": lstm_cell,
    "gru": gru_cell,
    "mingru": mingru_cell,
    "minlstm": minlstm_cell,
    "sru": sru_cell,
}


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
