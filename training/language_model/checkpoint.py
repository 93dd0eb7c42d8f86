"""The model file: one `.safetensors` with weights and everything needed to write with them.

``__metadata__`` holds, each as JSON text: format, version, config, network, tokenizer, data, metrics, created. A file
is written beside its place, synced, then renamed, so that a name never stands for half a model; nothing in it is ever
executed.
"""

import contextlib
import hashlib
import json
import math
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from training.language_model.config import MOST_PARAMETERS, TrainingConfig
from training.language_model.errors import CheckpointError
from training.language_model.networks import LyricNetwork
from training.language_model.shapes import NetworkShape, count_weights, expected_tensors
from training.language_model.tokenizers import Tokenizer, tokenizer_from_dict

FORMAT = "lyrics-model"
VERSION = "1"
DESCRIBED = ("config", "network", "tokenizer", "data", "metrics")


@dataclass(frozen=True, kw_only=True)
class SavedModel:
    """A model file that is safely on the disk."""

    path: Path
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """What a model file holds, checked; ``network`` is ready to write."""

    network: LyricNetwork
    tokenizer: Tokenizer
    config: dict[str, Any]
    data: dict[str, Any]
    metrics: dict[str, Any]
    created: str


def save_model(
    path: Path,
    network: LyricNetwork,
    *,
    config: TrainingConfig,
    tokenizer: Tokenizer,
    data: dict[str, Any],
    metrics: dict[str, Any],
) -> SavedModel:
    """Write a network with all that belongs to it, whole or not at all.

    Args:
        path: where the file will stand; its folder exists.
        data: what it learnt from: content_hash, version, name, songs.
        metrics: `Evaluated.metrics`; what is not a finite number becomes null.
    Returns: the path with the sha256 and size of the file.
    """
    described = {
        "config": config.to_dict(),
        "network": network.shape.to_dict(),
        "tokenizer": tokenizer.to_dict(),
        "data": data,
        "metrics": {name: finite_or_none(value) for name, value in metrics.items()},
    }
    texts = {name: json.dumps(value, ensure_ascii=False, allow_nan=False) for name, value in described.items()}
    metadata = {"format": FORMAT, "version": VERSION, "created": datetime.now(UTC).isoformat()} | texts
    content = save(network.named_tensors(), metadata)
    write_durably(path, content)
    return SavedModel(path=path, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def finite_or_none(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_durably(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` so that a crash leaves the old file or the new one, never half of one."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:  # also when the process is told to end: no half file stays behind
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
        raise
    # The rename itself is only safe once the folder is.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def weights_sha256(network: LyricNetwork) -> str:
    """A name for the weights alone: equal for equal weights, whenever and wherever they were saved."""
    hasher = hashlib.sha256()
    for name, tensor in sorted(network.named_tensors().items()):
        hasher.update(name.encode())
        hasher.update(tensor.numpy().tobytes())
    return hasher.hexdigest()


def load_model(path: Path) -> LoadedModel:
    """The model that a file holds.

    Raises: CheckpointError with a sentence when the file is missing, cut off, of another format or version, or when
    weights and description do not belong together.
    """
    refuse_other_formats(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = described_in(file.metadata() or {})
            shape = shape_described(metadata["network"])
            tokenizer = tokenizer_described(metadata["tokenizer"], shape)
            tensors = checked_tensors(file, shape)
    except (SafetensorError, OSError) as error:
        raise CheckpointError("This model file is cut off or damaged; it can't be read.") from error
    network = LyricNetwork(shape, generator=torch.Generator().manual_seed(0))
    network.load_named_tensors(tensors)
    network.eval()
    config, data, metrics = (metadata[name] for name in ("config", "data", "metrics"))
    return LoadedModel(
        network=network, tokenizer=tokenizer, config=config, data=data, metrics=metrics, created=metadata["created"]
    )


def refuse_other_formats(path: Path) -> None:
    """Say what a file is that is no `.safetensors`, without opening what could run code."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise CheckpointError("There is no model file here.") from error
    if start.startswith((b"PK", b"\x80")) and not start.endswith(b"{"):  # a length of eight bytes may begin so too
        raise CheckpointError(
            "This is a PyTorch pickle, which could run any program; only .safetensors files are read."
        )
    if len(start) < 9:
        raise CheckpointError("This model file is cut off or damaged; it can't be read.")


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
        raise CheckpointError("This model file's description is missing or damaged.") from error
    if not all(isinstance(value, dict) for value in described.values()):
        raise CheckpointError("This model file's description is missing or damaged.")
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
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError("This model file's vocabulary can't be read.") from error
    if tokenizer.vocabulary_size != shape.vocabulary_size:
        raise CheckpointError("This model file's vocabulary does not fit its network.")
    return tokenizer


def checked_tensors(file: Any, shape: NetworkShape) -> dict[str, Tensor]:
    """The weights in an open file, if names, shapes and types are those of ``shape`` and every number is finite."""
    expected = expected_tensors(shape)
    if set(file.keys()) != set(expected):
        raise CheckpointError("This model file's weights are not those of the network it describes.")
    for name, size in expected.items():
        stored = file.get_slice(name)
        if tuple(stored.get_shape()) != size or stored.get_dtype() != "F32":
            raise CheckpointError(f"The weights {name} do not have the shape that this model file describes.")
    tensors = {name: file.get_tensor(name) for name in expected}
    if not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
        raise CheckpointError("This model's weights hold something that is not a number.")
    return tensors
