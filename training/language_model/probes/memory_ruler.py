"""How many tokens back a network makes use of: its loss when it may see only the last n of them.

    … │ walked the old │ road ▶ ?        n = 2: two tokens, read from an empty state
    … │ I walked the old road ▶ ?        n = 4
    <begin> … I walked the old road ▶ ?  the whole song so far

The same tokens are predicted for every n, so what changes between two points of the curve is the memory alone. After
Khandelwal et al. 2018 ("Sharp Nearby, Fuzzy Far Away", arXiv:1805.04623), who cut the context of LSTMs the same way.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.language_model.networks import LyricNetwork
from training.language_model.probes.reading import Span, drawn_places, judging, mean_and_error, token_losses

LONGEST = 512
MOST_PLACES = 384
FEWEST_PLACES = 48  # below, the ruler would say more of these few words than of the network
COLUMNS_AT_ONCE = 96
# A loss this near to that of the whole song counts as the same: 2 % of it, and never less than a fiftieth of a nat.
KNEE_SHARE, KNEE_NATS = 0.02, 0.02
EVIDENCE = 2  # standard errors


@dataclass(frozen=True, kw_only=True)
class Places:
    """Tokens to be predicted, as (song, index); each has at least ``history`` tokens of its song before it."""

    history: int
    chosen: list[tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Ruler:
    """``losses[i]`` in nats per token with the last ``lengths[i]`` tokens in sight; ``whole`` with the whole song.

    ``gain`` is what the whole song saves against one token, ``gain_error`` its standard error over the places.
    """

    lengths: list[int]
    losses: list[float]
    whole: float
    gain: float
    gain_error: float
    places: int

    @property
    def is_flat(self) -> bool:
        """Whether seeing more than one token makes no difference that chance would not make."""
        return self.gain <= max(margin(self.whole), EVIDENCE * self.gain_error)

    @property
    def knee(self) -> int | None:
        """The fewest tokens with which, as with every longer sight, the loss is that of the whole song; None if none.

        A flat ruler has no knee: it was never bent.
        """
        if self.is_flat:
            return None
        enough = [loss <= self.whole + margin(self.whole) for loss in self.losses]
        return next((length for index, length in enumerate(self.lengths) if all(enough[index:])), None)


def margin(whole: float) -> float:
    return max(KNEE_SHARE * whole, KNEE_NATS)


def choose_places(songs: list[Tensor], *, most: int = MOST_PLACES, longest: int = LONGEST, seed: int = 0) -> Places:
    """At most ``most`` tokens of the songs, drawn by chance, that have a long history in their song.

    The history is the largest power of two up to ``longest`` that one token in ten, and as many as are wanted, have
    before them: a ruler of 512 words made of the two longest songs alone would measure those songs.
    """
    lengths = [len(song) for song in songs]
    predicted = sum(max(0, length - 1) for length in lengths)
    history = longest
    while history > 1 and sum(_counts(lengths, history)) < max(1, min(most, predicted // 4), predicted // 10):
        history //= 2
    drawn = drawn_places(_counts(lengths, history), most, seed=seed)
    return Places(history=history, chosen=[(song, history + offset) for song, offset in drawn])


def _counts(lengths: list[int], history: int) -> list[int]:
    """How many tokens of each song have so long a history."""
    return [max(0, length - history) for length in lengths]


def memory_ruler(network: LyricNetwork, songs: list[Tensor], places: Places) -> Ruler:
    """The loss at ``places`` with the last 1, 2, 4 … ``places.history`` tokens in sight, and with the whole song."""
    lengths = [2**power for power in range(places.history.bit_length())]
    asked: dict[int, list[Span]] = {}
    for song, index in places.chosen:
        asked.setdefault(song, []).append((index, index + 1))
    of_songs = token_losses(network, [songs[song] for song in asked], list(asked.values()))
    whole_songs = dict(zip(asked, of_songs, strict=True))
    whole = torch.stack([whole_songs[song][index] for song, index in places.chosen])
    by_length = [losses_in_sight(network, songs, places.chosen, length) for length in lengths]
    gain, gain_error = mean_and_error(by_length[0] - whole)
    return Ruler(
        lengths=lengths,
        losses=[float(losses.double().mean()) for losses in by_length],
        whole=float(whole.double().mean()),
        gain=gain,
        gain_error=gain_error,
        places=len(places.chosen),
    )


@torch.no_grad()
def losses_in_sight(network: LyricNetwork, songs: list[Tensor], chosen: list[tuple[int, int]], length: int) -> Tensor:
    """The nats of each chosen token when only the ``length`` tokens before it are read, from an empty state."""
    losses = []
    with judging(network) as device:
        for start in range(0, len(chosen), COLUMNS_AT_ONCE):
            some = chosen[start : start + COLUMNS_AT_ONCE]
            windows = torch.stack([songs[song][index - length : index] for song, index in some], dim=1)  # (n, B)
            targets = torch.stack([songs[song][index] for song, index in some])
            features, _ = network.remember(windows.long().to(device))
            logits = network.logits(features[-1]).float()  # (B, V)
            losses.append(functional.cross_entropy(logits, targets.long().to(device), reduction="none").cpu())
    return torch.cat(losses)
