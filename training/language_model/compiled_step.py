"""One step of an LSTM in eight bits as compiled functions: what `step_graph` says, sooner where rows are few.

    tokens ─▶ rows of the table ─┐
    memory ─▶ rounded to bytes ──┴▶ sums of 64 at once: four gates of 16 units ─▶ the cell ─▶ … ─▶ decoder ─▶ scores

The gates of sixteen units lie side by side, so that what a unit remembers is written as soon as its sums are there. All
sizes are filled up to multiples of 64; what stands there is zero and stays so.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy import ndarray
from safetensors import SafetensorError
from safetensors.numpy import load as tensors_from
from safetensors.numpy import save as to_file

from training.language_model.kernels.linked import address, functions
from training.language_model.kernels.sizes import GATES, LANES, WIDTH, draw_room, step_room
from training.language_model.packing import packed, starts
from training.language_model.rounding import STEPS_OF_A_BYTE, rounded_rows
from training.language_model.shapes import NetworkShape


def can_be_compiled(shape: NetworkShape) -> bool:
    """Whether there is a compiled step for such networks: an LSTM of which nothing grows without a bound."""
    return shape.architecture == "lstm" and shape.is_bounded


# ── Weights as a file ────────────────────────────────────────────────────────────────────────────────────────────


def build_weights(tensors: Mapping[str, ndarray], shape: NetworkShape, scales: Mapping[str, float]) -> bytes:
    """What the compiled step of a network reads, as the bytes of a safetensors file; arguments as of `build_graph`.

    table (V, 4H): what a token gives the first layer's gates; weights, starts, units and biases: of all products, one
    after another; steps: what each product's inputs are multiplied by to become bytes.
    """
    table, products = _table(tensors, shape), _products(tensors, shape)
    rounded = [(place, *rounded_rows(weight), bias) for place, weight, bias in products]
    byte = {place: scales[place] / STEPS_OF_A_BYTE for place, *_ in rounded}
    file = {
        "table": table,
        "weights": np.concatenate([packed(weights).ravel() for _, weights, _, _ in rounded]),
        "starts": np.concatenate([starts(weights) for _, weights, _, _ in rounded]),
        "units": np.concatenate([units * np.float32(byte[place]) for place, _, units, _ in rounded]),
        "biases": np.concatenate([bias for *_, bias in rounded]),
        "steps": np.array([1 / byte[place] for place, *_ in rounded], np.float32),
    }
    return to_file(file)


def _products(tensors: Mapping[str, ndarray], shape: NetworkShape) -> list[tuple[str, ndarray, ndarray]]:
    """(place, weight, bias) of each product in its order, filled up."""
    found = []
    for layer in range(shape.num_layers):
        sides = ("hh",) if layer == 0 else ("ih", "hh")
        weight = np.concatenate(
            [_filled(_by_units(tensors[f"recurrent.weight_{side}_l{layer}"]), 1) for side in sides], 1
        )
        bias = sum(tensors[f"recurrent.bias_{side}_l{layer}"] for side in ("ih", "hh"))
        place = "place.recurrent.0" if layer == 0 else f"place.gates.{layer}"
        found.append((place, weight, _by_units(bias)))
    if "projection.weight" in tensors:
        projection = _filled(_filled(tensors["projection.weight"], 0), 1)
        found.append(("place.projection", projection, _filled(tensors["projection.bias"], 0)))
    decoder = tensors["embedding.weight" if shape.tie_embeddings else "decoder.weight"]
    found.append(("place.decoder", _filled(_filled(decoder, 0), 1), _filled(tensors["decoder.bias"], 0)))
    return found


def _table(tensors: Mapping[str, ndarray], shape: NetworkShape) -> ndarray:
    """What each token gives the gates of the first layer, all its biases in it."""
    bias = tensors["recurrent.bias_ih_l0"] + tensors["recurrent.bias_hh_l0"]
    table = tensors["embedding.weight"] @ tensors["recurrent.weight_ih_l0"].T + bias
    return np.ascontiguousarray(_by_units(table.T).T)


def _filled(array: ndarray, axis: int) -> ndarray:
    """With zeros up to a multiple of 64."""
    lacking = [(0, -size % WIDTH if number == axis else 0) for number, size in enumerate(array.shape)]
    return np.pad(array, lacking)


def _by_units(gates: ndarray) -> ndarray:
    """(4H, …), gate after gate, as (4H', …): the four gates of each sixteen units together."""
    hidden = len(gates) // GATES
    whole = _filled(gates.reshape(GATES, hidden, *gates.shape[1:]), 1)
    blocks = whole.reshape(GATES, -1, LANES, *gates.shape[1:])
    return np.moveaxis(blocks, 0, 1).reshape(-1, *gates.shape[1:])


class CompiledNetwork:
    """A network that reads one token at a time, as `StepNetwork`, without a runtime.

    Raises: ValueError for what are no weights of such a network.
    """

    rows_at_once = None  # a row gives the same in any batch

    def __init__(self, weights: bytes, shape: NetworkShape) -> None:
        self.shape, self.size_bytes = shape, len(weights)
        self._hidden, self._projected = _whole(shape.hidden_size), 0
        if shape.tie_embeddings and shape.embedding_size != shape.hidden_size:
            self._projected = _whole(shape.embedding_size)
        self._arrays = self._read(weights)
        sizes = shape.num_layers, self._hidden, self._projected
        self._weights = *map(address, self._arrays), *sizes  # as the compiled functions take them

    def first_memory(self, rows: int) -> list[ndarray]:
        """What is remembered at the beginning of a song: (rows, H), H filled up, of each part of each layer."""
        return [np.zeros((rows, self._hidden), np.float32) for _ in range(2 * self.shape.num_layers)]

    def step(self, tokens: ndarray, memory: Sequence[ndarray]) -> tuple[ndarray, "Held"]:
        """(scores (B, V) of every next token, what is remembered now) after each row read its token (B,), int64.

        Both stay as they are until the next step; who wants them for longer copies them.
        """
        held = self.hold(memory)
        functions().step(*self.arguments(tokens, held))
        return held.scores, held

    def arguments(self, tokens: ndarray, held: "Held") -> tuple[int, ...]:
        """What the compiled ``step`` takes; the tokens are int64 in C order."""
        return address(tokens), *held.addresses, *self._weights, held.room

    def hold(self, memory: Sequence[ndarray]) -> "Held":
        """The same in one array, unless it is."""
        return memory if isinstance(memory, Held) else Held(memory, self.shape.vocabulary_size, self._projected)

    def read(self, text: ndarray) -> Iterator[ndarray]:
        """The scores (B, V) after each row of ``text`` (T, B)."""
        memory = self.first_memory(text.shape[1])
        for tokens in text:
            scores, memory = self.step(np.ascontiguousarray(tokens), memory)
            yield scores.copy()

    def _read(self, weights: bytes) -> list[ndarray]:
        """The arrays of a file, each of the kind and size that the compiled functions take for granted."""
        try:
            file = tensors_from(weights)
        except SafetensorError as error:
            raise ValueError(f"no safetensors file ({error})") from error
        products = self._products()
        outputs = sum(count for count, _ in products)
        wanted = {
            "table": ((self.shape.vocabulary_size, GATES * self._hidden), np.float32),
            "weights": ((sum(count * inputs for count, inputs in products),), np.int8),
            "starts": ((outputs,), np.int32),
            "units": ((outputs,), np.float32),
            "biases": ((outputs,), np.float32),
            "steps": ((len(products),), np.float32),
        }
        if {name: (one.shape, one.dtype) for name, one in file.items()} != wanted:
            raise ValueError("the weights are not those of this network")
        return [file[name] for name in wanted]

    def _products(self) -> list[tuple[int, int]]:
        """(outputs, inputs) of each product, filled up."""
        hidden, layers = self._hidden, self.shape.num_layers
        products = [(GATES * hidden, hidden if layer == 0 else 2 * hidden) for layer in range(layers)]
        if self._projected:
            products.append((self._projected, hidden))
        return [*products, (_whole(self.shape.vocabulary_size), self._projected or hidden)]


class Held(list[ndarray]):
    """What is remembered, as parts of one ``array`` (2L, B, H) that each step writes over, and room for its work."""

    def __init__(self, memory: Sequence[ndarray], vocabulary_size: int, projected: int) -> None:
        self.array = np.array(memory)
        _, rows, hidden = self.array.shape
        self.scores = np.empty((rows, vocabulary_size), np.float32)
        self._room = np.empty(step_room(rows, hidden, projected) + draw_room(vocabulary_size), np.uint8)
        self.addresses = address(self.array), address(self.scores), rows, vocabulary_size
        self.room = address(self._room)
        super().__init__(self.array)


def _whole(size: int) -> int:
    """Filled up to a multiple of 64."""
    return -(-size // WIDTH) * WIDTH
