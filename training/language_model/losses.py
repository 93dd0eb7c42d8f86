"""What a step of learning minimises: cross-entropy over the whole vocabulary, or over a drawn part of it.

    features (N, E) ─▶ rows by the chunk ─▶ logits ─▶ softmax ─▶ loss
                                                       │ minus one at the target
                                                       └─▶ gradients of features, table and bias

The gradient is made while the logits are there, so that never more than `CHUNK_BYTES` of them exist, however many
words there are. Products run in the run's precision; the softmax inside works in float32.
"""

from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

from training.language_model.config import TrainingConfig

# The smallest size that costs nothing, on one core of an EPYC 9004: at 33,000 words a step's 700 rows take 186 ms by
# the chunk of 32 or 64 MiB, 193 by 16, 255 by 8 and 281 by 4; at 10,000 words 55, 55, 55, 56 and 61.
CHUNK_BYTES = 32 * 1024**2
# A graphics processor waits for whoever asks it: at 10,000 words, 960 rows take 1.6 ms by 32 MiB and 1.2 by 256, 4,096
# rows of 1,024 numbers 7.2 and 6.0 (H100).
CUDA_CHUNK_BYTES = 256 * 1024**2
SMALLEST = torch.finfo(torch.float32).tiny  # a target less likely than this costs 87 nats and no more
# From here on drawing pays: below, the whole softmax of a small network is hardly the larger part of a step.
SAMPLED_FROM_VOCABULARY = 8000
UNIGRAM_POWER = 0.75  # flatter than the words' frequencies: rare words are drawn often enough to be told apart


class Scratch:
    """Memory for one chunk of logits, kept from step to step: fresh pages cost more than what is written on them."""

    def __init__(self) -> None:
        self._memory = torch.empty(0)

    def take(self, rows: int, columns: int, like: Tensor) -> Tensor:
        """An uninitialised (rows, columns) tensor of the type and device of ``like``, valid until the next call."""
        memory = self._memory
        if memory.numel() < rows * columns or (memory.dtype, memory.device) != (like.dtype, like.device):
            self._memory = memory = torch.empty(rows * columns, dtype=like.dtype, device=like.device)
        return memory[: rows * columns].view(rows, columns)


def cross_entropy(
    features: Tensor,
    table: Tensor,
    bias: Tensor,
    targets: Tensor,
    *,
    counted: Tensor | None = None,
    precision: str = "float32",
    scratch: Scratch | None = None,
) -> Tensor:
    """The mean over ``targets`` of -log softmax(features · tableᵀ + bias), in nats.

    Args:
        features: shape (N, E).
        table, bias: a row and a number for each word, shapes (V, E) and (V,).
        targets: which word follows, shape (N,).
        counted: which of the targets the mean is over, shape (N,); None for all of them.
        precision: "bfloat16" multiplies in bfloat16; otherwise products run as torch is set.
        scratch: memory to use again in the next call.
    """
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    return _ChunkedCrossEntropy.apply(features, table, bias, targets, counted, dtype, scratch or Scratch())


