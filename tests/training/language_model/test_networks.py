import pytest
import torch

from training.language_model.config import TrainingConfig, count_parameters
from training.language_model.networks import LyricNetwork
from training.language_model.shapes import CELL_KINDS, NetworkShape, expected_tensors

CELLS = pytest.mark.parametrize("architecture", [*CELL_KINDS])
SIZES = pytest.mark.parametrize(("tie_embeddings", "embedding_size"), [(True, 12), (True, 16), (False, 12)])


def build(architecture="lstm", *, options=None, **values):
    shape = {"vocabulary_size": 30, "embedding_size": 12, "hidden_size": 16, "num_layers": 2, "tie_embeddings": True}
    generator = torch.Generator().manual_seed(7)
    return LyricNetwork(NetworkShape(architecture=architecture, **shape | values), **options or {}, generator=generator)


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
    network = build().train()
    ones = torch.ones(7, 2, 16)
    hidden = network._locked_dropout(ones, 0.5, torch.Generator().manual_seed(3))
    assert torch.equal(hidden, hidden[:1].expand_as(hidden))
    assert set(hidden.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(network.eval()._locked_dropout(ones, 0.5, None), ones)


def kept_words(network, seed=3):
    """Which of the 30 words a network in training sees in one call, by its embedding alone."""
    reading = torch.arange(30).repeat(4)[:, None].expand(-1, 2)
    hidden = network._word_dropout(torch.ones(120, 2, 12), reading, torch.Generator().manual_seed(seed))
    assert torch.equal(hidden, hidden[:, :1].expand_as(hidden))
    assert torch.equal(hidden[:30], hidden[30:60])
    return hidden[:30, 0, 0]


def test_embedding_dropout_hides_whole_words_wherever_they_stand():
    network = build(options={"embedding_dropout": 0.5}).train()
    assert set(kept_words(network).tolist()) == {0.0, 2.0}
    assert torch.equal(kept_words(network), kept_words(network))
    assert not torch.equal(kept_words(network), kept_words(network, seed=4))
    assert kept_words(network.eval()).eq(1).all()


def test_the_input_has_six_tenths_of_the_dropout_or_its_own():
    assert build(options={"dropout": 0.5}).input_dropout == pytest.approx(0.3)
    assert build(options={"dropout": 0.5, "input_dropout": 0.0}).input_dropout == 0


@CELLS
def test_every_dropout_comes_from_the_generator_that_is_given(architecture):
    network = build(architecture, options={"dropout": 0.3, "embedding_dropout": 0.3}).train()
    first, again, other = (
        network(tokens(), dropout_generator=torch.Generator().manual_seed(seed))[0] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@CELLS
@pytest.mark.parametrize("embedding_size", [12, 16])
def test_a_residual_layer_adds_what_it_reads_where_the_sizes_match(architecture, embedding_size):
    plain = build(architecture, embedding_size=embedding_size).eval()
    residual = build(architecture, embedding_size=embedding_size, residual=True).eval()
    read = plain.embedding(tokens())
    first, _ = plain.recurrent[0](read)
    first = first + read if embedding_size == 16 else first
    second, _ = plain.recurrent[1](first)
    torch.testing.assert_close(residual.remember(tokens())[0], second + first)


def test_a_relu_is_the_plain_rnns_alone():
    config = TrainingConfig(architecture="rnn", nonlinearity="relu")
    assert NetworkShape.of(config, 30).nonlinearity == "relu"
    assert NetworkShape.of(config.replace(architecture="gru"), 30).nonlinearity == "tanh"
    features, _ = build("rnn", nonlinearity="relu").remember(tokens())
    assert (features >= 0).all()


def test_a_network_is_built_as_its_config_says():
    config = TrainingConfig(
        architecture="gru", dropout=0.2, input_dropout=0.1, embedding_dropout=0.05, forget_bias=2.0, residual=True
    )
    network = LyricNetwork.of(config, 30)
    assert (network.dropout, network.input_dropout, network.embedding_dropout) == (0.2, 0.1, 0.05)
    assert network.shape == NetworkShape.of(config, 30)
    assert network.recurrent[0].bias_ih_l0.eq(2.0).sum() == 256
