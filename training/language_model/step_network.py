"""Runs the graph of one step (`step_graph`) on onnxruntime: what writes lyrics, without torch.

A seed gives the same text only if what a row gives depends on nothing but itself. That is so for the graphs of every
cell here (measured, to the last bit, for batches of 1 to 64), and it is looked at again wherever a graph is loaded: on
a processor where it is not so, rows go through the graph in batches of one size, or else one by one.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import onnxruntime
from numpy import ndarray

from training.language_model.shapes import NetworkShape

SIDE_BY_SIDE = 16  # rows that are compared with themselves in smaller batches
PARTS = (0, 1, 2, 4, 9, 16)  # these begin at each of these rows: one row, one, two, five, seven
STEPS_COMPARED = 24


def memory_names(shape: NetworkShape) -> list[str]:
    """The inputs that hold what is remembered, in the order of `StepNetwork.first_memory`."""
    return [f"memory.{layer}.{part}" for layer in range(shape.num_layers) for part in range(shape.memory_parts)]


def next_names(shape: NetworkShape) -> list[str]:
    """The outputs that hold what is remembered after a step, in the same order."""
    return [name.replace("memory", "next", 1) for name in memory_names(shape)]


class StepNetwork:
    """A network that reads one token at a time, on one thread.

    ``rows_at_once`` is None where rows may stand in a batch of any size, else the one size that batches have.
    ``watched`` names the places whose values a step gives too, of a graph that was built so.
    Raises: ValueError for what is no such graph.
    """

    def __init__(self, graph: bytes, shape: NetworkShape, *, rows_at_once: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's errors have no common base
            raise ValueError(f"onnxruntime can't read the graph ({type(error).__name__})") from error
        self.shape, self.rows_at_once = shape, rows_at_once
        self.size_bytes = len(graph)
        self.watched = [one.name for one in session.get_outputs() if one.name.startswith("place.")]
        self._inputs = ["tokens", *memory_names(shape)]
        self._outputs = ["scores", *next_names(shape), *self.watched]
        given = {one.name for one in session.get_inputs()}
        if given != set(self._inputs) or {one.name for one in session.get_outputs()} != set(self._outputs):
            raise ValueError("the graph is not that of this network")
        session._model_bytes = None  # kept for a fall-back to other providers; there is none, and it may be 40 MB
        self._session = session

    def first_memory(self, rows: int) -> list[ndarray]:
        """What is remembered at the beginning of a song: an array (rows, H) for each part of each layer."""
        return [np.zeros((rows, self.shape.hidden_size), np.float32) for _ in self._inputs[1:]]

    def step(self, tokens: ndarray, memory: Sequence[ndarray]) -> tuple[ndarray, Sequence[ndarray]]:
        """(scores (B, V) of every next token, what is remembered now) after each row read its token (B,), int64.

        Both stay as they are until the step after the next one; who wants them for longer copies them.
        """
        if self.rows_at_once is None or len(tokens) == self.rows_at_once:
            if not isinstance(memory, Kept):
                memory = Kept.pair(self._session, self.shape, memory)
            return memory.step(tokens)
        scores, *after = self._in_equal_batches(tokens, memory)
        return scores, after[: len(memory)]

    def watch(self, tokens: ndarray, memory: Sequence[ndarray]) -> tuple[dict[str, ndarray], list[ndarray]]:
        """(the values at each watched place, what is remembered now) after a step."""
        _, *after = self._run(tokens, memory)
        return dict(zip(self.watched, after[len(memory) :], strict=True)), after[: len(memory)]

    def read(self, text: ndarray) -> Iterator[ndarray]:
        """The scores (B, V) after each row of ``text`` (T, B)."""
        memory = self.first_memory(text.shape[1])
        for tokens in text:
            scores, memory = self.step(tokens, memory)
            yield scores.copy()

    def _run(self, tokens: ndarray, memory: Sequence[ndarray]) -> list[ndarray]:
        return self._session.run(self._outputs, dict(zip(self._inputs, (tokens, *memory), strict=True)))

    def _in_equal_batches(self, tokens: ndarray, memory: Sequence[ndarray]) -> list[ndarray]:
        size, rows = self.rows_at_once, len(tokens)
        places = np.arange(-(-rows // size) * size) % rows  # the last batch is filled up with rows once more
        batches = [places[start : start + size] for start in range(0, len(places), size)]
        results = [self._run(tokens[batch], [part[batch] for part in memory]) for batch in batches]
        return [np.concatenate(parts)[:rows] for parts in zip(*results, strict=True)]


class Kept(list[ndarray]):
    """What is remembered, in arrays that the runtime reads and writes where they lie: one step, one copy less each.

    They come in pairs: a step reads one and writes the other. Who takes rows out or puts rows in makes arrays of their
    own, and with these the next step begins a new pair.
    """

    @classmethod
    def pair(cls, session: onnxruntime.InferenceSession, shape: NetworkShape, memory: Sequence[ndarray]) -> "Kept":
        """The one of a new pair that holds ``memory``."""
        here, there = cls(map(np.array, memory)), cls(map(np.empty_like, memory))
        for own, other in ((here, there), (there, here)):
            own._bind(session, shape, other)
        return here

    def _bind(self, session: onnxruntime.InferenceSession, shape: NetworkShape, other: "Kept") -> None:
        rows = len(self[0])
        self._session, self._other = session, other
        self._tokens, self._scores = np.zeros(rows, np.int64), np.empty((rows, shape.vocabulary_size), np.float32)
        self._bound = session.io_binding()
        for name, array in zip(["tokens", *memory_names(shape)], (self._tokens, *self), strict=True):
            self._bound.bind_cpu_input(name, array)
        for name, array in zip(["scores", *next_names(shape)], (self._scores, *other), strict=True):
            self._bound.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)

    def step(self, tokens: ndarray) -> tuple[ndarray, "Kept"]:
        """As `StepNetwork.step`."""
        self._tokens[:] = tokens
        self._session.run_with_iobinding(self._bound)
        return self._scores, self._other


def rows_that_may_stand_together(network: StepNetwork, text: ndarray) -> int | None:
    """What ``rows_at_once`` has to be here for each row of ``text`` (T, ≥ 16) to give what it gives alone.

    None where any batch will do; otherwise the size of batches in which neither place nor neighbours matter; at last 1.
    """
    text = text[:STEPS_COMPARED, :SIDE_BY_SIDE]
    together = _read(network, text)
    parts = [slice(start, stop) for start, stop in pairwise(PARTS)]
    if all(np.array_equal(_read(network, text[:, part]), together[:, part]) for part in parts):
        return None
    turned = _read(network, text[:, ::-1])[:, ::-1]
    return SIDE_BY_SIDE if np.array_equal(turned, together) else 1


def _read(network: StepNetwork, text: ndarray) -> ndarray:
    return np.stack([*network.read(text)])