class _ChunkedCrossEntropy(Function):
    """Two columns beside the E carry the bias: its value in the products' type, and what that rounding lost.

    So the product itself adds the bias, exact to about float32, and the table's gradient brings that of the bias.
    The row of a target that does not count is made empty, and gives nothing on.
    """

    @staticmethod
    def forward(ctx, features, table, bias, targets, counted, dtype, scratch):
        (N, E), V = features.shape, len(table)
        with torch.autocast(features.device.type, enabled=False):
            inputs = features.new_ones(N, E + 2, dtype=dtype)
            inputs[:, :E] = features
            weights = None if counted is None else counted.float()
            if counted is not None:
                inputs *= weights[:, None]
            words = torch.empty(V, E + 2, dtype=dtype, device=table.device)
            words[:, :E] = table
            words[:, E] = bias
            words[:, E + 1] = bias - words[:, E]
            inputs_gradient = torch.empty_like(inputs)
            words_gradient = torch.zeros(V, E + 2, device=table.device)
            nats = torch.zeros((), device=features.device)
            chunk_bytes = CUDA_CHUNK_BYTES if features.device.type == "cuda" else CHUNK_BYTES
            rows = max(1, chunk_bytes // (V * dtype.itemsize))
            for start in range(0, N, rows):
                chunk, target = inputs[start : start + rows], targets[start : start + rows]
                logits = torch.mm(chunk, words.t(), out=scratch.take(len(chunk), V, like=words))
                chances = torch._softmax(logits, 1, False, out=logits)  # float32 inside, whatever the type
                # By the place in memory: scatter_add_ of one value a row takes longer than the whole softmax.
                places = torch.arange(len(chunk), device=target.device) * V + target
                chance = chances.view(-1)[places]
                likely = chance.float().clamp(min=SMALLEST).log()
                nats -= (likely if counted is None else likely * weights[start : start + rows]).sum()
                errors = chances
                errors.view(-1)[places] = chance - 1
                torch.mm(errors, words, out=inputs_gradient[start : start + rows])
                words_gradient += torch.mm(errors.t(), chunk)
            if counted is not None:
                inputs_gradient *= weights[:, None]
            ctx.count = max(N, 1) if counted is None else weights.sum().clamp(min=1)
        ctx.save_for_backward(inputs_gradient, words_gradient)
        ctx.features_dtype = features.dtype
        return nats / ctx.count

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        inputs_gradient, words_gradient = ctx.saved_tensors
        E = words_gradient.shape[1] - 2
        scale = gradient / ctx.count
        return (
            (inputs_gradient[:, :E] * scale).to(ctx.features_dtype),
            words_gradient[:, :E] * scale,
            words_gradient[:, E] * scale,
            None,
            None,
            None,
            None,
        )


class Drawn(NamedTuple):
    """A part of the vocabulary: ``ids`` (S,), rising; where each target stands in it (N,); log of its weight (S,)."""

    ids: Tensor
    targets: Tensor
    log_weights: Tensor


class NegativeSampler:
    """Draws words that stand for the whole vocabulary in a softmax, the same ones for all targets of a step.

    A step's own targets are all in the sum, with weight one. Of the other words, word j is drawn with the chance
    π(j) and then weighs 1 / π(j): so the sum's expected value is the whole sum, whatever the text. The words lie
    on a line, each as long as its share of ``negatives``; one is drawn in each stretch of length one. Words that fill
    a whole stretch are always in. This draws no word twice, touches only what is drawn, and π is known exactly.

    Args:
        counts: how often each word is in the training songs, shape (V,); a word that is never there is never drawn.
        negatives: about how many words to draw, fewer than V.
        generator: where the draws come from.
    Source: Jean et al. 2015, arXiv:1412.2007; the weights are those of Horvitz and Thompson 1952.
    """

    def __init__(self, counts: Tensor, negatives: int, generator: Generator):
        self.generator = generator
        device = generator.device
        lengths = stretch_lengths(counts.double() ** UNIGRAM_POWER, negatives)
        self.always = (lengths >= 1).nonzero()[:, 0].to(device)
        self._drawn_from = ((lengths > 0) & (lengths < 1)).nonzero()[:, 0].to(device)
        on_line = lengths[(lengths > 0) & (lengths < 1)]
        ends = on_line.cumsum(0)
        self._stretches = int(ends[-1].ceil()) if len(ends) else 0
        self._ends = ends.to(device)
        chances = lengths.clamp(max=1)
        chances[(lengths > 0) & (lengths < 1)] = chance_of_a_hit(ends - on_line, ends)
        self.chances = chances.to(device)
        self._minus_log_chances = -chances.clamp(min=SMALLEST).log().float().to(device)
        self._is_in = torch.zeros(len(counts), dtype=torch.bool, device=device)
        self._place = torch.zeros(len(counts), dtype=torch.long, device=device)

    def draw(self, targets: Tensor) -> Drawn:
        """The targets (N,) and about as many other words as were asked for."""
        points = torch.rand(self._stretches, generator=self.generator, device=self._ends.device, dtype=torch.double)
        points += torch.arange(self._stretches, device=points.device)
        # The last stretch may reach beyond the end of the line, where nothing is drawn.
        hits = torch.searchsorted(self._ends, points, right=True)
        self._is_in.zero_()
        self._is_in[self.always] = True
        self._is_in[self._drawn_from[hits[hits < len(self._ends)]]] = True
        self._is_in[targets] = True
        ids = self._is_in.nonzero()[:, 0]
        self._place[ids] = torch.arange(len(ids), device=ids.device)
        places = self._place[targets]
        log_weights = self._minus_log_chances[ids]
        log_weights[places] = 0.0
        return Drawn(ids, places, log_weights)


def stretch_lengths(frequencies: Tensor, total: int) -> Tensor:
    """Lengths in proportion to ``frequencies`` whose sum is ``total`` when none counts for more than one.

    What the frequent ones have beyond one is shared out among the others, until no more of them reaches one.
    """
    lengths = frequencies * (total / frequencies.sum())
    while True:
        is_whole = lengths >= 1
        rest = lengths[~is_whole].sum()
        left = total - is_whole.sum()
        if rest <= 0 or rest * (1 + 1e-9) >= left:
            return lengths
        lengths = torch.where(is_whole, lengths, lengths * (left / rest))


def chance_of_a_hit(starts: Tensor, ends: Tensor) -> Tensor:
    """The chance that one of the points, drawn evenly in each [k, k + 1), falls between start and end."""
    border = ends.floor().maximum(starts)
    before = (border - starts).clamp(min=0)
    return 1 - (1 - before) * (1 - (ends - border))


def sampled_cross_entropy(
    features: Tensor,
    table: Tensor,
    bias: Tensor,
    targets: Tensor,
    sampler: NegativeSampler,
    *,
    precision: str = "float32",
    scratch: Scratch | None = None,
) -> Tensor:
    """`cross_entropy` with the sum over the vocabulary estimated from what ``sampler`` draws; shapes as there."""
    drawn = sampler.draw(targets)
    return cross_entropy(
        features,
        functional.embedding(drawn.ids, table),
        bias[drawn.ids] + drawn.log_weights,
        drawn.targets,
        precision=precision,
        scratch=scratch,
    )


class StepLoss:
    """The loss of each step of a training: drawn words first where that pays, the whole vocabulary in the end.

    Args:
        counts: how often each word is to be predicted in the training songs, shape (V,).
        ignored_id: a target that is no news, left out of the mean.
        generator: where drawn words come from.
    """

    def __init__(self, config: TrainingConfig, counts: Tensor, *, ignored_id: int, generator: Generator):
        self.steps, self.ignored_id = config.steps, ignored_id
        self.full_share = full_softmax_share(config, len(counts))
        self.sampler = NegativeSampler(counts, config.sampled_negatives, generator) if self.full_share < 1 else None
        self._scratch = Scratch()

    def is_sampled(self, step: int) -> bool:
        """Whether this step (0 …) learns from drawn words; where the number of steps is not known yet, all would."""
        if self.sampler is None:
            return False
        return self.steps is None or step < round(self.steps * (1 - self.full_share))

    def shares(self) -> dict[bool, float]:
        """The share of the steps that is sampled (True) and that is not, without those that are no part of it."""
        shares = {True: 1 - self.full_share, False: self.full_share}
        return {sampled: share for sampled, share in shares.items() if share > 0}

    def count(self, targets: Tensor) -> Tensor:
        """How many of the ``targets`` the mean is over."""
        return (targets != self.ignored_id).sum()

    def __call__(
        self, features: Tensor, table: Tensor, bias: Tensor, targets: Tensor, *, sampled: bool, precision: str
    ) -> Tensor:
        """Mean nats per target; ``features`` (T, B, E) or (N, E) with targets (T, B) or (N,), the rest as above.

        Targets on the processor that are no news are left out there; on a graphics processor, where nobody may wait to
        be told how many they are, they are computed and not counted.
        """
        features, targets = features.reshape(-1, features.shape[-1]), targets.reshape(-1)
        is_news = targets != self.ignored_id
        how = {"precision": precision, "scratch": self._scratch if features.device.type == "cpu" else None}
        if targets.device.type == "cuda" and not sampled:
            return cross_entropy(features, table, bias, targets, counted=is_news, **how)
        if not is_news.all():
            places = is_news.nonzero()[:, 0]
            features = features.index_select(0, places.to(features.device, non_blocking=True))
            targets = targets[places]
        targets = targets.to(features.device, non_blocking=True)
        if sampled:
            return sampled_cross_entropy(features, table, bias, targets, self.sampler, **how)
        return cross_entropy(features, table, bias, targets, **how)


def full_softmax_share(config: TrainingConfig, vocabulary_size: int) -> float:
    """The last share of the steps that learns from the whole vocabulary: 1 where drawing does not pay."""
    smallest = 2 * config.sampled_negatives
    if config.loss == "auto":
        smallest = max(smallest, SAMPLED_FROM_VOCABULARY)
    return 1.0 if config.loss == "full" or vocabulary_size < smallest else config.full_softmax_share
