"""How a network is read by a probe: in its judging mode, without dropout, its weights and chance untouched."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional

from training.language_model.networks import LyricNetwork

SONGS_AT_ONCE = 16
ROWS_AT_ONCE = 32  # with 16 songs and 30,000 words, the logits of one piece take 61 MB
PADDING = -100


@contextmanager
def judging(network: LyricNetwork) -> Iterator[torch.device]:
    """Have the network judge instead of learn, and learn again afterwards if it did; gives its device."""
    was_training = network.training
    network.eval()
    try:
        yield network.decoder_bias.device
    finally:
        network.train(was_training)


@torch.no_grad()
def token_losses(network: LyricNetwork, songs: list[Tensor]) -> list[Tensor]:
    """The nats of each token of each song, the state carried from the song's begin.

    Args:
        songs: token ids, each of shape (length,).
    Returns: for each song a tensor (length,) on the processor; its first entry is 0, as begin is not predicted.
    """
    losses: list[Tensor] = [torch.zeros(len(song)) for song in songs]
    longest_first = sorted(range(len(songs)), key=lambda index: -len(songs[index]))
    with judging(network) as device:
        for start in range(0, len(songs), SONGS_AT_ONCE):
            chosen = longest_first[start : start + SONGS_AT_ONCE]
            columns = torch.nn.utils.rnn.pad_sequence([songs[index].long() for index in chosen], padding_value=PADDING)
            for index, column in zip(chosen, _losses_of_columns(network, columns.to(device)).T, strict=True):
                losses[index][1:] = column[: len(songs[index]) - 1].cpu()
    return losses


def _losses_of_columns(network: LyricNetwork, columns: Tensor) -> Tensor:
    """The nats of rows 1… of ``columns`` (rows, B), from all rows before each: (rows - 1, B), 0 for padding."""
    pieces, state = [], None
    for row in range(0, len(columns) - 1, ROWS_AT_ONCE):
        piece = columns[row : row + ROWS_AT_ONCE + 1]
        logits, state = network(piece[:-1].clamp(min=0), state)
        nats = functional.cross_entropy(
            logits.float().flatten(0, 1), piece[1:].flatten(), ignore_index=PADDING, reduction="none"
        )
        pieces.append(nats.view(-1, columns.shape[1]))
    return torch.cat(pieces)


def drawn_places(counts: list[int], most: int, *, seed: int) -> list[tuple[int, int]]:
    """At most ``most`` of the pairs (song, offset < counts[song]), drawn by chance, the same for the same seed."""
    ends = torch.tensor([0, *counts]).cumsum(0)
    order = torch.randperm(int(ends[-1]), generator=torch.Generator().manual_seed(seed))[:most].sort().values
    songs = torch.searchsorted(ends, order, right=True) - 1
    return list(zip(songs.tolist(), (order - ends[songs]).tolist(), strict=True))


def mean_and_error(values: Tensor) -> tuple[float, float]:
    """The mean of independent measurements and its standard error; 0 for both where there are none."""
    count = len(values)
    if count == 0:
        return 0.0, 0.0
    error = float(values.double().std() / count**0.5) if count > 1 else 0.0
    return float(values.double().mean()), error
