"""Writing with a network in torch: samples during training, and the oracle that other samplers are tested against.

What may come next is defined here as plainly as it can be said, one token and one row at a time. The order is part of
the definition: forbidden tokens, repetition penalty, phrases not to be repeated, the ``top_k`` likeliest and never more
than `CAP`, temperature, then inside these, each on the probabilities that the one before it left: top-p, min-p,
typical-p. Ties go to the lower token id.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Generator, Tensor

from training.language_model.lyric_text import MARK_TITLES
from training.language_model.networks import LyricNetwork
from training.language_model.tokenizers import Tokenizer

CAP = 128  # part of every sampler's definition: what is drawn always lies among the 128 likeliest tokens


@dataclass(frozen=True, kw_only=True)
class SamplingValues:
    """What decides the next token beside scores and past, by the names and bounds of a recipe."""

    temperature: float = 1.0  # 0 is greedy
    top_k: int = 0  # 0 is the cap
    top_p: float = 1.0
    min_p: float = 0.0
    typical_p: float = 1.0
    repetition_penalty: float = 1.0
    no_repeat_ngram: int = 0
    banned: tuple[str, ...] = ()
    min_lines: int = 0


PLAIN = SamplingValues()


# ── Filters: each takes scores (…, V) and gives new ones, -inf for what it leaves out ────────────────────────────


def top_k(logits: Tensor, k: int) -> Tensor:
    """Keep the ``k`` best scores of each row and forbid the rest.

    Args:
        logits: unnormalised scores, shape (…, V).
        k: how many tokens stay possible, capped at V; of equal scores the lower id is better.
    Returns: a new tensor of the same shape; forbidden scores are -inf.
    Raises: ValueError if ``k`` < 1.
    Source: Fan et al. 2018, arXiv:1805.04833.
    """
    if k < 1:
        raise ValueError("top_k keeps at least one token.")
    order = logits.argsort(dim=-1, descending=True, stable=True)
    return logits.scatter(-1, order[..., k:], -torch.inf)


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
    return _until(logits, logits.argsort(dim=-1, descending=True, stable=True), p)


def min_p(logits: Tensor, share: float) -> Tensor:
    """Keep the tokens of at least ``share`` times the probability of the best.

    Args: share: from 0, which keeps all, to 1, which keeps the best and its equals.
    Raises: ValueError if ``share`` is outside [0, 1].
    Source: Nguyen et al. 2024, arXiv:2407.01082.
    """
    if not 0 <= share <= 1:
        raise ValueError("min_p is from 0 to 1.")
    probabilities = logits.softmax(dim=-1)
    is_low = probabilities < share * probabilities.amax(dim=-1, keepdim=True)
    return logits.masked_fill(is_low, -torch.inf)


def typical_p(logits: Tensor, p: float) -> Tensor:
    """Keep the tokens whose surprise is nearest to the expected one, the fewest that sum to at least ``p``.

    Raises: ValueError if ``p`` is outside (0, 1].
    Source: Meister et al. 2023, arXiv:2202.00666.
    """
    if not 0 < p <= 1:
        raise ValueError("typical_p is above 0 and at most 1.")
    best_first = logits.argsort(dim=-1, descending=True, stable=True)
    surprise = -logits.gather(-1, best_first).log_softmax(dim=-1)
    expected = (surprise.neg().exp() * surprise).nan_to_num(0.0).sum(dim=-1, keepdim=True)
    distance = (surprise - expected).abs()
    return _until(logits, best_first.gather(-1, distance.argsort(dim=-1, stable=True)), p)


def _until(logits: Tensor, order: Tensor, p: float) -> Tensor:
    """Keep tokens in this ``order`` (…, V) until they sum to ``p``."""
    probabilities = logits.softmax(dim=-1).gather(-1, order)
    before = probabilities.cumsum(dim=-1) - probabilities
    left_out = (before >= p) & (before > 0)
    return logits.masked_fill(torch.zeros_like(left_out).scatter(-1, order, left_out), -torch.inf)


def penalised(logits: Tensor, seen: Sequence[int], penalty: float) -> Tensor:
    """Lower the scores (V,) of tokens already ``seen``: positive ones divided by ``penalty``, negative multiplied.

    Source: Keskar et al. 2019, arXiv:1909.05858.
    """
    ids = torch.tensor(sorted(set(seen)), dtype=torch.long, device=logits.device)
    values = logits[ids]
    return logits.index_copy(0, ids, torch.where(values > 0, values / penalty, values * penalty))


def next_token_probabilities(
    logits: Tensor, values: SamplingValues = PLAIN, *, forbidden: Sequence[int] = (), seen: Sequence[int] = ()
) -> Tensor:
    """How likely each token is to come next.

    Args:
        logits: scores of one place, shape (V,).
        forbidden: ids that may not come.
        seen: ids that the repetition penalty lowers.
    Returns: probabilities, float64, shape (V,), summing to 1.
    """
    if values.repetition_penalty != 1:
        logits = penalised(logits, seen, values.repetition_penalty)
    logits = logits.index_fill(-1, torch.tensor([*forbidden], dtype=torch.long, device=logits.device), -torch.inf)
    if values.temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), logits.shape[-1]).double()
    logits = (top_k(logits, values.top_k or CAP) / values.temperature).double()
    if values.top_p < 1:
        logits = top_p(logits, values.top_p)
    if values.min_p > 0:
        logits = min_p(logits, values.min_p)
    if values.typical_p < 1:
        logits = typical_p(logits, values.typical_p)
    return logits.softmax(dim=-1)


# ── What may not come ────────────────────────────────────────────────────────────────────────────────────────────


def forbidden_tokens(
    tokenizer: Tokenizer, read: Sequence[int], written: Sequence[int], values: SamplingValues = PLAIN
) -> set[int]:
    """The ids that may not follow ``read``, a prompt with all before it, and ``written``, what the network added.

    Never allowed are what no reader can use, the end of the song before ``min_lines`` lines with words, the last token
    of a phrase that was there, and what completes a banned word. If that is every token, the end alone is allowed.
    """
    forbidden = {*tokenizer.never_generated_ids, *_repeating([*read, *written], tokenizer, values.no_repeat_ngram)}
    if _lines_with_words(written, tokenizer) < values.min_lines:
        forbidden.add(tokenizer.end_id)
    if values.banned:
        forbidden |= _completing(tokenizer, read, written, values.banned)
    if len(forbidden) == tokenizer.vocabulary_size:
        forbidden.remove(tokenizer.end_id)
    return forbidden


def _repeating(history: Sequence[int], tokenizer: Tokenizer, length: int) -> Iterator[int]:
    """The last tokens of phrases of ``length`` whose first ones end the ``history``; marks may always come again."""
    if not length or len(history) < length - 1:
        return
    latest = history[len(history) - length + 1 :]
    for start in range(len(history) - length + 1):
        token = history[start + length - 1]
        if history[start : start + length - 1] == latest and token >= tokenizer.mark_count:
            yield token


def _lines_with_words(written: Sequence[int], tokenizer: Tokenizer) -> int:
    marked = [tokenizer.end_id, *written]
    return sum(a < tokenizer.mark_count <= b for a, b in pairwise(marked))


def _completing(tokenizer: Tokenizer, read: Sequence[int], written: Sequence[int], words: Sequence[str]) -> set[int]:
    """The ids with which the present line would hold one of ``words``, in part at least written by the network.

    A line of letters that ends in the word may go on to a longer one, so there only the next token decides.
    """
    line = _present_line([*read, *written], tokenizer)
    given = tokenizer.decode(line[: len(line) - len(written)]) if len(line) > len(written) else ""
    found = set()
    for token in range(tokenizer.vocabulary_size):
        if tokenizer.is_text(token):
            text = tokenizer.decode([*line, token])
            if tokenizer.kind == "char":
                text = f"x{text}" if tokenizer.lines_right_to_left else f"{text}x"
        else:
            text = tokenizer.decode(line)
            if holds_any(MARK_TITLES.get(tokenizer.tokens[token], ""), words):
                found.add(token)
        if holds_any(text, words, beyond=given):
            found.add(token)
    return found


def _present_line(ids: Sequence[int], tokenizer: Tokenizer) -> Sequence[int]:
    start = len(ids)
    while start and tokenizer.is_text(ids[start - 1]):
        start -= 1
    return ids[start:]


def holds_any(text: str, words: Sequence[str], *, beyond: str = "") -> bool:
    """Whether one of ``words`` stands in ``text``, whatever its case, and ends after the beginning ``beyond``.

    It is whole: where it begins or ends with a letter or digit, neither comes before or after.
    """
    folded, least = text.casefold(), len(beyond.casefold())
    for word in (word.casefold() for word in words):
        start = folded.find(word)
        while start >= 0:
            end = start + len(word)
            is_cut = _are_one_word(folded[:start], word) or _are_one_word(word, folded[end:])
            if end > least and not is_cut:
                return True
            start = folded.find(word, start + 1)
    return False


def _are_one_word(left: str, right: str) -> bool:
    neighbours = left[-1:], right[:1]
    return all(one and (one.isalnum() or unicodedata.category(one)[0] == "M") for one in neighbours)


# ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────────────


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
    generator: Generator | None = None,
    **values,
) -> Iterator[int]:
    """The tokens a network writes after begin and a prompt, one at a time, until its end token or ``max_tokens``.

    Unknown and begin never come; the end token is not given out. ``generator`` lives on the processor.
    Args: values: those of `SamplingValues` that are not as usual.
    """
    network.eval()
    device, chosen = network.decoder_bias.device, SamplingValues(**values)
    read, written = [tokenizer.begin_id, *prompt_ids], []
    logits, state = _step(network, read, None, device)
    for _ in range(max_tokens):
        probabilities = next_token_probabilities(
            logits.cpu(),
            chosen,
            forbidden=[*forbidden_tokens(tokenizer, read, written, chosen)],
            seen=[token for token in [*read, *written] if token >= tokenizer.mark_count],
        )
        token_id = int(torch.multinomial(probabilities, 1, generator=generator))
        if token_id == tokenizer.end_id:
            return
        yield token_id
        written.append(token_id)
        network.eval()  # whoever asks for tokens one by one may train in between
        logits, state = _step(network, [token_id], state, device)
