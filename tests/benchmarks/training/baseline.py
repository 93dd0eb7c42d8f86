"""The yardstick: one training step as pytorch/examples' word_language_model describes it, at its defaults.

Written from its published description (github.com/pytorch/examples, word_language_model/README.md and options of
main.py): two layers of LSTM, 200 wide, embeddings of 200, dropout .2 after the embedding, between layers and before
the decoder, batches of 20, 35 steps back, log_softmax with the negative log likelihood, plain gradient descent at a
rate of 20 with the gradient clipped to .25; weights of embedding and decoder evenly from -.1 to .1.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH, LAYERS, DROPOUT = 200, 2, 0.2
BATCH_SIZE, SEQUENCE_LENGTH = 20, 35
LEARNING_RATE, CLIP = 20.0, 0.25


class WordLanguageModel(nn.Module):
    """Embedding, LSTM, decoder: logarithms of chances (T·B, V) for tokens (T, B)."""

    def __init__(self, vocabulary_size: int):
        super().__init__()
        self.drop = nn.Dropout(DROPOUT)
        self.encoder = nn.Embedding(vocabulary_size, WIDTH)
        self.rnn = nn.LSTM(WIDTH, WIDTH, LAYERS, dropout=DROPOUT)
        self.decoder = nn.Linear(WIDTH, vocabulary_size)
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, tokens: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        output, state = self.rnn(self.drop(self.encoder(tokens)), state)
        logits = self.decoder(self.drop(output))
        return functional.log_softmax(logits.view(-1, logits.shape[-1]), dim=1), state


class Baseline:
    """The model in training on one stream of tokens (n,), from the beginning again where it ends."""

    def __init__(self, tokens: Tensor, vocabulary_size: int):
        torch.manual_seed(1111)
        rows = len(tokens) // BATCH_SIZE
        self.columns = tokens[: rows * BATCH_SIZE].long().view(BATCH_SIZE, rows).t().contiguous()
        self.model = WordLanguageModel(vocabulary_size)
        self._begin()

    def _begin(self) -> None:
        self.row = 0
        self.state = tuple(torch.zeros(LAYERS, BATCH_SIZE, WIDTH) for _ in range(2))

    def step(self) -> tuple[float, int]:
        """(mean loss in nats, tokens learnt from) of the next step."""
        if self.row + SEQUENCE_LENGTH + 1 > len(self.columns):
            self._begin()
        inputs = self.columns[self.row : self.row + SEQUENCE_LENGTH]
        targets = self.columns[self.row + 1 : self.row + SEQUENCE_LENGTH + 1].reshape(-1)
        self.row += SEQUENCE_LENGTH
        self.model.train()
        self.model.zero_grad()
        log_chances, state = self.model(inputs, tuple(part.detach() for part in self.state))
        self.state = state
        loss = functional.nll_loss(log_chances, targets)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        for weight in self.model.parameters():
            weight.data.add_(weight.grad, alpha=-LEARNING_RATE)
        return loss.item(), targets.numel()
