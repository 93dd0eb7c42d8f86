"""Tiny models with random weights, written as a worker writes them, so that tests need no training."""

import json
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import safetensors.numpy
from django.utils import timezone

from generator.decoding.model_file import WritingModel, read_model
from tests.songs import small_songs
from training import storage
from training.language_model.checkpoint import load_model
from training.language_model.export import export_model
from training.language_model.serving_files import MANIFEST_FILE
from training.language_model.shapes import NetworkShape, expected_tensors
from training.language_model.tokenizers import Conditions, Tokenizer
from training.models import Checkpoint


def tiny_tokenizer(kind: str = "char", *, lines_right_to_left=False, with_title=False, conditions: dict | None = None):
    texts = [song["text"] for song in small_songs()]
    settings = SimpleNamespace(
        tokenizer=kind,
        minimum_count=1,
        vocabulary_limit=500,
        case="lower",
        lines_right_to_left=lines_right_to_left,
        with_title=with_title,
    )
    return Tokenizer.train(texts, settings, conditions=Conditions(conditions or {}))


def tiny_shape(architecture, vocabulary, *, embedding=12, hidden=16, layers=1, tied=False, **more) -> NetworkShape:
    return NetworkShape(
        architecture=architecture,
        vocabulary_size=vocabulary,
        embedding_size=embedding,
        hidden_size=hidden,
        num_layers=layers,
        tie_embeddings=tied,
        **more,
    )


def tiny_tensors(shape: NetworkShape, *, seed=0, spread=0.6):
    numbers = np.random.default_rng(seed)
    return {name: numbers.normal(0, spread, size).astype(np.float32) for name, size in expected_tensors(shape).items()}


def model_bytes(
    architecture="lstm",
    kind="char",
    *,
    embedding=12,
    hidden=16,
    layers=1,
    tied=False,
    seed=0,
    spread=0.6,
    reading: dict | None = None,
    **metadata,
) -> bytes:
    """A ``model.safetensors`` of random weights over the characters, words or pieces of the small songs."""
    tokenizer = tiny_tokenizer(kind, **(reading or {}))
    sizes = {"embedding": embedding, "hidden": hidden, "layers": layers, "tied": tied}
    shape = tiny_shape(architecture, tokenizer.vocabulary_size, **sizes)
    facts = {"format": "lyrics-model", "version": "1", "network": json.dumps(shape.to_dict())}
    facts |= {"tokenizer": json.dumps(tokenizer.to_dict()), "config": "{}", "data": "{}", "metrics": "{}"}
    return safetensors.numpy.save(tiny_tensors(shape, seed=seed, spread=spread), metadata=facts | metadata)


def tiny_model(*args, served: str | None = None, **options) -> WritingModel:
    """A model ready to write, as its gates have it or with the graph that is to be ``served``."""
    files = ready_to_write(model_bytes(*args, **options))
    return read_model((files | (serving(files, served) if served else {})).__getitem__)


def serving(files: dict[str, bytes], served: str) -> dict[str, bytes]:
    """The manifest of these files as if its gates had chosen the other graph."""
    manifest = json.loads(files[MANIFEST_FILE])
    manifest["gates"]["served"] = served
    return {MANIFEST_FILE: json.dumps(manifest).encode()}


@lru_cache(maxsize=64)
def ready_to_write(content: bytes) -> dict[str, bytes]:
    """A model file with the graphs that a worker makes of it, by their names."""
    with TemporaryDirectory() as folder:
        path = Path(folder)
        (path / storage.MODEL_FILE).write_bytes(content)
        export_model(load_model(path / storage.MODEL_FILE), path)
        return {file.name: file.read_bytes() for file in path.iterdir()}


def publish(
    owner,
    content: bytes | None = None,
    *,
    name="Tiny LSTM",
    architecture="lstm",
    kind="char",
    can_write: bool = True,
    damaged: bool = False,
    **fields,
) -> Checkpoint:
    """A model of ``owner`` in the list, with its files in the storage.

    One that is ``damaged`` was published so that nobody can write with it.
    """
    content = model_bytes(architecture, kind) if content is None else content
    model = Checkpoint(
        owner=owner,
        name=name,
        architecture=architecture,
        tokenizer=kind,
        published_at=timezone.now(),
        parameters=1234,
        vocabulary_size=50,
        metrics={"nats_per_character": 1.384, "valid_loss": 1.4},
        **fields,
    )
    files = ready_to_write(content) if can_write else {storage.MODEL_FILE: content}
    if damaged:
        files = files | {MANIFEST_FILE: b"hello"}
    stored = storage.publish(
        f"models/{model.pk}", lambda folder: [(folder / name).write_bytes(part) for name, part in files.items()]
    )
    model.folder, model.manifest = stored.folder, stored.manifest
    model.sha256, model.size_bytes = stored.sha256, stored.size_bytes
    model.save(force_insert=True)
    return model
