"""Reading a model's one file."""

import hashlib
import json

import pytest
import safetensors.numpy

from generator.decoding.model_file import ModelDamaged, read_model
from tests.generator.tiny_models import model_bytes, tiny_shape, tiny_tensors, tiny_tokenizer


def test_a_model_is_read_from_its_one_file():
    content = model_bytes("gru", "word", layers=2, tied=True)
    model = read_model(content, sha256=hashlib.sha256(content).hexdigest())
    assert model.network.shape.architecture == "gru"
    assert model.tokenizer.kind == "word"
    assert model.size_bytes > 0


def test_a_file_from_before_there_were_residual_sums_is_read_as_it_was_meant():
    old = {"architecture": "rnn", "embedding_size": 12, "hidden_size": 16, "num_layers": 1, "tie_embeddings": False}
    network = json.dumps(old | {"vocabulary_size": tiny_tokenizer().vocabulary_size})
    model = read_model(model_bytes("rnn", network=network))
    assert (model.network.shape.nonlinearity, model.network.shape.residual) == ("tanh", False)


def test_content_of_another_hash_is_refused():
    with pytest.raises(ModelDamaged, match="not what was published"):
        read_model(model_bytes(), sha256="0" * 64)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b"\xff" * 100,
        model_bytes()[:-1],
        safetensors.numpy.save(tiny_tensors(tiny_shape("lstm", 10))),
        model_bytes(version="2"),
        model_bytes(format="something else"),
        model_bytes(tokenizer="{"),
        model_bytes(tokenizer='{"kind": "char", "tokens": ["a"]}'),
        model_bytes(tokenizer='{"kind": "bytes"}'),
        model_bytes(tokenizer="[]"),
        model_bytes(network="{}"),
        model_bytes(network='"lstm"'),
    ],
)
def test_what_is_no_model_is_said_in_a_sentence(content):
    with pytest.raises(ModelDamaged, match=r"\.$"):
        read_model(content)
