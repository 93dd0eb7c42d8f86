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

from training.language_model.config import TrainingConfig
from training.language_model.errors import CheckpointError
from training.language_model.model_header import CUT_OFF, FORMAT, VERSION, read_header
from training.language_model.networks import LyricNetwork
from training.language_model.shapes import NetworkShape, expected_tensors
from training.language_model.tokenizers import Tokenizer

# Below it no sum of products overflows, so every score that a model gives is a number.
WEIGHT_LIMIT = 1e6


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
    try:
        with path.open("rb") as file:
            described = read_header(file)
        with safe_open(path, framework="pt") as file:
            tensors = checked_tensors(file, described.shape)
    except FileNotFoundError as error:
        raise CheckpointError("There is no model file here.") from error
    except (SafetensorError, OSError) as error:
        raise CheckpointError(CUT_OFF) from error
    network = LyricNetwork(described.shape, generator=torch.Generator().manual_seed(0))
    network.load_named_tensors(tensors)
    network.eval()
    return LoadedModel(
        network=network,
        tokenizer=described.tokenizer,
        config=described.config,
        data=described.data,
        metrics=described.metrics,
        created=described.created,
    )


def checked_tensors(file: Any, shape: NetworkShape) -> dict[str, Tensor]:
    """The weights in an open file whose header was read, if every number is one that a training gives."""
    tensors = {name: file.get_tensor(name) for name in expected_tensors(shape)}
    if not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
        raise CheckpointError("This model's weights hold something that is not a number.")
    if not all((tensor.abs() < WEIGHT_LIMIT).all() for tensor in tensors.values()):
        raise CheckpointError("This model's weights hold numbers that no training gives.")
    return tensors
