"""One step of a network as an ONNX graph, in single precision or with eight-bit products.

    tokens (B,) ─▶ what each adds to the first layer's gates ─▶ cell ─▶ … ─▶ projection? ─▶ decoder ─▶ scores (B, V)
    memory.<layer>.<part> (B, H) ───────────────────────────────┴───▶ next.<layer>.<part> (B, H)

An eight-bit product rounds what is multiplied by a scale that was measured once and never changes, and its sums are
exact: what a row gives does not depend on the rows beside it. Weights are rounded row by row.
Source of the operators: the ONNX specification, opset 18, and onnxruntime's MatMulIntegerToFloat.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from onnx import TensorProto, helper, numpy_helper

from training.language_model.rounding import STEPS_OF_A_BYTE, rounded_rows
from training.language_model.shapes import NetworkShape
from training.language_model.step_network import memory_names, next_names

OPSET, IR_VERSION = 18, 9
RUNTIME_OPERATORS = "com.microsoft"
# Above it the first layer multiplies the embedding at each step, instead of looking up the product.
FOLDED_TABLE_LIMIT_BYTES = 100 * 1024 * 1024
# What a ReLU or a residual sum remembers may grow from step to step without an end; below this every score is a number.
MEMORY_LIMIT = 1e18
LOWEST_EXPONENT = -80


def build_graph(
    tensors: Mapping[str, ndarray],
    shape: NetworkShape,
    *,
    scales: Mapping[str, float] | None = None,
    is_watched: bool = False,
) -> bytes:
    """The graph of a network as the bytes of an ONNX file.

    Args:
        tensors: the weights under their names in a model file, float32.
        scales: the largest number, by absolute value, that each place may hold where something is multiplied by
            weights: then products are of eight bits. None for single precision.
        is_watched: whether those places are outputs of a graph of single precision too, under their names "place.…".
    """
    return _Step(tensors, shape, scales, is_watched).to_bytes()


def is_folded(shape: NetworkShape) -> bool:
    """Whether a graph looks up what a token gives the first layer, instead of multiplying by the embedding."""
    numbers = shape.vocabulary_size * len(shape.gates(0)) * shape.hidden_size
    return numbers * np.dtype(np.float32).itemsize <= FOLDED_TABLE_LIMIT_BYTES


@dataclass
class _Graph:
    """Nodes and constants as they are added, each under a name of its own."""

    nodes: list
    constants: dict[str, ndarray]

    def constant(self, name: str, values: ndarray) -> str:
        self.constants.setdefault(name, np.ascontiguousarray(values))
        return name

    def add(self, operator: str, *inputs: str, domain: str = "", name: str = "", **attributes) -> str:
        """Add a node of one output; the output's name."""
        output = name or f"{operator}.{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], domain=domain, **attributes))
        return output

    def split(self, values: str, *sizes: int) -> list[str]:
        """Cut (B, all sizes) into a (B, size) for each."""
        if len(sizes) == 1:
            return [values]
        outputs = [f"Split.{len(self.nodes)}.{number}" for number in range(len(sizes))]
        lengths = self.constant(f"sizes {sizes}", np.array(sizes, np.int64))
        self.nodes.append(helper.make_node("Split", [values, lengths], outputs, axis=1))
        return outputs

    def rename(self, name: str, wanted: str) -> str:
        """Give what a node gives the name ``wanted``, wherever it is read; that name."""
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [wanted if one == name else one for one in names]
        return wanted


