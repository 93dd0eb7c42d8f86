import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.language_model.presets import ARCHITECTURES, cell_choices, cell_name
from training.language_model.shapes import CELL_KINDS, NetworkShape, count_weights, expected_tensors

GIVEN = {"vocabulary_size": 30, "embedding_size": 12, "hidden_size": 16, "num_layers": 2, "tie_embeddings": True}


def shape_of(architecture="lstm", **values) -> NetworkShape:
    return NetworkShape.from_dict({"architecture": architecture} | GIVEN | values)


def test_every_cell_is_offered_with_a_name_and_a_sentence():
    assert [one["name"] for one in ARCHITECTURES] == [*CELL_KINDS] == [name for name, _ in cell_choices()]
    assert [cell_name(name) for name in CELL_KINDS] == ["RNN", "LSTM", "GRU", "minGRU", "minLSTM", "SRU"]
    assert all(one["sentence"].endswith(".") for one in ARCHITECTURES)


def test_the_names_of_older_files_stay():
    assert list(expected_tensors(shape_of("gru", num_layers=1, tie_embeddings=False))) == [
        "embedding.weight",
        "decoder.bias",
        "recurrent.weight_ih_l0",
        "recurrent.bias_ih_l0",
        "recurrent.weight_hh_l0",
        "recurrent.bias_hh_l0",
        "decoder.weight",
    ]


@pytest.mark.parametrize(
    ("architecture", "weights"),
    [
        ("rnn", 16 * (12 + 16 + 2) + 16 * (16 + 16 + 2)),
        ("gru", 3 * (16 * (12 + 16 + 2) + 16 * (16 + 16 + 2))),
        ("lstm", 4 * (16 * (12 + 16 + 2) + 16 * (16 + 16 + 2))),
        ("mingru", 2 * (16 * (12 + 1) + 16 * (16 + 1))),
        ("minlstm", 3 * (16 * (12 + 1) + 16 * (16 + 1))),
        ("sru", 4 * 16 * (12 + 1) + 3 * 16 * (16 + 1)),  # a fourth matrix where the sizes differ
    ],
)
def test_the_weights_of_each_cell_are_counted(architecture, weights):
    around = 30 * 12 + 30 + 12 * 16 + 12  # embedding, decoder's bias, projection
    assert count_weights(shape_of(architecture)) == around + weights


def test_a_layer_is_residual_only_where_it_can_be():
    assert [shape_of(residual=True).is_residual(layer) for layer in (0, 1)] == [False, True]
    assert [shape_of(residual=True, embedding_size=16).is_residual(layer) for layer in (0, 1)] == [True, True]
    assert [shape_of(embedding_size=16).is_residual(layer) for layer in (0, 1)] == [False, False]


def test_a_shape_comes_back_from_its_description():
    shape = shape_of("rnn", residual=True, nonlinearity="relu")
    assert NetworkShape.from_dict(shape.to_dict()) == shape


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("lstm")


@given(ANYTHING | st.dictionaries(st.sampled_from([*shape_of().to_dict(), "surprise"]), ANYTHING))
def test_what_describes_no_network_is_said_in_a_sentence(description):
    described = shape_of().to_dict() | description if isinstance(description, dict) else description
    try:
        shape = NetworkShape.from_dict(described)
    except ValueError as error:
        sentence = str(error)
    else:
        sentence = "."
        assert shape.to_dict() == described
    assert sentence.endswith(".")
