"""The recurrent language model: one class, the cell is a choice.

    token ─▶ embedding ─▶ dropout ─▶ cell ─▶ dropout ─▶ … ─▶ projection? ─▶ · table + bias ─▶ logits

Tensors run time first, (T, B): column b of a batch is one place in the songs that is read on from step to step.
"""

from collections.abc import Mapping
from typing import Self

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from training.language_model import fast_cells
from training.language_model.cells import LayerState, build_cell, start_weights
from training.language_model.config import TrainingConfig
from training.language_model.shapes import NetworkShape

# Of the dropout that the output gets, the input gets this share: .2 beside .35 was best on Penn Treebank.
INPUT_DROPOUT_SHARE = 0.6

State = list[LayerState]


class LyricNetwork(nn.Module):
    """A language model over one vocabulary: given tokens, the logits of each next token.

    Args:
        shape: cell and sizes. Tied embeddings read and write with one table; where hidden and embedding size
            differ, a projection stands between them.
        dropout: share of features hidden while training, the same ones over all T steps of a call ("locked",
            Gal and Ghahramani 2016, arXiv:1512.05287), between layers and before the output.
        input_dropout: the same after the embedding; None for `INPUT_DROPOUT_SHARE` of ``dropout``.
        embedding_dropout: share of the vocabulary that is not seen at all in a call (Gal and Ghahramani 2016).
        forget_bias: how far the gates that keep the memory are open at first.
        generator: where the first weights come from; the global random state is never touched.
    """

    def __init__(
        self,
        shape: NetworkShape,
        *,
        dropout: float = 0.0,
        input_dropout: float | None = None,
        embedding_dropout: float = 0.0,
        forget_bias: float = 1.0,
        generator: Generator | None = None,
    ):
        super().__init__()
        self.shape, self.dropout, self.embedding_dropout = shape, dropout, embedding_dropout
        self.input_dropout = dropout * INPUT_DROPOUT_SHARE if input_dropout is None else input_dropout
        V, E, H = shape.vocabulary_size, shape.embedding_size, shape.hidden_size
        # Built empty and filled below, so that torch's own start, drawn from the global random state, never happens.
        with torch.device("meta"):
            self.embedding = nn.Embedding(V, E)
            self.recurrent = nn.ModuleList(build_cell(shape, layer) for layer in range(shape.num_layers))
            self.projection = nn.Linear(H, E) if shape.tie_embeddings and H != E else None
            self.decoder = None if shape.tie_embeddings else nn.Linear(H, V, bias=False)
            self.decoder_bias = nn.Parameter(torch.empty(V))
        self.to_empty(device="cpu")
        self._start_weights(forget_bias, generator)

    @classmethod
    def of(cls, config: TrainingConfig, vocabulary_size: int, *, generator: Generator | None = None) -> Self:
        """The network that a config asks for, with the vocabulary that the songs gave."""
        return cls(
            NetworkShape.of(config, vocabulary_size),
            dropout=config.dropout,
            input_dropout=config.input_dropout,
            embedding_dropout=config.embedding_dropout,
            forget_bias=config.forget_bias,
            generator=generator,
        )

    @torch.no_grad()
    def _start_weights(self, forget_bias: float, generator: Generator | None) -> None:
        """Small embeddings, cells as `start_weights` begins them."""
        self.embedding.weight.uniform_(-0.1, 0.1, generator=generator)
        for cell in self.recurrent:
            start_weights(cell, self.shape, forget_bias=forget_bias, generator=generator)
        for linear in (self.projection, self.decoder):
            if linear is not None:
                nn.init.xavier_uniform_(linear.weight, generator=generator)
        if self.projection is not None:
            self.projection.bias.zero_()
        self.decoder_bias.zero_()

    @torch.no_grad()
    def start_at_unigram(self, counts: Tensor) -> None:
        """Begin with how frequent each token is, so that no step is spent on learning just that.

        Args:
            counts: how often each token is in the training songs, shape (V,). On Penn Treebank the first
                perplexity is 690 with it instead of 10,000.
        """
        smoothed = counts.double() + 0.1
        self.decoder_bias.copy_((smoothed / smoothed.sum()).log())

    def forward(
        self, tokens: Tensor, state: State | None = None, *, dropout_generator: Generator | None = None
    ) -> tuple[Tensor, State]:
        """The logits of the token after each of ``tokens``.

        Args:
            tokens: ids, shape (T, B).
            state: what the network remembers from the tokens before, None at the beginning of a song.
            dropout_generator: where the dropout masks come from while training.
        Returns: logits of shape (T, B, V) and the state after the last token.
        """
        features, state = self.remember(tokens, state, dropout_generator=dropout_generator)
        return self.logits(features), state

    def remember(
        self, tokens: Tensor, state: State | None = None, *, dropout_generator: Generator | None = None
    ) -> tuple[Tensor, State]:
        """The top layer's features (T, B, H) for ``tokens``, ready for `logits`, and the state after them."""
        features = self.embedding(tokens)  # (T, B, E)
        features = self._word_dropout(features, tokens, dropout_generator)
        features = self._locked_dropout(features, self.input_dropout, dropout_generator)
        after: State = []
        for layer, cell in enumerate(self.recurrent):
            given, layer_state = fast_cells.run(cell, features, None if state is None else state[layer])  # (T, B, H)
            features = given + features if self.shape.is_residual(layer) else given
            features = self._locked_dropout(features, self.dropout, dropout_generator)
            after.append(layer_state)
        return features, after

    def logits(self, features: Tensor) -> Tensor:
        """Unnormalised scores of each next token: (…, H) gives (…, V)."""
        features, table = self.before_logits(features)
        return functional.linear(features, table, self.decoder_bias)

    def before_logits(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """What the logits are the products of: features (…, H or E), and the table with a row for each token."""
        if self.projection is not None:
            features = self.projection(features)
        return features, self.embedding.weight if self.decoder is None else self.decoder.weight

    def _locked_dropout(self, features: Tensor, share: float, generator: Generator | None) -> Tensor:
        if not self.training or share == 0:
            return features
        mask = torch.empty((1, *features.shape[1:]), device=features.device, dtype=features.dtype)
        return features * mask.bernoulli_(1 - share, generator=generator).div_(1 - share)

    def _word_dropout(self, features: Tensor, tokens: Tensor, generator: Generator | None) -> Tensor:
        """Hide some words wherever they stand: the same ones in the whole call, in all columns."""
        share = self.embedding_dropout
        if not self.training or share == 0:
            return features
        mask = torch.empty(self.shape.vocabulary_size, device=features.device, dtype=features.dtype)
        return features * mask.bernoulli_(1 - share, generator=generator).div_(1 - share)[tokens].unsqueeze(-1)

    def matrices_and_vectors(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """The weights that decay and those that do not: matrices, and biases."""
        weights = list(self.parameters())
        return [one for one in weights if one.ndim > 1], [one for one in weights if one.ndim == 1]

    def count_parameters(self) -> int:
        return sum(weight.numel() for weight in self.parameters())

    def named_tensors(self) -> dict[str, Tensor]:
        """The weights under the names of the model file, on the processor, in single precision."""
        return {
            _file_name(name): weight.detach().float().cpu().contiguous() for name, weight in self.state_dict().items()
        }

    def load_named_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over weights under the names of the model file. Raises RuntimeError if names or shapes differ."""
        self.load_state_dict({_own_name(name): tensor for name, tensor in tensors.items()})


def _file_name(name: str) -> str:
    """`recurrent.1.weight_ih_l0` is `recurrent.weight_ih_l1` in a file: torch's name for stacked layers."""
    if name == "decoder_bias":
        return "decoder.bias"
    if name.startswith("recurrent."):
        _, layer, weight = name.split(".")
        return f"recurrent.{weight.removesuffix('_l0')}_l{layer}"
    return name


def _own_name(name: str) -> str:
    if name == "decoder.bias":
        return "decoder_bias"
    if name.startswith("recurrent."):
        weight, _, layer = name.removeprefix("recurrent.").rpartition("_l")
        return f"recurrent.{layer}.{weight}_l0"
    return name


def detach(state: State) -> State:
    """The same memory without its past, so that the gradient of the next step ends here.

    It is in float32, so that a step in any precision can follow a step in any other.
    """
    return [
        tuple(part.detach().float() for part in one) if isinstance(one, tuple) else one.detach().float()
        for one in state
    ]
