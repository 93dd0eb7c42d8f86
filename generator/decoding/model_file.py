"""Read a model that is ready to write: its manifest, its tokenizer and the graph that its gates chose."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from generator.decoding.prefixes import Prefixes
from training.language_model.compiled_step import CompiledNetwork
from training.language_model.kernels.linked import has_products
from training.language_model.serving_files import (
    COMPILED_FILE,
    FORMAT,
    GRAPH_FILES,
    MANIFEST_FILE,
    TOKENIZER_FILE,
    VERSION,
)
from training.language_model.shapes import NetworkShape
from training.language_model.this_machine import this_machine
from training.language_model.tokenizers import Tokenizer, tokenizer_from_dict

STEPS_LOOKED_AT = 4  # at each load; an export looks at many more


if TYPE_CHECKING:
    from training.language_model.step_network import StepNetwork


class ModelDamaged(Exception):
    """Raised when files are not the model that they were published as, or no model this program can read."""


@dataclass(frozen=True)
class WritingModel:
    """A network and its tokenizer, ready to write; shared by threads, never changed but for the prompts it has read.

    ``precision`` is that of its products: "float32" or "int8"; ``stepped_by`` is what computes them.
    """

    network: "CompiledNetwork | StepNetwork"
    tokenizer: Tokenizer
    size_bytes: int  # in memory
    precision: str = "float32"
    stepped_by: str = "onnxruntime"
    prefixes: Prefixes = field(default_factory=Prefixes, repr=False, compare=False)


def read_model(read: Callable[[str], bytes]) -> WritingModel:
    """The model whose files ``read`` gives by their names.

    Raises: ModelDamaged with a sentence that says what is wrong, and whatever ``read`` raises.
    """
    try:
        manifest = json.loads(read(MANIFEST_FILE))
        if (manifest["format"], manifest["version"]) != (FORMAT, VERSION):
            raise ModelDamaged("It was not made ready for a version known here.")
        shape = NetworkShape.from_dict(manifest["network"])
        tokenizer = tokenizer_from_dict(json.loads(read(TOKENIZER_FILE)))
        if tokenizer.vocabulary_size != shape.vocabulary_size:
            raise ModelDamaged("Its vocabulary and its network are of different sizes.")
        gates = manifest["gates"]
        if gates["served"] == "int8" and manifest.get("compiled") and has_products():
            return _compiled(read(COMPILED_FILE), shape, tokenizer)
        return _stepped_by_graph(read, gates, shape, tokenizer)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelDamaged(f"It could not be read ({type(error).__name__}: {error}).") from error


def _compiled(weights: bytes, shape: NetworkShape, tokenizer: Tokenizer) -> WritingModel:
    network = CompiledNetwork(weights, shape)
    return WritingModel(network, tokenizer, size_bytes=len(weights), precision="int8", stepped_by="compiled functions")


def _stepped_by_graph(
    read: Callable[[str], bytes], gates: dict, shape: NetworkShape, tokenizer: Tokenizer
) -> WritingModel:
    # Here and not above: the runtime takes 45 MB, and a process whose models are all compiled does without it.
    from training.language_model.step_network import (
        SIDE_BY_SIDE,
        StepNetwork,
        rows_that_may_stand_together,
    )

    graph = read(GRAPH_FILES[gates["served"]])
    network = StepNetwork(graph, shape, rows_at_once=gates["rows_at_once"])
    if network.rows_at_once is None:  # where rows disturb each other on this processor, they go one by one
        tokens = np.random.default_rng(0).integers(0, shape.vocabulary_size, (STEPS_LOOKED_AT, SIDE_BY_SIDE))
        network.rows_at_once = rows_that_may_stand_together(network, tokens)
    return WritingModel(network, tokenizer, size_bytes=2 * len(graph), precision=gates["served"])


def surroundings(model: WritingModel) -> dict[str, str]:
    """What a text depends on beside model, prompt and recipe: the processor, the programs that counted, and how."""
    return {**this_machine(), "precision": model.precision, "stepped_by": model.stepped_by}
