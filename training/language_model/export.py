"""From a model file to what writes lyrics without torch: a folder of ONNX graphs, proved before anybody reads them.

    network ──▶ step.float32.onnx ──▶ text read by it: how large each place gets ──▶ step.int8.onnx
                     │                                                                 │
                     └── the gates: equal to torch? as good in eight bits? a row alone as in a batch? ──▶ manifest

What does not pass is not served: eight bits only where perplexity stays, and where a row's result depends on the rows
beside it the batch has one fixed size, so that a seed gives the same text all the same.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy import ndarray

from training.language_model.checkpoint import LoadedModel, write_durably
from training.language_model.errors import CheckpointError
from training.language_model.networks import LyricNetwork
from training.language_model.shapes import NetworkShape
from training.language_model.step_graph import build_graph, is_bounded, memory_names, next_names

FORMAT, VERSION = "lyrics-serving", "1"
MANIFEST_FILE, TOKENIZER_FILE = "serving.json", "tokenizer.json"
GRAPH_FILES = {"float32": "step.float32.onnx", "int8": "step.int8.onnx"}
ROWS, LONGEST = 16, 192  # of the text that the gates are judged by
ROWS_ALONE, STEPS_ALONE = (0, 3, 15), 24
MARGIN = 1.25  # of a place over the largest number that was ever there
MOST_DIFFERENCE = 1e-4  # of a score from torch's
MOST_PERPLEXITY_CHANGE = 0.002


@dataclass(frozen=True, kw_only=True)
class Gates:
    """What was measured at the export, and what follows from it.

    ``difference`` is the largest between a float32 graph's score and torch's, ``perplexity_change`` that of the eight-
    bit graph as a share; ``fixed_batch`` the rows of every step, None where a row alone gives what it gives in a batch.
    """

    served: str
    difference: float
    perplexity: float
    perplexity_change: float
    is_row_alone_equal: dict[str, bool]
    fixed_batch: int | None
    tokens: int


def export_model(model: LoadedModel, folder: Path, *, songs: Iterable[list[int]] = ()) -> dict[str, Any]:
    """Write graphs, tokenizer and manifest of a model into an empty ``folder``; what the manifest says.

    Args:
        songs: token ids of songs that the model did not learn from; without any, the gates are judged by what the
            model itself writes.
    Raises: CheckpointError when the graph does not compute what the network does.
    """
    network, tokenizer = model.network.eval(), model.tokenizer
    tensors = {name: one.numpy() for name, one in network.named_tensors().items()}
    graphs = {"float32": build_graph(tensors, network.shape)}
    text = _side_by_side(songs, tokenizer.begin_id)
    if text is None:
        text = written_text(graphs["float32"], network.shape, begin_id=tokenizer.begin_id)
    scales = measured_scales(build_graph(tensors, network.shape, is_watched=True), network.shape, text)
    graphs["int8"] = build_graph(tensors, network.shape, scales=scales)
    gates = examine(network, graphs, text)
    for precision, graph in graphs.items():
        write_durably(folder / GRAPH_FILES[precision], graph)
    write_durably(folder / TOKENIZER_FILE, json.dumps(tokenizer.to_dict(), ensure_ascii=False).encode())
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "network": network.shape.to_dict(),
        "gates": asdict(gates),
        "scales": scales,
        "made_with": {"onnxruntime": onnxruntime.__version__, "torch": torch.__version__},
    }
    write_durably(folder / MANIFEST_FILE, json.dumps(manifest, indent=1, allow_nan=False).encode())
    return manifest


def examine(network: LyricNetwork, graphs: dict[str, bytes], text: ndarray) -> Gates:
    """Pass the graphs through every gate, by ``text`` (T, B). Raises: CheckpointError."""
    runs = {precision: Stepper(graph, network.shape) for precision, graph in graphs.items()}
    nats, difference = dict.fromkeys(runs, 0.0), 0.0
    readings = zip(network_scores(network, text), *(run.scores(text) for run in runs.values()), strict=True)
    for step, (wanted, *given) in enumerate(readings, start=1):
        difference = max(difference, float(np.abs(given[0] - wanted).max()))
        if step < len(text):
            for precision, scores in zip(runs, given, strict=True):
                nats[precision] += _nats(scores, text[step])
    if not difference <= MOST_DIFFERENCE:  # not a number is none too
        raise CheckpointError(f"The graph made of this model differs from it by {difference:.2g} in a score.")
    judged = text[1:].size
    change = float(np.expm1((nats["int8"] - nats["float32"]) / judged))
    is_equal = {precision: run.is_row_alone_equal(text) for precision, run in runs.items()}
    served = "int8" if abs(change) <= MOST_PERPLEXITY_CHANGE and is_equal["int8"] else "float32"
    return Gates(
        served=served,
        difference=difference,
        perplexity=float(np.exp(min(nats["float32"] / judged, 700.0))),
        perplexity_change=change,
        is_row_alone_equal=is_equal,
        fixed_batch=None if is_equal[served] else ROWS,
        tokens=judged,
    )


@torch.no_grad()
def network_scores(network: LyricNetwork, text: ndarray) -> Iterator[ndarray]:
    """What torch computes: the scores (B, V) after each row of ``text`` (T, B)."""
    state = None
    for tokens in torch.from_numpy(text):
        scores, state = network(tokens[None], state)
        yield scores[0].numpy()


class Stepper:
    """Runs a graph step by step, on one thread, with nothing remembered at first."""

    def __init__(self, graph: bytes, shape: NetworkShape) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.shape = shape
        self.watched = [one.name for one in self.session.get_outputs() if one.name.startswith("place.")]

    def scores(self, text: ndarray) -> Iterator[ndarray]:
        """The scores (B, V) after each row of ``text`` (T, B)."""
        memory = self.first_memory(text.shape[1])
        for tokens in text:
            (scores, *_), memory = self.step(tokens, memory)
            yield scores

    def first_memory(self, rows: int) -> dict[str, ndarray]:
        return {name: np.zeros((rows, self.shape.hidden_size), np.float32) for name in memory_names(self.shape)}

    def step(self, tokens: ndarray, memory: dict[str, ndarray]) -> tuple[list[ndarray], dict[str, ndarray]]:
        """([scores, watched places …], what is remembered now) after ``tokens`` (B,)."""
        outputs = ["scores", *self.watched, *next_names(self.shape)]
        results = self.session.run(outputs, {"tokens": tokens, **memory})
        given = 1 + len(self.watched)
        return results[:given], dict(zip(memory, results[given:], strict=True))

    def is_row_alone_equal(self, text: ndarray) -> bool:
        """Whether rows of a batch give bit by bit what they give alone."""
        text = text[:STEPS_ALONE]
        together = np.stack([*self.scores(text)])
        columns = [column for column in ROWS_ALONE if column < text.shape[1]]
        return all(
            np.array_equal(np.stack([*self.scores(text[:, column : column + 1])])[:, 0], together[:, column])
            for column in columns
        )


def measured_scales(watched_graph: bytes, shape: NetworkShape, text: ndarray) -> dict[str, float]:
    """How large each multiplied place may get: the largest number met in ``text`` (T, B), and a margin."""
    run, largest = Stepper(watched_graph, shape), {}
    memory = run.first_memory(text.shape[1])
    for tokens in text:
        (_, *found), memory = run.step(tokens, memory)
        for name, values in zip(run.watched, found, strict=True):
            largest[name] = max(largest.get(name, 1e-6), float(np.abs(values).max()))
    return {name: _allowed(name, value, shape) for name, value in largest.items()}


def _allowed(place: str, largest: float, shape: NetworkShape) -> float:
    """Where tanh and gates bound what is remembered, it never passes one."""
    is_state = place.startswith("place.recurrent") and is_bounded(shape)
    return min(largest * MARGIN, 1.0) if is_state else largest * MARGIN


def written_text(graph: bytes, shape: NetworkShape, *, begin_id: int) -> ndarray:
    """What the model writes when it draws by its own chances: tokens (T, B), the same each time."""
    run, draws = Stepper(graph, shape), np.random.default_rng(0)
    memory, tokens, text = run.first_memory(ROWS), np.full(ROWS, begin_id), []
    for _ in range(LONGEST):
        text.append(tokens)
        (scores, *_), memory = run.step(tokens, memory)
        noise = draws.gumbel(size=scores.shape)  # the highest of scores and such noise is a draw from their softmax
        tokens = (scores + noise).argmax(axis=1)
    return np.stack(text)


def _side_by_side(songs: Iterable[list[int]], begin_id: int) -> ndarray | None:
    """The beginning of the songs as tokens (T, B); None where they are too short to judge by."""
    stream = [token for song in songs for token in (begin_id, *song)][: ROWS * LONGEST]
    rows = len(stream) // ROWS
    return np.array(stream[: rows * ROWS]).reshape(ROWS, rows).T.copy() if rows > STEPS_ALONE else None


def _nats(scores: ndarray, targets: ndarray) -> float:
    """The sum of -log softmax(scores (B, V)) at targets (B,)."""
    scores = scores.astype(np.float64)
    highest = scores.max(axis=1, keepdims=True)
    sums = np.log(np.exp(scores - highest).sum(axis=1)) + highest[:, 0]
    return float((sums - scores[np.arange(len(targets)), targets]).sum())
