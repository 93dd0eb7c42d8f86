"""How good a model is on songs it has not seen, in numbers that compare across tokenizers."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.language_model.corpus import Corpus, HeldOutSongs
from training.language_model.networks import LyricNetwork
from training.language_model.ngram import KneserNey

SONGS_AT_ONCE = 32
ROWS_AT_ONCE = 64
PADDING = -100


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Total ``nats`` over the ``tokens`` predicted, and over the ``characters`` they stand for.

    ``spelling_nats`` is what the words cost in addition that were predicted as unknown (see `spelling`).
    """

    nats: float
    tokens: int
    characters: int
    spelling_nats: float = 0.0

    @property
    def nats_per_token(self) -> float:
        return self.nats / self.tokens

    @property
    def perplexity(self) -> float:
        """How many equally likely tokens the model chooses between; inf where that overflows."""
        return math.exp(self.nats_per_token) if self.nats_per_token < 700 else math.inf

    @property
    def nats_per_character(self) -> float:
        """Nats over characters of the canonical text, newlines and song ends counted (see `HeldOutSongs`).

        It means the same for every tokenizer: who reads words pays for an unknown one as a token and then for its
        letters. What is left of the difference: words in lower case are not asked for their capitals.
        """
        return (self.nats + self.spelling_nats) / self.characters

    @property
    def bits_per_character(self) -> float:
        return self.nats_per_character / math.log(2)


def evaluate(network: LyricNetwork, held_out: HeldOutSongs) -> Iterator[float]:
    """Judge a network, full softmax, float32, the state carried inside each song and begun anew for the next.

    A generator, so that the caller can stop in between: yields the share done, from 0 to 1, after each small piece,
    and returns an `Evaluation` (``result = yield from evaluate(...)``).
    """
    nats, tokens, total = 0.0, 0, held_out.tokens
    for first in range(0, len(held_out.songs), SONGS_AT_ONCE):
        batch = pad(held_out.songs[first : first + SONGS_AT_ONCE]).to(network.decoder_bias.device)
        asked = batch.clone()
        for column, given in enumerate(held_out.given[first : first + SONGS_AT_ONCE]):
            asked[1 : 1 + given, column] = PADDING
        state = None
        for row in range(0, len(batch) - 1, ROWS_AT_ONCE):
            piece = batch[row : row + ROWS_AT_ONCE + 1]  # one row more: the last input's target
            targets = asked[row + 1 : row + ROWS_AT_ONCE + 1]
            piece_nats, piece_tokens, state = score_piece(network, piece, state, targets=targets)
            nats, tokens = nats + piece_nats, tokens + piece_tokens
            yield tokens / total
    return evaluation_of(held_out, nats=nats, tokens=tokens)


def count_songs(corpus: Corpus) -> KneserNey:
    """The n-gram model of the training songs: what a network has to know better."""
    songs = np.split(corpus.tokens.numpy(), np.cumsum(corpus.song_lengths)[:-1])
    return KneserNey(vocabulary_size=corpus.tokenizer.vocabulary_size).fit(songs)


def evaluate_counts(model: KneserNey, held_out: HeldOutSongs) -> Evaluation:
    """Judge an n-gram model as `evaluate` judges a network: the same songs, the same tokens."""
    nats = model.token_nats([song.numpy() for song in held_out.songs], given=held_out.given)
    return evaluation_of(held_out, nats=float(nats.sum()), tokens=len(nats))


def evaluation_of(held_out: HeldOutSongs, *, nats: float, tokens: int) -> Evaluation:
    return Evaluation(nats=nats, tokens=tokens, characters=held_out.characters, spelling_nats=held_out.spelling_nats)


def count_pieces(held_out: HeldOutSongs) -> int:
    """How many pieces `evaluate` judges the songs in."""
    longest = [len(held_out.songs[first]) for first in range(0, len(held_out.songs), SONGS_AT_ONCE)]
    return sum(math.ceil((length - 1) / ROWS_AT_ONCE) for length in longest)


@torch.no_grad()
def score_piece(
    network: LyricNetwork, piece: Tensor, state, *, targets: Tensor | None = None
) -> tuple[float, int, list]:
    """(nats, tokens, state) of predicting rows 1… of ``piece`` (T + 1, B) from the rows before them.

    ``targets`` (T, B) are these rows with `PADDING` where the network is not judged; without them it is everywhere.
    """
    network.eval()
    targets = piece[1:] if targets is None else targets
    logits, state = network(piece[:-1].clamp(min=0), state)
    nats = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PADDING, reduction="none")
    return float(nats.double().sum()), int((targets != PADDING).sum()), state


def pad(songs: list[Tensor]) -> Tensor:
    """Songs side by side, shape (longest, B); `PADDING` below the shorter ones."""
    return torch.nn.utils.rnn.pad_sequence(songs, padding_value=PADDING)


def finish(pieces: Iterator[float]) -> Evaluation:
    """Run `evaluate` to its end and return its result."""
    while True:
        try:
            next(pieces)
        except StopIteration as done:
            return done.value
