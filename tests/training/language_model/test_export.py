"""The graphs that lyrics are written with compute what was trained, and prove it before they are kept."""

import json

import numpy as np
import onnxruntime
import pytest
import torch

from tests.training.language_model.songs import make_config, make_songs
from training.language_model import export
from training.language_model.checkpoint import LoadedModel
from training.language_model.corpus import build_corpus
from training.language_model.errors import CheckpointError
from training.language_model.export import export_model
from training.language_model.networks import LyricNetwork
from training.language_model.serving_files import GRAPH_FILES, MANIFEST_FILE, TOKENIZER_FILE
from training.language_model.shapes import CELL_KINDS, NetworkShape
from training.language_model.step_graph import build_graph, rounded_rows
from training.language_model.step_network import StepNetwork
from training.language_model.tokenizers import tokenizer_from_dict

CELLS = pytest.mark.parametrize("architecture", [*CELL_KINDS])
CORPUS = build_corpus(make_songs(), make_config())


def make_network(architecture, *, spread=0.3, vocabulary=CORPUS.tokenizer.vocabulary_size, **sizes) -> LyricNetwork:
    values = {"embedding_size": 12, "hidden_size": 16, "num_layers": 2, "tie_embeddings": True} | sizes
    shape = NetworkShape(architecture=architecture, vocabulary_size=vocabulary, **values)
    chance = torch.Generator().manual_seed(4)
    network = LyricNetwork(shape, generator=chance).eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(torch.randn(weights.shape, generator=chance) * spread)
    return network


def make_model(network) -> LoadedModel:
    return LoadedModel(network=network, tokenizer=CORPUS.tokenizer, config={}, data={}, metrics={}, created="")


def tensors_of(network):
    return {name: one.numpy() for name, one in network.named_tensors().items()}


def text(rows=30, columns=3):
    return np.random.default_rng(1).integers(0, CORPUS.tokenizer.vocabulary_size, (rows, columns))


def scores_of(graph: bytes, network, tokens):
    return np.stack([*StepNetwork(graph, network.shape).read(tokens)])


@CELLS
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize(
    "sizes",
    [{"num_layers": 1}, {"num_layers": 3, "embedding_size": 16}, {"tie_embeddings": False}, {"embedding_size": 16}],
)
def test_a_float_graph_gives_what_the_network_gives_for_the_sequence(architecture, residual, sizes):
    network = make_network(architecture, residual=residual, **sizes)
    with torch.no_grad():
        wanted = network(torch.from_numpy(text()))[0].numpy()
    given = scores_of(build_graph(tensors_of(network), network.shape), network, text())
    np.testing.assert_allclose(given, wanted, atol=3e-5, rtol=1e-4)


def test_a_relu_steps_as_it_was_trained():
    network = make_network("rnn", nonlinearity="relu", spread=0.1)
    with torch.no_grad():
        wanted = network(torch.from_numpy(text()))[0].numpy()
    given = scores_of(build_graph(tensors_of(network), network.shape), network, text())
    np.testing.assert_allclose(given, wanted, atol=3e-5, rtol=1e-4)


@CELLS
def test_an_embedding_too_large_to_be_folded_is_multiplied_with_the_same_result(architecture, monkeypatch):
    network = make_network(architecture)
    folded = scores_of(build_graph(tensors_of(network), network.shape), network, text())
    monkeypatch.setattr("training.language_model.step_graph.FOLDED_TABLE_LIMIT_BYTES", 0)
    plain = scores_of(build_graph(tensors_of(network), network.shape), network, text())
    np.testing.assert_allclose(plain, folded, atol=2e-5, rtol=1e-4)


@CELLS
def test_an_export_passes_its_gates_and_says_so(architecture, tmp_path):
    network = make_network(architecture, spread=0.2)
    manifest = export_model(make_model(network), tmp_path)
    gates = manifest["gates"]
    assert gates["difference"] <= 1e-4
    assert abs(gates["perplexity_change"]) <= 0.01
    assert gates["rows_at_once"] is None
    assert gates["served"] == ("int8" if abs(gates["perplexity_change"]) <= 0.002 else "float32")
    assert json.loads((tmp_path / MANIFEST_FILE).read_text()) == manifest
    tokenizer = tokenizer_from_dict(json.loads((tmp_path / TOKENIZER_FILE).read_text()))
    assert tokenizer.tokens == CORPUS.tokenizer.tokens
    for name in GRAPH_FILES.values():
        session = onnxruntime.InferenceSession(tmp_path / name, providers=["CPUExecutionProvider"])
        assert session.get_outputs()[0].name == "scores"
        assert not any(one.name.startswith("place.") for one in session.get_outputs())


def test_the_same_model_is_exported_to_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        export_model(make_model(make_network("gru")), tmp_path / name)
    for file in GRAPH_FILES.values():
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_the_gates_are_judged_by_songs_where_there_are_some(tmp_path):
    songs = [song.tolist() for song in CORPUS.validation.songs] * 20
    (tmp_path / "a").mkdir()
    by_songs = export_model(make_model(make_network("lstm")), tmp_path / "a", songs=songs)["gates"]
    (tmp_path / "b").mkdir()
    by_itself = export_model(make_model(make_network("lstm")), tmp_path / "b", songs=songs[:1])["gates"]
    assert by_songs["perplexity"] != by_itself["perplexity"]


def test_eight_bits_that_cost_perplexity_are_not_served(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "MOST_PERPLEXITY_CHANGE", 0.0)
    gates = export_model(make_model(make_network("lstm")), tmp_path)["gates"]
    assert gates["served"] == "float32"


def test_where_a_row_depends_on_the_others_eight_bits_are_not_served_and_batches_have_one_size(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "rows_that_may_stand_together", lambda network, text: 16)
    gates = export_model(make_model(make_network("lstm")), tmp_path)["gates"]
    assert gates["served"] == "float32"
    assert gates["rows_at_once"] == 16


def test_a_graph_that_computes_something_else_is_refused(tmp_path, monkeypatch):
    other = build_graph(tensors_of(make_network("lstm", spread=0.4)), make_network("lstm").shape)
    monkeypatch.setattr(export, "build_graph", lambda tensors, shape, **how: other if not how else build_graph(
        tensors, shape, **how
    ))  # fmt: skip
    with pytest.raises(CheckpointError, match="differs from it by"):
        export_model(make_model(make_network("lstm")), tmp_path)


def test_rows_are_rounded_to_their_own_largest_number():
    weight = np.array([[1.0, -0.5, 0.25], [0, 0, 0], [100.0, 50.0, -100.0]], np.float32)
    rounded, units = rounded_rows(weight)
    assert rounded.tolist() == [[127, -64, 32], [0, 0, 0], [127, 64, -127]]
    np.testing.assert_allclose(rounded * units[:, None], weight, atol=100 / 254)
