"""What competes for speed: each a step in a process of its own, which does one when told to.

python -m tests.benchmarks.training.contestants NAME '{"…": …}'     # then a line on stdin for each step
"""

import json
import sys
from collections.abc import Callable

import torch
from torch import nn

from tests.benchmarks.training.baseline import BATCH_SIZE, DROPOUT, LAYERS, SEQUENCE_LENGTH, WIDTH, Baseline
from tests.benchmarks.training.texts import corpus_of, zipf_stream
from tests.benchmarks.training.timing import answer_steps
from training.language_model import fast_cells, machine
from training.language_model.config import TrainingConfig
from training.language_model.learner import Learner

Step = Callable[[], int]  # does one step, and returns how many tokens it learnt from
CPU = torch.device("cpu")


def word_language_model(*, vocabulary_size: int) -> Step:
    """The yardstick's step."""
    baseline = Baseline(zipf_stream(vocabulary_size), vocabulary_size)
    return lambda: baseline.step()[1]


def trainer(*, vocabulary_size: int, precision: str, **values) -> Step:
    """The product's own step; where ``values`` say nothing else, on the net and batch of the yardstick."""
    same_net = {
        "embedding_size": WIDTH,
        "hidden_size": WIDTH,
        "num_layers": LAYERS,
        "dropout": DROPOUT,
        "tie_embeddings": False,
        "batch_size": BATCH_SIZE,
        "sequence_length": SEQUENCE_LENGTH,
        "vocabulary_limit": 60_000,
        "loss": "full",
        "steps": 100_000,
    }
    config = TrainingConfig.from_dict(same_net | values)
    stream = zipf_stream(vocabulary_size)
    learner = Learner(corpus_of(stream, stream[:1000], vocabulary_size), config, CPU)

    def step() -> int:
        before = learner.tokens
        learner.learn(learning_rate=1e-3, precision=precision)
        return learner.tokens - before

    return step


def layer(
    *, architecture: str, hidden_size: int, batch_size: int, precision: str = "bfloat16", is_ours: bool = False
) -> Step:
    """One recurrent layer alone, forward and back; ``is_ours`` as the product runs it, else as torch does."""
    cell = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[architecture](hidden_size, hidden_size)
    inputs = torch.randn(SEQUENCE_LENGTH, batch_size, hidden_size).requires_grad_()
    errors = torch.randn(SEQUENCE_LENGTH, batch_size, hidden_size)

    def step() -> int:
        cell.zero_grad()
        inputs.grad = None
        with machine.autocast(CPU, precision):
            states, _ = fast_cells.run(cell, inputs, None) if is_ours else cell(inputs)
        states.backward(errors.to(states.dtype))
        return SEQUENCE_LENGTH * batch_size

    return step


def main() -> None:
    make = {"word_language_model": word_language_model, "trainer": trainer, "layer": layer}[sys.argv[1]]
    values = json.loads(sys.argv[2])
    with machine.settings(threads=values.pop("threads", 1), precision=values.get("precision", "float32")):
        answer_steps(make(**values))


if __name__ == "__main__":
    main()