class _Step:
    """The graph of one network while it is built, layer by layer."""

    def __init__(
        self,
        tensors: Mapping[str, ndarray],
        shape: NetworkShape,
        scales: Mapping[str, float] | None,
        is_watched: bool,
    ):
        self.tensors = _sigmoids_first(tensors) if shape.architecture == "lstm" else tensors
        self.shape, self.scales, self.is_watched = shape, scales, is_watched
        self.graph = _Graph([], {})
        self.places: list[str] = []  # outputs, where they are watched

    def to_bytes(self) -> bytes:
        shape, graph = self.shape, self.graph
        features = self._embedding() if self._reads_embedding() else ""
        for layer in range(shape.num_layers):
            features = self._layer(layer, features)
        self._product(self._projected(features), self._decoder(), self.tensors["decoder.bias"], "decoder", "scores")
        batch = "B"
        of_memory = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, shape.hidden_size])
            for name in [*memory_names(shape), *next_names(shape)]
        ]
        count = len(of_memory) // 2
        tokens = helper.make_tensor_value_info("tokens", TensorProto.INT64, [batch])
        scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, shape.vocabulary_size])
        watched = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self.places]
        made = helper.make_graph(
            graph.nodes,
            "step",
            [tokens, *of_memory[:count]],
            [scores, *of_memory[count:], *watched],
            initializer=[numpy_helper.from_array(values, name) for name, values in graph.constants.items()],
        )
        versions = [helper.make_opsetid("", OPSET), helper.make_opsetid(RUNTIME_OPERATORS, 1)]
        return helper.make_model(made, opset_imports=versions, ir_version=IR_VERSION).SerializeToString()

    # ── Layers ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _layer(self, layer: int, features: str) -> str:
        """Add a layer; the name of what it gives on (B, H)."""
        graph, shape = self.graph, self.shape
        memory = [f"memory.{layer}.{part}" for part in range(shape.memory_parts)]
        output, *after = getattr(self, f"_{shape.architecture}")(layer, features, memory)
        for part, name in enumerate(after):
            renamed = graph.rename(remembered := self._limited(name), f"next.{layer}.{part}")
            output = renamed if output == remembered else output
        if shape.is_residual(layer):
            output = graph.add("Add", output, features)
        return self._limited(output)

    def _limited(self, name: str) -> str:
        if self.shape.is_bounded:
            return name
        limits = [self.graph.constant(f"limit {sign}", np.float32(sign * MEMORY_LIMIT)) for sign in (-1, 1)]
        return self.graph.add("Clip", name, *limits)

    def _rnn(self, layer: int, features: str, memory: list[str]) -> list[str]:
        nonlinearity = "Relu" if self.shape.nonlinearity == "relu" else "Tanh"
        output = self.graph.add(nonlinearity, self._all_gates(layer, features, memory[0]))
        return [output, output]

    def _lstm(self, layer: int, features: str, memory: list[str]) -> list[str]:
        add = self.graph.add
        gates, candidate = self._cut(self._all_gates(layer, features, memory[0]), 3, 1)
        entry, keep, output = self._cut(add("Sigmoid", gates), 1, 1, 1)
        cell = add("Add", add("Mul", keep, memory[1]), add("Mul", entry, add("Tanh", candidate)))
        hidden = add("Mul", output, add("Tanh", cell))
        return [hidden, hidden, cell]

    def _gru(self, layer: int, features: str, memory: list[str]) -> list[str]:
        add = self.graph.add
        reset_in, keep_in, new_in = self._cut(self._given(layer, features), 1, 1, 1)
        reset_hidden, keep_hidden, new_hidden = self._cut(self._recalled(layer, memory[0]), 1, 1, 1)
        keep = add("Sigmoid", add("Add", keep_in, keep_hidden))
        reset = add("Sigmoid", add("Add", reset_in, reset_hidden))
        new = add("Tanh", add("Add", new_in, add("Mul", reset, new_hidden)))
        output = self._between(new, memory[0], keep)
        return [output, output]

    def _mingru(self, layer: int, features: str, memory: list[str]) -> list[str]:
        keep, candidate = self._cut(self._given(layer, features), 1, 1)
        output = self._between(candidate, memory[0], self.graph.add("Sigmoid", keep))
        return [output, output]

    def _minlstm(self, layer: int, features: str, memory: list[str]) -> list[str]:
        add = self.graph.add
        keep, entry, candidate = self._cut(self._given(layer, features), 1, 1, 1)
        # σ(keep) / (σ(keep) + σ(entry)), where 1/σ(x) is 1 + e^-x. Softplus would be shorter, but the runtime computes
        # the last few numbers of an array another way than the rest: a row would depend on its place in the batch.
        kept, entered = (add("Add", self._one(), add("Exp", add("Neg", self._low(gate)))) for gate in (entry, keep))
        share = add("Div", kept, add("Add", kept, entered))
        output = self._between(candidate, memory[0], share)
        return [output, output]

    def _cut(self, values: str, *shares: int) -> list[str]:
        """Cut (B, G · H) into parts of so many gates each."""
        return self.graph.split(values, *(share * self.shape.hidden_size for share in shares))

    def _one(self) -> str:
        return self.graph.constant("one", np.float32(1))

    def _low(self, values: str) -> str:
        """``values``, but none so low that its exponential is no number."""
        return self.graph.add("Max", values, self.graph.constant("lowest", np.float32(LOWEST_EXPONENT)))

    def _sru(self, layer: int, features: str, memory: list[str]) -> list[str]:
        gates = self._cut(self._given(layer, features), *(1 for _ in self.shape.gates(layer)))
        keep, past_it, candidate, *bridge = gates
        cell = self._between(candidate, memory[0], self.graph.add("Sigmoid", keep))
        past = bridge[0] if bridge else features
        return [self._between(past, cell, self.graph.add("Sigmoid", past_it)), cell]

    def _between(self, here: str, there: str, share: str) -> str:
        """``here`` where the share is 0, ``there`` where it is 1."""
        add = self.graph.add
        return add("Add", here, add("Mul", share, add("Sub", there, here)))

    # ── Products ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _reads_embedding(self) -> bool:
        return not is_folded(self.shape) or self.shape.is_residual(0) or self.shape.architecture == "sru"

    def _embedding(self) -> str:
        return self.graph.add("Gather", self._constant("embedding.weight"), "tokens", axis=0)

    def _all_gates(self, layer: int, features: str, memory: str) -> str:
        """What all gates get, (B, G · H); above the first layer as one product, which is faster than two."""
        if layer == 0:
            return self.graph.add("Add", self._given(layer, features), self._recalled(layer, memory))
        names = [(f"recurrent.weight_{side}_l{layer}", f"recurrent.bias_{side}_l{layer}") for side in ("ih", "hh")]
        weight = np.concatenate([self.tensors[weight] for weight, _ in names], axis=1)
        bias = sum(self.tensors[bias] for _, bias in names)
        return self._product(self.graph.add("Concat", features, memory, axis=1), weight, bias, f"gates.{layer}")

    def _given(self, layer: int, features: str) -> str:
        """What the gates get from what the layer reads, (B, G · H)."""
        weight, bias = (self.tensors[f"recurrent.{name}_ih_l{layer}"] for name in ("weight", "bias"))
        if layer == 0 and is_folded(self.shape):
            table = self.tensors["embedding.weight"] @ weight.T + bias
            return self.graph.add("Gather", self.graph.constant("table", table), "tokens", axis=0)
        return self._product(features, weight, bias, f"inputs.{layer}")

    def _recalled(self, layer: int, memory: str) -> str:
        weight, bias = (self.tensors[f"recurrent.{name}_hh_l{layer}"] for name in ("weight", "bias"))
        return self._product(memory, weight, bias, f"recurrent.{layer}")

    def _projected(self, features: str) -> str:
        if "projection.weight" not in self.tensors:
            return features
        return self._product(features, self.tensors["projection.weight"], self.tensors["projection.bias"], "projection")

    def _decoder(self) -> ndarray:
        return self.tensors["embedding.weight" if self.shape.tie_embeddings else "decoder.weight"]

    def _product(self, values: str, weight: ndarray, bias: ndarray, name: str, output: str = "") -> str:
        """(B, I) times (O, I) plus (O,)."""
        graph, place = self.graph, f"place.{name}"
        bias_name = graph.constant(f"bias.{name}", bias)
        if self.scales is None:
            if self.is_watched:
                self.places.append(graph.add("Identity", values, name=place))
            product = graph.add("MatMul", values, graph.constant(f"weight.{name}", weight.T))
            return graph.add("Add", product, bias_name, name=output)
        rounded, row_scales = rounded_rows(weight)
        scale = graph.constant(f"scale.{place}", np.float32(self.scales[place] / STEPS_OF_A_BYTE))
        middle = graph.constant("middle", np.uint8(128))
        inputs = (
            graph.add("QuantizeLinear", values, scale, middle),
            graph.constant(f"weight.{name}", rounded.T),
            scale,
            graph.constant(f"rows.{name}", row_scales),
            middle,
            graph.constant(f"zeros.{name}", np.zeros(len(row_scales), np.int8)),
            bias_name,
        )
        return graph.add("MatMulIntegerToFloat", *inputs, domain=RUNTIME_OPERATORS, name=output)

    def _constant(self, name: str) -> str:
        return self.graph.constant(name, self.tensors[name])


def _sigmoids_first(tensors: Mapping[str, ndarray]) -> dict[str, ndarray]:
    """An LSTM's weights with the candidate's rows behind those of the gates, which then need one sigmoid."""
    return {name: _candidate_last(one) if name.startswith("recurrent.") else one for name, one in tensors.items()}


def _candidate_last(rows: ndarray) -> ndarray:
    entry, keep, candidate, output = np.split(rows, 4)
    return np.concatenate([entry, keep, output, candidate])
