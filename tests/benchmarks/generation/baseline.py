"""The yardstick: writing as tutorials do it, one call of `nn.LSTM` for each token and the sampling in Python.

Written from the shape that such loops share: an embedding, a two-layer `nn.LSTM` with batches first, a projection and a
decoder tied to the embedding; the scores divided by the temperature, all below the k-th masked, then all sorted once
more for top-p; the softmax of what is left drawn from by `torch.multinomial`. The weights are those of our model.
"""

from collections.abc import Iterator
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

TEMPERATURE, TOP_K, TOP_P = 0.9, 50, 0.95


class TutorialModel(nn.Module):
    """Scores (B, T, V) and the state after the last of the tokens (B, T)."""

    def __init__(self, vocabulary_size: int, embedding_size: int, hidden_size: int, layers: int):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.lstm = nn.LSTM(embedding_size, hidden_size, layers, batch_first=True)
        self.projection = nn.Linear(hidden_size, embedding_size)
        self.decoder = nn.Linear(embedding_size, vocabulary_size)
        self.decoder.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state=None):
        output, state = self.lstm(self.embedding(tokens), state)
        return self.decoder(self.projection(output)), state


def load(path: Path) -> TutorialModel:
    """The model of a `model.safetensors` with two layers and a tied decoder."""
    tensors = safetensors.torch.load_file(path)
    sizes = *tensors["embedding.weight"].shape, tensors["recurrent.weight_hh_l0"].shape[1]
    model = TutorialModel(*sizes, layers=2)
    renamed = {name.replace("recurrent.", "lstm."): tensor for name, tensor in tensors.items()}
    model.load_state_dict(renamed | {"decoder.weight": tensors["embedding.weight"]})
    return model.eval()


def sample(scores: Tensor) -> Tensor:
    """A token for each row of scores (B, V): (B, 1)."""
    scores = scores / TEMPERATURE
    kth = torch.topk(scores, TOP_K).values[:, -1:]
    scores = scores.masked_fill(scores < kth, float("-inf"))
    ordered, places = torch.sort(scores, descending=True)
    shares = torch.softmax(ordered, dim=-1).cumsum(dim=-1)
    is_beyond = shares > TOP_P
    is_beyond[:, 1:] = is_beyond[:, :-1].clone()
    is_beyond[:, 0] = False
    scores = scores.masked_fill(is_beyond.scatter(1, places, is_beyond), float("-inf"))
    return torch.multinomial(torch.softmax(scores, dim=-1), num_samples=1)


@torch.no_grad()
def write(model: TutorialModel, prompt: list[int], count: int) -> Iterator[int]:
    """``count`` tokens after a prompt, which is read in one call."""
    scores, state = model(torch.tensor([prompt]))
    for _ in range(count):
        token = sample(scores[:, -1])
        yield token.item()
        scores, state = model(token, state)
