"""Writing with a network in torch: samples during training, and the oracle that other samplers are tested against."""

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from training.language_model.networks import LyricNetwork
from training.language_model.tokenizers import Tokenizer


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the ``k`` best scores of each row and forbid the rest.

    Args:
        logits: unnormalised scores, shape (…, V).
        k: how many tokens stay possible, capped at V; ties with the k-th stay too.
    Returns: a new tensor of the same shape; forbidden scores are -inf.
    Raises: ValueError if ``k`` < 1.
    Source: Fan et al. 2018, arXiv:1805.04833.
    """
    if k < 1:
        raise ValueError("top_k keeps at least one token.")
    threshold = logits.topk(min(k, logits.shape[-1]), dim=-1).values[..., -1:]
    return logits.masked_fill(logits < threshold, -torch.inf)


def top_p(logits: Tensor, p: float) -> Tensor:
    """Keep the fewest best tokens whose probabilities sum to at least ``p`` and forbid the rest.

    Args:
        logits: unnormalised scores, shape (…, V).
        p: the probability to keep, in (0, 1].
    Returns: a new tensor of the same shape; forbidden scores are -inf.
    Raises: ValueError if ``p`` is outside (0, 1].
    Source: Holtzman et al. 2020, arXiv:1904.09751.
    """
    if not 0 < p <= 1:
        raise ValueError("top_p is above 0 and at most 1.")
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    probabilities = ordered.softmax(dim=-1)
    before = probabilities.cumsum(dim=-1) - probabilities  # what better tokens already cover
    ordered = ordered.masked_fill((before >= p) & (before > 0), -torch.inf)
    return torch.empty_like(logits).scatter_(-1, order, ordered)


def next_token_probabilities(
    logits: Tensor, *, temperature: float, k: int = 0, p: float = 1.0, forbidden: tuple[int, ...] = ()
) -> Tensor:
    """How likely each token is to come next.

    Args:
        logits: scores of one place, shape (V,).
        temperature: below 1 bolder in what is likely, above 1 more even; 0 puts all on the best token.
        k: keep this many best tokens (0: all); asked before ``p``.
        p: keep the best tokens up to this probability (1: all).
        forbidden: ids that never come.
    Returns: probabilities, float64, shape (V,), summing to 1.
    """
    logits = logits.double().index_fill(-1, torch.tensor(forbidden, dtype=torch.long, device=logits.device), -torch.inf)
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), logits.shape[-1]).double()
    logits = logits / temperature
    if k:
        logits = top_k(logits, k)
    if p < 1:
        logits = top_p(logits, p)
    return logits.softmax(dim=-1)


@torch.no_grad()
def _step(network: LyricNetwork, ids: list[int], state, device) -> tuple[Tensor, list]:
    """The logits (V,) after ``ids``, and the state."""
    features, state = network.remember(torch.tensor(ids, device=device)[:, None], state)
    return network.logits(features[-1, 0]), state


def sample_tokens(
    network: LyricNetwork,
    tokenizer: Tokenizer,
    prompt_ids: list[int],
    *,
    max_tokens: int,
    temperature: float = 1.0,
    k: int = 0,
    p: float = 1.0,
    generator: Generator | None = None,
) -> Iterator[int]:
    """The tokens a network writes after begin and a prompt, one at a time, until its end token or ``max_tokens``.

    Unknown and begin never come; the end token is not given out. ``generator`` lives on the processor.
    """
    network.eval()
    device = network.decoder_bias.device
    logits, state = _step(network, [tokenizer.begin_id, *prompt_ids], None, device)
    for _ in range(max_tokens):
        probabilities = next_token_probabilities(
            logits.cpu(), temperature=temperature, k=k, p=p, forbidden=tokenizer.never_generated_ids
        )
        token_id = int(torch.multinomial(probabilities, 1, generator=generator))
        if token_id == tokenizer.end_id:
            return
        yield token_id
        network.eval()  # whoever asks for tokens one by one may train in between
        logits, state = _step(network, [token_id], state, device)
