"""Read a model that is ready to write: its manifest, its tokenizer and the graph that its gates chose."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from generator.decoding.prefixes import Prefixes
from training.language_model.serving_files import FORMAT, GRAPH_FILES, MANIFEST_FILE, TOKENIZER_FILE, VERSION
from training.language_model.shapes import NetworkShape
from training.language_model.step_network import SIDE_BY_SIDE, StepNetwork, rows_that_may_stand_together
from training.language_model.tokenizers import Tokenizer, tokenizer_from_dict

STEPS_LOOKED_AT = 4  # at each load; an export looks at many more


class ModelDamaged(Exception):
    """Raised when files are not the model that they were published as, or no model this program can read."""


@dataclass(frozen=True)
class WritingModel:
    """A network and its tokenizer, ready to write; shared by threads, never changed but for the prompts it has read.

    ``precision`` is that of its products: "float32" or "int8".
    """

    network: StepNetwork
    tokenizer: Tokenizer
    size_bytes: int  # in memory
    precision: str = "float32"
    prefixes: Prefixes = field(default_factory=Prefixes, repr=False, compare=False)


def read_model(read: Callable[[str], bytes]) -> WritingModel:
    """The model whose files ``read`` gives by their names.

    Raises: ModelDamaged with a sentence that says what is wrong, and whatever ``read`` raises.
    """
    try:
        manifest = json.loads(read(MANIFEST_FILE))
        if (manifest["format"], manifest["version"]) != (FORMAT, VERSION):
            raise ModelDamaged("It was not made ready for a version known here.")
        shape, gates = NetworkShape.from_dict(manifest["network"]), manifest["gates"]
        tokenizer = tokenizer_from_dict(json.loads(read(TOKENIZER_FILE)))
        graph = read(GRAPH_FILES[gates["served"]])
        network = StepNetwork(graph, shape, rows_at_once=gates["rows_at_once"])
        if tokenizer.vocabulary_size != shape.vocabulary_size:
            raise ModelDamaged("Its vocabulary and its network are of different sizes.")
        _look_at_rows(network)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelDamaged(f"It could not be read ({type(error).__name__}: {error}).") from error
    return WritingModel(network, tokenizer, size_bytes=2 * len(graph), precision=gates["served"])


def _look_at_rows(network: StepNetwork) -> None:
    """Where rows of a batch disturb each other on this processor, have them go through the graph one by one."""
    if network.rows_at_once is None:
        tokens = np.random.default_rng(0).integers(0, network.shape.vocabulary_size, (STEPS_LOOKED_AT, SIDE_BY_SIDE))
        network.rows_at_once = rows_that_may_stand_together(network, tokens)
