"""Read ``model.safetensors``: tensors, network and tokenizer from one self-sufficient file."""

import hashlib
import json
import struct
from dataclasses import dataclass, field

import safetensors
import safetensors.numpy

from generator.decoding.network import StepNetwork
from generator.decoding.prefixes import Prefixes
from training.language_model.shapes import NetworkShape
from training.language_model.tokenizers import Tokenizer, tokenizer_from_dict

FORMAT, VERSION = "lyrics-model", "1"


class ModelDamaged(Exception):
    """Raised when a file is not the model that it was published as, or no model this program can read."""


@dataclass(frozen=True)
class WritingModel:
    """A network and its tokenizer, ready to write; shared by threads, never changed but for the prompts it has read."""

    network: StepNetwork
    tokenizer: Tokenizer
    size_bytes: int  # in memory
    prefixes: Prefixes = field(default_factory=Prefixes, repr=False, compare=False)


def read_model(content: bytes, *, sha256: str | None = None) -> WritingModel:
    """The model in ``content``, the bytes of a ``model.safetensors``.

    Args: sha256: when given, what the content must hash to.
    Raises: ModelDamaged with a sentence that says what is wrong.
    """
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ModelDamaged("Its content is not what was published.")
    try:
        tensors = safetensors.numpy.load(content)
        metadata = _metadata(content)
        if (metadata.get("format"), metadata.get("version")) != (FORMAT, VERSION):
            raise ModelDamaged("It is not a lyrics model of a version known here.")
        shape = NetworkShape.from_dict(json.loads(metadata["network"]))
        tokenizer = tokenizer_from_dict(json.loads(metadata["tokenizer"]))
        network = StepNetwork.from_tensors(tensors, shape)
    except (safetensors.SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelDamaged(f"It could not be read ({type(error).__name__}: {error}).") from error
    if tokenizer.vocabulary_size != shape.vocabulary_size:
        raise ModelDamaged("Its vocabulary and its network are of different sizes.")
    return WritingModel(network, tokenizer, network.size_bytes)


def _metadata(content: bytes) -> dict:
    (header_size,) = struct.unpack_from("<Q", content)
    return json.loads(content[8 : 8 + header_size]).get("__metadata__", {})
