"""Reading what a worker made ready to write."""

import json

import pytest

from generator.decoding.model_file import ModelDamaged, read_model
from tests.generator.tiny_models import model_bytes, ready_to_write, serving, tiny_tokenizer
from training.language_model.kernels.linked import has_products
from training.language_model.serving_files import COMPILED_FILE, GRAPH_FILES, MANIFEST_FILE, TOKENIZER_FILE

BOTH = ready_to_write(model_bytes())
FILES = BOTH | serving(BOTH, "float32")
MANIFEST = json.loads(FILES[MANIFEST_FILE])
needs_the_instruction = pytest.mark.skipif(not has_products(), reason="this processor lacks the instruction")


def told(**changes) -> bytes:
    return json.dumps(MANIFEST | changes).encode()


def test_a_model_is_read_from_its_files():
    model = read_model(ready_to_write(model_bytes("gru", "word", layers=2, tied=True)).__getitem__)
    assert model.network.shape.architecture == "gru"
    assert model.tokenizer.kind == "word"
    assert model.size_bytes > 0


def test_only_the_graph_that_the_gates_chose_is_read():
    read = []
    read_model(lambda name: read.append(name) or FILES[name])
    served = MANIFEST["gates"]["served"]
    assert sorted(read) == sorted([MANIFEST_FILE, TOKENIZER_FILE, GRAPH_FILES[served]])


@needs_the_instruction
def test_an_lstm_in_eight_bits_is_stepped_by_compiled_functions():
    read = []
    model = read_model(lambda name: read.append(name) or (BOTH | serving(BOTH, "int8"))[name])
    assert sorted(read) == sorted([MANIFEST_FILE, TOKENIZER_FILE, COMPILED_FILE])
    assert (model.precision, model.stepped_by) == ("int8", "compiled functions")


def test_a_processor_without_the_instruction_uses_the_graph(monkeypatch):
    monkeypatch.setattr("generator.decoding.model_file.has_products", lambda: False)
    model = read_model((BOTH | serving(BOTH, "int8")).__getitem__)
    assert (model.precision, model.stepped_by) == ("int8", "onnxruntime")


@needs_the_instruction
@pytest.mark.parametrize("spoilt", [b"", b"no weights", BOTH[COMPILED_FILE][:-1]])
def test_damaged_weights_of_the_compiled_step_are_said_in_a_sentence(spoilt):
    with pytest.raises(ModelDamaged, match=r"\.$"):
        read_model((BOTH | serving(BOTH, "int8") | {COMPILED_FILE: spoilt}).__getitem__)


@pytest.mark.parametrize("rows", [16, 1])
def test_rows_go_through_the_graph_as_its_gates_say(rows):
    gates = MANIFEST["gates"] | {"rows_at_once": rows}
    assert read_model((FILES | {MANIFEST_FILE: told(gates=gates)}).__getitem__).network.rows_at_once == rows


@pytest.mark.parametrize(
    "spoilt",
    [
        {MANIFEST_FILE: b""},
        {MANIFEST_FILE: b"[]"},
        {MANIFEST_FILE: told(format="something else")},
        {MANIFEST_FILE: told(version="2")},
        {MANIFEST_FILE: told(network={})},
        {MANIFEST_FILE: told(network="lstm")},
        {MANIFEST_FILE: told(network=MANIFEST["network"] | {"num_layers": 2})},
        {MANIFEST_FILE: told(network=MANIFEST["network"] | {"vocabulary_size": 3})},
        {MANIFEST_FILE: told(gates={})},
        {MANIFEST_FILE: told(gates=MANIFEST["gates"] | {"served": "bfloat16"})},
        {TOKENIZER_FILE: b"{"},
        {TOKENIZER_FILE: b"[]"},
        {TOKENIZER_FILE: b'{"kind": "char", "tokens": ["a"]}'},
        {TOKENIZER_FILE: json.dumps(tiny_tokenizer("word").to_dict()).encode()},
        dict.fromkeys(GRAPH_FILES.values(), b"no graph"),
        dict.fromkeys(GRAPH_FILES.values(), b""),
    ],
)
def test_what_is_no_model_is_said_in_a_sentence(spoilt):
    with pytest.raises(ModelDamaged, match=r"\.$"):
        read_model((FILES | spoilt).__getitem__)
