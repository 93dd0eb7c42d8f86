"""How a network is read by a probe: in its judging mode, without dropout, its weights and chance untouched."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional

from training.language_model.networks import LyricNetwork

SONGS_AT_ONCE = 16
ROWS_AT_ONCE = 32  # with 16 songs and 30,000 words, the logits of one piece take 61 MB at most

Span = tuple[int, int]


@contextmanager
def judging(network: LyricNetwork) -> Iterator[torch.device]:
    """Have the network judge in float32 instead of learn, and learn again afterwards if it did; gives its device."""
    was_training = network.training
    network.eval()
    try:
        with torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled, allow_tf32=False):
            yield network.decoder_bias.device
    finally:
        network.train(was_training)


@torch.no_grad()
def token_losses(network: LyricNetwork, songs: list[Tensor], spans: list[list[Span]]) -> list[Tensor]:
    """The nats of some tokens of each song, the state carried from the song's begin.

    Args:
        songs: token ids, each of shape (length,).
        spans: for each song the stretches [start, end) that are asked for. Only there the vocabulary is looked
            through, which takes most of the time; begin itself is never predicted.
    Returns: for each song a tensor (length,) on the processor, 0 where nothing was asked for.
    """
    losses: list[Tensor] = [torch.zeros(len(song)) for song in songs]
    longest_first = sorted(range(len(songs)), key=lambda index: -len(songs[index]))
    with judging(network) as device:
        for start in range(0, len(songs), SONGS_AT_ONCE):
            chosen = longest_first[start : start + SONGS_AT_ONCE]
            columns = torch.nn.utils.rnn.pad_sequence([songs[index].long() for index in chosen])
            is_asked = torch.zeros_like(columns, dtype=torch.bool)
            for column, index in enumerate(chosen):
                for first, end in spans[index]:
                    is_asked[first:end, column] = True
            nats = _losses_of_columns(network, columns.to(device), is_asked.to(device)).cpu()
            for column, index in enumerate(chosen):
                losses[index][1:] = nats[1 : len(songs[index]), column]
    return losses


def _losses_of_columns(network: LyricNetwork, columns: Tensor, is_asked: Tensor) -> Tensor:
    """The nats of the tokens of ``columns`` (rows, B) that are asked for, from all rows before each; 0 elsewhere."""
    nats = torch.zeros(columns.shape, device=columns.device)
    state = None
    for row in range(0, len(columns) - 1, ROWS_AT_ONCE):
        end = min(row + ROWS_AT_ONCE, len(columns) - 1)
        features, state = network.remember(columns[row:end], state)  # (T, B, H)
        asked = is_asked[row + 1 : end + 1]
        if asked.any():
            logits = network.logits(features[asked]).float()  # (asked, V)
            targets = columns[row + 1 : end + 1][asked]
            nats[row + 1 : end + 1][asked] = functional.cross_entropy(logits, targets, reduction="none")
    return nats


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
