"""From a model file to what writes lyrics without torch: a folder of ONNX graphs, proved before anybody reads them.

    network ──▶ step.float32.onnx ──▶ text read by it: how large each place gets ──▶ step.int8.onnx, and compiled
                     │                                                                 │
                     └── the gates: equal to torch? as good in eight bits? a row alone as in a batch? ──▶ manifest

What does not pass is not served: eight bits only where perplexity stays, and where a row's result depends on the rows
beside it all batches have one size, so that a seed gives the same text all the same.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy import ndarray

from training.language_model.checkpoint import LoadedModel, write_durably
from training.language_model.compiled_step import CompiledNetwork, build_weights, can_be_compiled
from training.language_model.errors import CheckpointError
from training.language_model.kernels.linked import has_products
from training.language_model.networks import LyricNetwork
from training.language_model.serving_files import (
    COMPILED_FILE,
    FORMAT,
    GRAPH_FILES,
    MANIFEST_FILE,
    TOKENIZER_FILE,
    VERSION,
)
from training.language_model.shapes import NetworkShape
from training.language_model.step_graph import build_graph, is_folded
from training.language_model.step_network import (
    STEPS_COMPARED,
    StepNetwork,
    rows_that_may_stand_together,
)
from training.language_model.this_machine import this_machine

ROWS, LONGEST = 16, 192  # of the text that the gates are judged by
MARGIN = 1.25  # of a place over the largest number that was ever there
MOST_DIFFERENCE = 1e-4  # of a step from torch's
MOST_PERPLEXITY_CHANGE = 0.002


@dataclass(frozen=True, kw_only=True)
class Gates:
    """What was measured at the export, and what follows from it.

    ``difference`` is the largest between a step of the float32 graph and torch's, ``perplexity_change`` that of the
    eight-bit graph as a share; ``rows_at_once`` is the size of every batch, None where a row gives the same in any.
    """

    served: str
    difference: float
    perplexity: float
    perplexity_change: float
    rows_at_once: int | None
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
    compiled = compiled_weights(tensors, network.shape, scales, gates, text)
    if compiled is not None:
        write_durably(folder / COMPILED_FILE, compiled)
    write_durably(folder / TOKENIZER_FILE, json.dumps(tokenizer.to_dict(), ensure_ascii=False).encode())
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "network": network.shape.to_dict(),
        "gates": asdict(gates),
        "scales": scales,
        "compiled": compiled is not None,
        "made_with": {"torch": torch.__version__, **this_machine()},
    }
    write_durably(folder / MANIFEST_FILE, json.dumps(manifest, indent=1, allow_nan=False).encode())
    return manifest


def examine(network: LyricNetwork, graphs: dict[str, bytes], text: ndarray) -> Gates:
    """Pass the graphs through every gate, by ``text`` (T, B). Raises: CheckpointError."""
    runs = {precision: StepNetwork(graph, network.shape) for precision, graph in graphs.items()}
    difference = largest_difference(network, runs["float32"], text)
    if not difference <= MOST_DIFFERENCE:  # not a number is none too
        raise CheckpointError(f"The graph made of this model differs from it by {difference:.2g} in a score.")
    nats = {precision: _nats_of(run, text) for precision, run in runs.items()}
    judged = text[1:].size
    change = float(np.expm1((nats["int8"] - nats["float32"]) / judged))
    together = {precision: rows_that_may_stand_together(run, text) for precision, run in runs.items()}
    served = "int8" if abs(change) <= MOST_PERPLEXITY_CHANGE and together["int8"] is None else "float32"
    return Gates(
        served=served,
        difference=difference,
        perplexity=float(np.exp(min(nats["float32"] / judged, 700.0))),
        perplexity_change=change,
        rows_at_once=together[served],
        tokens=judged,
    )


def compiled_weights(
    tensors: Mapping[str, ndarray],
    shape: NetworkShape,
    scales: Mapping[str, float],
    gates: Gates,
    text: ndarray,
) -> bytes | None:
    """The weights of the compiled step of a network that is served in eight bits.

    None where there is no such step, or where this processor can try it and it does not pass the gates that its graph
    passed.
    """
    if gates.served != "int8" or not (can_be_compiled(shape) and is_folded(shape)):
        return None
    weights = build_weights(tensors, shape, scales)
    if has_products():
        run = CompiledNetwork(weights, shape)
        change = abs(_nats_of(run, text) / gates.tokens - np.log(gates.perplexity))
        if not change <= np.log1p(MOST_PERPLEXITY_CHANGE) or rows_that_may_stand_together(run, text) is not None:
            return None
    return weights


@torch.no_grad()
def largest_difference(network: LyricNetwork, run: StepNetwork, text: ndarray) -> float:
    """The largest between what torch and the graph make of the same memory and token, step by step over ``text``.

    As a share of the largest number there, where that is above one. Each step begins from torch's memory: what a
    network makes of a difference over many steps says how chaotic it is, and not whether the graph is right.
    """
    state, memory, largest = None, run.first_memory(text.shape[1]), 0.0
    for tokens in text:
        scores, after = run.step(tokens, memory)
        wanted, state = network(torch.from_numpy(tokens)[None], state)
        memory = [part[0].numpy() for layer in state for part in (layer if isinstance(layer, tuple) else (layer,))]
        for own, torchs in zip((scores, *after), (wanted[0].numpy(), *memory), strict=True):
            difference = float(np.abs(own - torchs).max() / max(1.0, np.abs(torchs).max()))
            largest = difference if np.isnan(difference) else max(largest, difference)
    return largest


def measured_scales(watched_graph: bytes, shape: NetworkShape, text: ndarray) -> dict[str, float]:
    """How large each multiplied place may get: the largest number met in ``text`` (T, B), and a margin."""
    run, largest = StepNetwork(watched_graph, shape), {}
    memory = run.first_memory(text.shape[1])
    for tokens in text:
        found, memory = run.watch(tokens, memory)
        for name, values in found.items():
            largest[name] = max(largest.get(name, 1e-6), float(np.abs(values).max()))
    return {name: _allowed(name, value, shape) for name, value in largest.items()}


def _allowed(place: str, largest: float, shape: NetworkShape) -> float:
    """Where tanh and gates bound what a layer gives and remembers, it never passes one."""
    is_state = place.startswith(("place.recurrent", "place.gates")) and shape.is_bounded
    return min(largest * MARGIN, 1.0) if is_state else largest * MARGIN


def written_text(graph: bytes, shape: NetworkShape, *, begin_id: int) -> ndarray:
    """What the model writes when it draws by its own chances: tokens (T, B), the same each time."""
    run, draws = StepNetwork(graph, shape), np.random.default_rng(0)
    memory, tokens, text = run.first_memory(ROWS), np.full(ROWS, begin_id), []
    for _ in range(LONGEST):
        text.append(tokens)
        scores, memory = run.step(tokens, memory)
        noise = draws.gumbel(size=scores.shape)  # the highest of scores and such noise is a draw from their softmax
        tokens = (scores + noise).argmax(axis=1)
    return np.stack(text)


def _side_by_side(songs: Iterable[list[int]], begin_id: int) -> ndarray | None:
    """The beginning of the songs as tokens (T, B); None where they are too short to judge by."""
    stream = [token for song in songs for token in (begin_id, *song)][: ROWS * LONGEST]
    rows = len(stream) // ROWS
    return np.array(stream[: rows * ROWS]).reshape(ROWS, rows).T.copy() if rows > STEPS_COMPARED else None


def _nats_of(run: StepNetwork, text: ndarray) -> float:
    """The sum of -log p of each token of ``text`` (T, B) but the first, given those before it."""
    return sum(_nats(scores, targets) for scores, targets in zip(run.read(text[:-1]), text[1:], strict=True))


def _nats(scores: ndarray, targets: ndarray) -> float:
    """The sum of -log softmax(scores (B, V)) at targets (B,)."""
    scores = scores.astype(np.float64)
    highest = scores.max(axis=1, keepdims=True)
    sums = np.log(np.exp(scores - highest).sum(axis=1)) + highest[:, 0]
    return float((sums - scores[np.arange(len(targets)), targets]).sum())
