"""How far back a loss is felt: the length of its gradient at the state that the network carried some tokens earlier.

    state ─▶ token ─▶ state ─▶ token ─▶ … ─▶ state ─▶ token ─▶ loss
      ▲ ∂loss/∂state, lag 3     ▲ lag 2          ▲ lag 1

The state is all that a layer hands on, hidden and cell values of every layer together. Where the gradient has vanished
(Hochreiter 1991, Bengio et al. 1994), nothing can be learnt from a word so far away.
"""

import torch
from torch import Tensor
from torch.nn import functional

from training.language_model.networks import LyricNetwork, State
from training.language_model.probes.reading import drawn_places, judging

LAGS = 64
WINDOWS = 24
LONGEST_NORM = 1e30  # one that has exploded is still a number
REACHED_SHARE = 0.01  # of the gradient one token back; below it counts as gone


def choose_windows(songs: list[Tensor], *, lags: int = LAGS, most: int = WINDOWS, seed: int = 0) -> Tensor:
    """Stretches of songs to read, (lags + 2, windows): a token before the first state, ``lags`` more, and the target.

    There are fewer lags where not one song is so long, and no window at all where songs are shorter than three tokens.
    """
    lags = max(1, min(lags, max((len(song) for song in songs), default=0) - 2))
    length = lags + 2
    drawn = drawn_places([max(0, len(song) - length + 1) for song in songs], most, seed=seed)
    windows = [songs[song][start : start + length].long() for song, start in drawn]
    return torch.stack(windows, dim=1) if windows else torch.empty((length, 0), dtype=torch.long)


def gradient_reach(network: LyricNetwork, windows: Tensor) -> list[float]:
    """The mean length of ∂loss/∂state at lags 1, 2, 3 …, one number for each lag.

    Args:
        windows: token ids (lags + 2, B) as `choose_windows` gives them, B ≥ 1.
    The weights' own gradients are left as they are, so that it can be asked in the middle of a training.
    """
    norms = [gradient.norm(dim=1) for gradient in state_gradients(network, windows)]
    return [float(torch.nan_to_num(norm, posinf=LONGEST_NORM).clamp(max=LONGEST_NORM).mean()) for norm in norms]


def state_gradients(network: LyricNetwork, windows: Tensor) -> list[Tensor]:
    """∂loss/∂state for lags 1, 2, 3 …: each (B, features), the features of all layers side by side.

    Tokens are read one by one, so that a cell which reads many at once by a parallel scan shows its states too.
    """
    # cuDNN's cells give no gradient while judging; torch's own kernels do.
    with judging(network) as device, torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        windows = windows.to(device)
        states: list[State] = []
        state: State | None = None
        for tokens in windows[:-1]:
            features, state = network.remember(tokens[None], state)  # (1, B, H)
            states.append(state)
        logits = network.logits(features[-1])
        # Columns don't meet, so the gradient of the sum holds that of each.
        loss = functional.cross_entropy(logits, windows[-1], reduction="sum")
        earlier = [tensors_of(one) for one in reversed(states[:-1])]
        flat = [tensor for one in earlier for tensor in one]
        gradients = iter(torch.autograd.grad(loss, flat, allow_unused=True))
    return [_side_by_side([next(gradients) for _ in one], one) for one in earlier]


def tensors_of(state: State) -> list[Tensor]:
    """Every tensor of a state, layer by layer."""
    return [part for layer in state for part in (layer if isinstance(layer, tuple | list) else (layer,))]


def _side_by_side(gradients: list[Tensor | None], tensors: list[Tensor]) -> Tensor:
    """Gradients (layers, B, H) of one state as (B, features); a tensor that the loss does not feel counts as 0."""
    known = [torch.zeros_like(tensor) if one is None else one for one, tensor in zip(gradients, tensors, strict=True)]
    return torch.cat([one.transpose(0, -2).flatten(1) for one in known], dim=1)


def reach_of(norms: list[float]) -> int | None:
    """The first lag at which less than `REACHED_SHARE` of the gradient at lag 1 is left; None if it never is."""
    if not norms or norms[0] <= 0:
        return None
    return next((lag for lag, norm in enumerate(norms, start=1) if norm < REACHED_SHARE * norms[0]), None)
