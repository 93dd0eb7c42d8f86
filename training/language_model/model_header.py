"""What a model file says of itself, read without its weights. Pure: the web looks at an upload by this, without torch.

A `.safetensors` begins with the size of its header, eight bytes, and the header as JSON: ``__metadata__`` and for each
tensor its type, its shape and where its bytes lie.
"""

import json
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

from training.language_model.config import MOST_PARAMETERS
from training.language_model.errors import CheckpointError
from training.language_model.shapes import NetworkShape, count_weights, expected_tensors
from training.language_model.tokenizers import Tokenizer, tokenizer_from_dict

FORMAT = "lyrics-model"
VERSION = "1"
DESCRIBED = ("config", "network", "tokenizer", "data", "metrics")
MOST_HEADER_BYTES = 100_000_000  # as the format has it
CUT_OFF = "This model file is cut off or damaged; it can't be read."
DAMAGED = "This model file's description is missing or damaged."


@dataclass(frozen=True, kw_only=True)
class ModelHeader:
    """All of a model file but its weights."""

    shape: NetworkShape
    tokenizer: Tokenizer
    config: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, Any]
    created: str


def read_header(file: BinaryIO) -> ModelHeader:
    """The header of an open file, if names, shapes, types and sizes of the weights are those of its network.

    Raises: CheckpointError with a sentence when the file is cut off, of another format or version, or when weights and
    description do not belong together.
    """
    start = file.read(9)
    if start.startswith((b"PK", b"\x80")) and not start.endswith(b"{"):  # a length of eight bytes may begin so too
        raise CheckpointError(
            "This is a PyTorch pickle, which could run any program; only .safetensors files are read."
        )
    if len(start) < 9:
        raise CheckpointError(CUT_OFF)
    (size,) = struct.unpack("<Q", start[:8])
    if size > MOST_HEADER_BYTES:
        raise CheckpointError(CUT_OFF)
    content = start[8:] + file.read(size - 1)
    try:
        header = json.loads(content)
        metadata = header.pop("__metadata__", {})
    except (ValueError, RecursionError, AttributeError) as error:
        raise CheckpointError(CUT_OFF) from error
    described = described_in(metadata if isinstance(metadata, dict) else {})
    shape = shape_described(described["network"])
    tokenizer = tokenizer_described(described["tokenizer"], shape)
    rest = file.seek(0, 2) - 8 - size
    check_weights(header, shape, rest)
    return ModelHeader(
        shape=shape,
        tokenizer=tokenizer,
        **{name: described[name] for name in ("config", "data", "metrics", "created")},
    )


def described_in(metadata: dict[str, str]) -> dict[str, Any]:
    """The metadata of a model file, its JSON read. Raises CheckpointError for another format or version."""
    if metadata.get("format") != FORMAT:
        raise CheckpointError("This .safetensors file does not hold a lyrics model.")
    if metadata.get("version") != VERSION:
        version = metadata.get("version", "none")[:20]
        raise CheckpointError(f"This model file has version {version}; this program reads version {VERSION}.")
    try:
        described = {name: json.loads(metadata[name]) for name in DESCRIBED}
    except (KeyError, ValueError, RecursionError) as error:
        raise CheckpointError(DAMAGED) from error
    if not all(isinstance(value, dict) for value in described.values()):
        raise CheckpointError(DAMAGED)
    return described | {"created": metadata.get("created", "")}


def shape_described(values: dict[str, Any]) -> NetworkShape:
    """The network's shape as a file describes it. Raises CheckpointError if it is none or too large to build."""
    try:
        shape = NetworkShape.from_dict(values)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    if count_weights(shape) > MOST_PARAMETERS:
        raise CheckpointError(
            f"This model has more than {MOST_PARAMETERS // 10**6} million weights, too many for here."
        )
    return shape


def tokenizer_described(values: dict[str, Any], shape: NetworkShape) -> Tokenizer:
    """The tokenizer in a file. Raises CheckpointError if it is none or its vocabulary is not the network's."""
    try:
        tokenizer = tokenizer_from_dict(values)
        json.dumps(values, ensure_ascii=False).encode()  # half a character can be written in JSON, and nowhere else
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError("This model file's vocabulary can't be read.") from error
    if tokenizer.vocabulary_size != shape.vocabulary_size:
        raise CheckpointError("This model file's vocabulary does not fit its network.")
    return tokenizer


def check_weights(tensors: dict[str, Any], shape: NetworkShape, size_bytes: int) -> None:
    """Refuse ``tensors`` as a header has them that are not those of ``shape``, or do not fill ``size_bytes``."""
    expected = expected_tensors(shape)
    if set(tensors) != set(expected):
        raise CheckpointError("This model file's weights are not those of the network it describes.")
    for name, wanted in expected.items():
        stored = tensors[name]
        if not isinstance(stored, dict) or (stored.get("dtype"), stored.get("shape")) != ("F32", list(wanted)):
            raise CheckpointError(f"The weights {name} do not have the shape that this model file describes.")
    if size_bytes != 4 * count_weights(shape):
        raise CheckpointError(CUT_OFF)
