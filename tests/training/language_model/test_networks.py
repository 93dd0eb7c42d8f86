import pytest
import torch

from training.language_model.config import TrainingConfig, count_parameters
from training.language_model.networks import LyricNetwork, NetworkShape, expected_tensors

CELLS = pytest.mark.parametrize("architecture", ["rnn", "lstm", "gru"])
SIZES = pytest.mark.parametrize(("tie_embeddings", "embedding_size"), [(True, 12), (True, 16), (False, 12)])


def build(architecture="lstm", *, dropout=0.0, **values):
    shape = {"vocabulary_size": 30, "embedding_size": 12, "hidden_size": 16, "num_layers": 2, "tie_embeddings": True}
    generator = torch.Generator().manual_seed(7)
    return LyricNetwork(NetworkShape(architecture=architecture, **shape | values), dropout=dropout, generator=generator)


def tokens(rows=6, columns=3):
    return torch.randint(0, 30, (rows, columns), generator=torch.Generator().manual_seed(1))


@CELLS
@SIZES
def test_every_cell_gives_logits_for_each_place_and_the_same_shapes(architecture, tie_embeddings, embedding_size):
    network = build(architecture, tie_embeddings=tie_embeddings, embedding_size=embedding_size)
    logits, state = network(tokens())
    assert logits.shape == (6, 3, 30)
    assert len(state) == 2


@CELLS
@SIZES
def test_the_gradient_reaches_every_weight(architecture, tie_embeddings, embedding_size):
    network = build(architecture, tie_embeddings=tie_embeddings, embedding_size=embedding_size)
    logits, _ = network(tokens(rows=20))
    logits.square().sum().backward()
    without = [name for name, weight in network.named_parameters() if not weight.grad.abs().sum() > 0]
    assert without == []


@CELLS
def test_reading_in_two_parts_with_carried_state_is_reading_at_once(architecture):
    network = build(architecture).eval()
    whole, _ = network(tokens())
    first, state = network(tokens()[:2])
    second, _ = network(tokens()[2:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)


@CELLS
@SIZES
def test_names_shapes_and_count_are_those_of_the_model_file(architecture, tie_embeddings, embedding_size):
    network = build(architecture, tie_embeddings=tie_embeddings, embedding_size=embedding_size)
    stored = network.named_tensors()
    assert {name: tuple(tensor.shape) for name, tensor in stored.items()} == expected_tensors(network.shape)
    config = TrainingConfig(
        architecture=architecture,
        tie_embeddings=tie_embeddings,
        embedding_size=embedding_size,
        hidden_size=16,
        num_layers=2,
    )
    assert network.count_parameters() == count_parameters(config, 30)


@CELLS
def test_weights_go_out_and_in_by_their_file_names(architecture):
    source, target = build(architecture), build(architecture)
    with torch.no_grad():
        for weight in source.parameters():
            weight.add_(0.01)
    target.load_named_tensors(source.named_tensors())
    torch.testing.assert_close(target(tokens())[0], source(tokens())[0], rtol=0, atol=0)


def test_two_layers_compute_what_torchs_stacked_lstm_computes():
    network = build("lstm").eval()
    stacked = torch.nn.LSTM(12, 16, num_layers=2)
    prefix = "recurrent."
    stacked.load_state_dict(
        {name.removeprefix(prefix): one for name, one in network.named_tensors().items() if name.startswith(prefix)}
    )
    features, _ = network.remember(tokens())
    torch.testing.assert_close(features, stacked(network.embedding(tokens()))[0])


@CELLS
def test_the_first_weights_depend_on_the_generator_alone(architecture):
    torch.manual_seed(1)
    first = build(architecture).named_tensors()
    before = torch.random.get_rng_state()
    second = build(architecture).named_tensors()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_memory_gates_begin_open():
    lstm, gru = build("lstm").named_tensors(), build("gru").named_tensors()
    assert lstm["recurrent.bias_ih_l0"][16:32].eq(1).all()
    assert lstm["recurrent.bias_ih_l0"][:16].eq(0).all()
    assert gru["recurrent.bias_ih_l1"][16:32].eq(1).all()


def test_starting_at_the_unigram_predicts_how_frequent_tokens_are():
    network = build()
    counts = torch.zeros(30)
    counts[5], counts[7] = 300, 100
    network.start_at_unigram(counts)
    with torch.no_grad():
        probabilities = network.logits(torch.zeros(16)).softmax(-1)
    assert probabilities[5] / probabilities[7] == pytest.approx(3, rel=0.01)


def test_locked_dropout_hides_the_same_features_at_every_step():
    network = build(dropout=0.5).train()
    ones = torch.ones(7, 2, 16)
    hidden = network._locked_dropout(ones, 0.5, torch.Generator().manual_seed(3))
    assert torch.equal(hidden, hidden[:1].expand_as(hidden))
    assert set(hidden.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(network.eval()._locked_dropout(ones, 0.5, None), ones)
