import hashlib
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.training.language_model.songs import make_config, make_songs
from training.language_model import checkpoint
from training.language_model.checkpoint import load_model, save_model, weights_sha256
from training.language_model.corpus import build_corpus
from training.language_model.errors import CheckpointError
from training.language_model.networks import LyricNetwork
from training.language_model.shapes import CELL_KINDS, NetworkShape

CONFIG = make_config(num_layers=2)
CORPUS = build_corpus(make_songs(), CONFIG)


def save(folder, architecture="lstm", **values):
    config = CONFIG.replace(architecture=architecture, **values)
    shape = NetworkShape.of(config, CORPUS.tokenizer.vocabulary_size)
    network = LyricNetwork(shape, generator=torch.Generator().manual_seed(5)).eval()
    saved = save_model(
        folder / "model.safetensors",
        network,
        config=config,
        tokenizer=CORPUS.tokenizer,
        data={"content_hash": "abc", "version": 1, "name": "Songs ’n’ such", "songs": 24},
        metrics={"valid_loss": 1.5, "perplexity": float("inf"), "step": 3},
    )
    return saved, network


def metadata_of(path):
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return file.metadata()


def rewrite(path, *, tensors=None, **metadata):
    """The same file with some tensors or some of its description changed."""
    save_file(tensors or load_file(path), path, metadata_of(path) | metadata)


@pytest.mark.parametrize("architecture", [*CELL_KINDS])
@pytest.mark.parametrize("tie_embeddings", [True, False])
def test_a_saved_network_comes_back_with_equal_logits(tmp_path, architecture, tie_embeddings):
    saved, network = save(tmp_path, architecture, tie_embeddings=tie_embeddings)
    loaded = load_model(saved.path)
    tokens = torch.randint(0, CORPUS.tokenizer.vocabulary_size, (9, 2))
    assert torch.equal(loaded.network(tokens)[0], network(tokens)[0])
    assert weights_sha256(loaded.network) == weights_sha256(network)
    assert loaded.tokenizer.tokens == CORPUS.tokenizer.tokens
    assert loaded.config["architecture"] == architecture
    assert loaded.data["name"] == "Songs ’n’ such"
    assert loaded.metrics == {"valid_loss": 1.5, "perplexity": None, "step": 3}


def test_saving_tells_the_files_hash_and_size_and_leaves_nothing_else(tmp_path):
    saved, _ = save(tmp_path)
    content = saved.path.read_bytes()
    assert saved.sha256 == hashlib.sha256(content).hexdigest()
    assert saved.size_bytes == len(content)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_a_failed_write_keeps_the_old_file_and_no_part(tmp_path, monkeypatch):
    saved, _ = save(tmp_path)
    before = saved.path.read_bytes()

    def full_disk(_descriptor):
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        save(tmp_path, "gru")
    assert saved.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.99])
def test_a_file_that_is_cut_off_is_refused(tmp_path, share):
    saved, _ = save(tmp_path)
    content = saved.path.read_bytes()
    saved.path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CheckpointError, match="cut off"):
        load_model(saved.path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no model file"):
        load_model(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize("new_format", [True, False])
def test_a_pickle_is_refused_without_being_opened(tmp_path, new_format):
    path = tmp_path / "model.safetensors"
    torch.save({"weight": torch.zeros(3)}, path, _use_new_zipfile_serialization=new_format)
    with pytest.raises(CheckpointError, match="pickle"):
        load_model(path)


def test_tensors_of_something_else_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="does not hold a lyrics model"):
        load_model(path)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"version": "99"}, "version 99"),
        ({"format": "gguf"}, "does not hold a lyrics model"),
        ({"tokenizer": "{"}, "damaged"),
        ({"metrics": "[]"}, "damaged"),
        ({"tokenizer": "{}"}, "vocabulary can't be read"),
        ({"network": "{}"}, "what its network looks like"),
    ],
)
def test_a_description_that_is_wrong_is_refused_with_its_reason(tmp_path, description, message):
    saved, _ = save(tmp_path)
    rewrite(saved.path, **description)
    with pytest.raises(CheckpointError, match=message):
        load_model(saved.path)


def test_half_a_character_is_none_of_a_vocabulary(tmp_path):
    saved, _ = save(tmp_path)
    tokenizer = json.loads(metadata_of(saved.path)["tokenizer"])
    tokenizer["tokens"][-1] = "\ud800"
    rewrite(saved.path, tokenizer=json.dumps(tokenizer))
    with pytest.raises(CheckpointError, match="vocabulary can't be read"):
        load_model(saved.path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "transformer"}, "knows rnn, lstm, gru, mingru"),
        ({"architecture": "gru"}, "do not have the shape"),
        ({"hidden_size": 10**6}, "too many"),
        ({"num_layers": 10**6}, "looks like"),
        ({"num_layers": 1}, "not those of the network"),
        ({"vocabulary_size": 20}, "does not fit"),
        ({"hidden_size": True}, "looks like"),
        ({"hidden_size": "16"}, "looks like"),
        ({"surprise": 1}, "looks like"),
        ({"nonlinearity": "relu"}, "looks like"),
        ({"residual": 1}, "looks like"),
    ],
)
def test_a_network_that_does_not_fit_its_weights_is_refused(tmp_path, change, message):
    saved, _ = save(tmp_path)
    network = json.loads(metadata_of(saved.path)["network"])
    rewrite(saved.path, network=json.dumps(network | change))
    with pytest.raises(CheckpointError, match=message):
        load_model(saved.path)


def test_a_file_from_before_there_were_residual_sums_is_read_as_it_was_meant(tmp_path):
    saved, network = save(tmp_path, "rnn")
    described = json.loads(metadata_of(saved.path)["network"])
    del described["residual"], described["nonlinearity"]
    rewrite(saved.path, network=json.dumps(described))
    assert load_model(saved.path).network.shape == network.shape


@pytest.mark.parametrize("options", [{"residual": True}, {"nonlinearity": "relu"}])
def test_what_is_computed_with_the_weights_is_in_the_file(tmp_path, options):
    saved, network = save(tmp_path, "rnn", **options)
    tokens = torch.arange(9)[:, None]
    assert torch.equal(load_model(saved.path).network(tokens)[0], network(tokens)[0])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_refused(tmp_path, value):
    saved, _ = save(tmp_path)
    tensors = load_file(saved.path)
    tensors["decoder.bias"][0] = value
    rewrite(saved.path, tensors=tensors)
    with pytest.raises(CheckpointError, match="not a number"):
        load_model(saved.path)


def test_weights_of_another_type_are_refused(tmp_path):
    saved, _ = save(tmp_path)
    rewrite(saved.path, tensors={name: tensor.half() for name, tensor in load_file(saved.path).items()})
    with pytest.raises(CheckpointError, match="do not have the shape"):
        load_model(saved.path)
