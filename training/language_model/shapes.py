"""What each cell is made of, and the names and shapes of the tensors in a model file.

Pure Python, and the one place that says it: torch's networks, the graphs that write, the count of weights before a
training and the check of a file's weights all read it here.
"""

import math
from dataclasses import MISSING, asdict, dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.language_model.config import TrainingConfig

MOST_LAYERS = 16  # in a file; a training has fewer
NONLINEARITIES = ("tanh", "relu")
UNREADABLE = "This model file does not say what its network looks like."


@dataclass(frozen=True)
class CellKind:
    """The parts of a cell: ``gates`` lie in this order, H rows each, in its weights.

    "keep" is the gate that near one holds on to what is remembered. A cell that ``reads_memory`` computes its gates
    from its memory too, which ties each step to the one before; the others can be computed for all steps at once.
    """

    gates: tuple[str, ...]
    reads_memory: bool


CELL_KINDS = MappingProxyType(
    {
        "rnn": CellKind(("candidate",), reads_memory=True),
        "lstm": CellKind(("input", "keep", "candidate", "output"), reads_memory=True),
        "gru": CellKind(("reset", "keep", "candidate"), reads_memory=True),
        "mingru": CellKind(("keep", "candidate"), reads_memory=False),
        "minlstm": CellKind(("keep", "input", "candidate"), reads_memory=False),
        "sru": CellKind(("keep", "output", "candidate"), reads_memory=False),
    }
)


@dataclass(frozen=True, kw_only=True)
class NetworkShape:
    """All that decides the names and shapes of a network's weights, and what is computed with them."""

    architecture: str
    vocabulary_size: int
    embedding_size: int
    hidden_size: int
    num_layers: int
    tie_embeddings: bool
    # Files from before these two have neither.
    nonlinearity: str = "tanh"  # of the plain RNN; the others have their own
    residual: bool = False

    @classmethod
    def of(cls, config: "TrainingConfig", vocabulary_size: int) -> "NetworkShape":
        """The shape that a config asks for, with the vocabulary that the songs gave."""
        return cls(
            architecture=config.architecture,
            vocabulary_size=vocabulary_size,
            embedding_size=config.embedding_size,
            hidden_size=config.hidden_size,
            num_layers=config.num_layers,
            tie_embeddings=config.tie_embeddings,
            nonlinearity=config.nonlinearity if config.architecture == "rnn" else "tanh",
            residual=config.residual,
        )

    @classmethod
    def from_dict(cls, values: Any) -> "NetworkShape":
        """The shape that a model file describes. Raises ValueError with a sentence if it describes none."""
        known = {one.name: one for one in fields(cls)}
        needed = {name for name, one in known.items() if one.default is MISSING}
        is_readable = isinstance(values, dict) and needed <= set(values) <= set(known)
        if not is_readable or any(type(value) is not known[name].type for name, value in values.items()):
            raise ValueError(UNREADABLE)
        shape = cls(**values)
        sizes = (shape.vocabulary_size, shape.embedding_size, shape.hidden_size, shape.num_layers)
        if min(sizes) < 1 or shape.num_layers > MOST_LAYERS:
            raise ValueError(UNREADABLE)
        if shape.architecture not in CELL_KINDS:
            known_cells = ", ".join(CELL_KINDS)
            raise ValueError(f"This model's cell is {shape.architecture[:20]!r}; this program knows {known_cells}.")
        if shape.nonlinearity not in (NONLINEARITIES if shape.architecture == "rnn" else NONLINEARITIES[:1]):
            raise ValueError(UNREADABLE)
        return shape

    def to_dict(self) -> dict:
        return asdict(self)

    @property
    def kind(self) -> CellKind:
        return CELL_KINDS[self.architecture]

    def input_size(self, layer: int) -> int:
        """How many numbers a layer reads: the embedding's, or what the layer below gives."""
        return self.hidden_size if layer else self.embedding_size

    def gates(self, layer: int) -> tuple[str, ...]:
        """The gates of a layer. An SRU lets its input past the cell, and needs a matrix where the sizes differ."""
        needs_bridge = self.architecture == "sru" and self.input_size(layer) != self.hidden_size
        return (*self.kind.gates, "bridge") if needs_bridge else self.kind.gates

    @property
    def memory_parts(self) -> int:
        """How many arrays (B, H) a layer remembers."""
        return 2 if self.architecture == "lstm" else 1

    @property
    def is_bounded(self) -> bool:
        """Whether no output can grow: tanh and gates see to it."""
        has_tanh = self.architecture in ("rnn", "lstm", "gru") and self.nonlinearity == "tanh"
        return has_tanh and not self.residual

    def is_residual(self, layer: int) -> bool:
        """Whether a layer adds what it reads to what it gives on: only where both are of one size."""
        return self.residual and self.input_size(layer) == self.hidden_size


def expected_tensors(shape: NetworkShape) -> dict[str, tuple[int, ...]]:
    """The name and shape of every tensor that a file with a network of this shape holds; builds nothing."""
    V, E, H = shape.vocabulary_size, shape.embedding_size, shape.hidden_size
    tensors: dict[str, tuple[int, ...]] = {"embedding.weight": (V, E), "decoder.bias": (V,)}
    for layer in range(shape.num_layers):
        rows = len(shape.gates(layer)) * H
        tensors[f"recurrent.weight_ih_l{layer}"] = (rows, shape.input_size(layer))
        tensors[f"recurrent.bias_ih_l{layer}"] = (rows,)
        if shape.kind.reads_memory:
            tensors[f"recurrent.weight_hh_l{layer}"] = (rows, H)
            tensors[f"recurrent.bias_hh_l{layer}"] = (rows,)
    if not shape.tie_embeddings:
        tensors["decoder.weight"] = (V, H)
    elif H != E:
        tensors |= {"projection.weight": (E, H), "projection.bias": (E,)}
    return tensors


def count_weights(shape: NetworkShape) -> int:
    """The numbers that a network of this shape learns."""
    return sum(math.prod(size) for size in expected_tensors(shape).values())
