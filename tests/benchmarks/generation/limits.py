"""A step over the int8 limit: what the processor needs at the least to read the weights, or to multiply by them.

Bandwidth is measured by reading a buffer as large as the weights, again and again, so that it stays as near to the core
as they do; the peak by onnxruntime's MatMulInteger, unsigned by signed, on matrices far larger than a step's.
"""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from generator.decoding.batch import Batch, Text
from generator.decoding.model_file import WritingModel
from tests.benchmarks.generation import models, writing
from tests.benchmarks.generation.figures import at_most, median, show
from tests.benchmarks.generation.openings import openings

ROUNDS, STEPS = 9, {1: 100, 16: 40, 64: 16}
PRODUCTS = ((256, 1024, 4096), (1024, 1024, 1024), (512, 2048, 2048))  # rows, inputs, outputs
GOAL = 3.5


def run(folder: Path) -> None:
    model = writing.open_model(models.ready_model(folder, "standard"), precision="int8")
    size = weights_in_products(model)
    bandwidth, peak = measured_bandwidth(size), measured_peak()
    show("weights in eight bits", f"{size / 1e6:.1f} MB", f"read at {bandwidth / 1e9:.0f} GB/s")
    show("peak of int8 products", f"{peak / 1e9:,.0f} GOP/s")
    for rows, steps in STEPS.items():
        limit = max(size / bandwidth, rows * 2 * size / peak)
        step, network = measured_steps(model, rows, steps)
        show(
            f"B={rows}: limit, network alone, whole step",
            f"{limit * 1e6:,.0f}, {network * 1e6:,.0f}, {step * 1e6:,.0f} us",
        )
        at_most(f"B={rows}: step over the limit", step / limit, GOAL, "×")


def weights_in_products(model: WritingModel) -> int:
    """How many weights each row is multiplied by at each step, the first layer's input being looked up."""
    shape = model.network.shape
    gates = len(shape.gates(0)) * shape.hidden_size
    recurrent = gates * shape.hidden_size * (2 * shape.num_layers - 1)
    return recurrent + shape.embedding_size * (shape.hidden_size + shape.vocabulary_size)


def processor_seconds(work: Callable[[], object], times: int) -> float:
    started = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - started) / times


def measured_bandwidth(size: int) -> float:
    """Bytes a second of the fastest way to read so many."""
    whole = np.ones(size // 8 * 8, np.int8)
    halves = np.split(whole.view(np.float32)[: size // 8 * 2], 2)
    ways = (whole.max, lambda: np.dot(*halves), lambda: np.bitwise_or.reduce(whole.view(np.int64)))
    return size / min(median(processor_seconds(way, 20) for _ in range(ROUNDS)) for way in ways)


def measured_peak() -> float:
    """Operations a second of the best product."""
    found = []
    for rows, inputs, outputs in PRODUCTS:
        session = product(inputs, outputs)
        left = {"left": np.random.default_rng(0).integers(0, 255, (rows, inputs), np.uint8)}
        session.run(None, left)
        seconds = median(processor_seconds(lambda s=session, x=left: s.run(None, x), 3) for _ in range(ROUNDS))
        found.append(2 * rows * inputs * outputs / seconds)
    return max(found)


def product(inputs: int, outputs: int) -> onnxruntime.InferenceSession:
    weights = np.random.default_rng(1).integers(-127, 127, (inputs, outputs), np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["left", "weights"], ["product"])],
        "product",
        [helper.make_tensor_value_info("left", TensorProto.UINT8, ["B", inputs])],
        [helper.make_tensor_value_info("product", TensorProto.INT32, ["B", outputs])],
        initializer=[numpy_helper.from_array(weights, "weights")],
    )
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def measured_steps(model: WritingModel, rows: int, steps: int) -> tuple[float, float]:
    """Seconds of (a whole step with draws and texts, the network's part of it)."""
    batch = batch_of(model, rows, tokens=ROUNDS * steps + 8)
    tokens = np.fromiter((row.token for row in batch.rows), np.int64, rows)
    whole, network = [], []
    for _ in range(ROUNDS):
        whole.append(processor_seconds(batch.step, steps))
        network.append(processor_seconds(lambda: model.network.step(tokens, batch.memory), steps))
    return median(whole), median(network)


def batch_of(model: WritingModel, rows: int, *, tokens: int) -> Batch:
    """A batch whose rows have read their prompts, each with so many tokens to write."""
    batch = Batch(model)
    for prompt, recipe in zip(openings(1, number=rows) * rows, writing.recipes(rows, tokens=tokens), strict=True):
        batch.join(Text(model, prompt, recipe))
    while not batch.step():
        pass
    return batch
