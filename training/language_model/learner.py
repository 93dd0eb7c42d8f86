"""The state of a training and its one step; what a resumed training must have back is all here.

All chance comes from generators of its own and nothing from torch's global one, so the same config, corpus and seed
give the same weights bit by bit on one processor once the number of steps is fixed.
"""

import logging
import math
from collections.abc import Iterator, Mapping
from functools import partial

import torch
from torch import Tensor

from training.language_model import machine
from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus, windows
from training.language_model.errors import TrainingDiverged
from training.language_model.losses import StepLoss
from training.language_model.networks import LyricNetwork, State, detach
from training.language_model.recording import Passed, Recording
from training.language_model.team import ALONE, Team

logger = logging.getLogger(__name__)

RANKS_APART = 1_000_003  # between the seeds of two processes of a team


class Learner:
    """A network with its optimiser, its place in the songs and its chance: what a resumed training must have back.

    Every source of chance stands in ``generators``, so that a resume file holds it too. ``weights`` (of
    `LyricNetwork.named_tensors`) are those to start from, where a training goes on from another one's model. In a
    ``team`` of several processes each learns from its part of a batch, and drops and draws by a chance of its own.
    """

    def __init__(
        self,
        corpus: Corpus,
        config: TrainingConfig,
        device: torch.device,
        *,
        weights: Mapping[str, Tensor] | None = None,
        team: Team = ALONE,
    ):
        self.corpus, self.config, self.device, self.team = corpus, config, device, team
        starts = torch.Generator().manual_seed(config.seed)
        counts = corpus.token_counts()
        self.network = LyricNetwork.of(config, corpus.tokenizer.vocabulary_size, generator=starts)
        if weights is None:
            self.network.start_at_unigram(counts)
        else:
            self.network.load_named_tensors(weights)
        self.network.to(device)
        self.generators = {
            name: torch.Generator(device).manual_seed(config.seed + offset + RANKS_APART * team.rank)
            for offset, name in enumerate(("dropout", "negatives"))
        }
        self.loss = StepLoss(
            config, counts, ignored_id=corpus.tokenizer.begin_id, generator=self.generators["negatives"]
        )
        matrices, vectors = self.network.matrices_and_vectors()
        groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.99), fused=True)
        self.step = 0
        self.epoch = 0
        self.windows_read = 0  # of this epoch
        self.tokens = 0
        self.state: State | None = None
        self._recordings: dict[str, Recording | None] = {}  # by precision
        self._windows: Iterator[tuple[Tensor, Tensor]] = iter(())
        team.begin(self)

    def next_window(self) -> tuple[Tensor, Tensor]:
        """The next inputs and targets (T, B), on the processor; where an epoch ends, another order of songs begins."""
        window = next(self._windows, None)
        if window is None:
            order = {"seed": self.config.batch_seed, "epoch": self.epoch}
            columns = self.corpus.columns(batch_size=self.config.batch_size, **order)
            tokenizer = self.corpus.tokenizer
            self._windows = windows(columns, self.config.sequence_length, tokenizer=tokenizer)
            self.epoch += 1
            self.state = None
            self.windows_read = 0
            window = next(self._windows)
        self.windows_read += 1
        return window

    def go_to(self, *, epoch: int, windows_read: int) -> None:
        """Stand where ``windows_read`` windows of the ``epoch``-th reading were learnt from; nothing is computed."""
        self.epoch, self.windows_read, self._windows = max(epoch - 1, 0), 0, iter(())
        for _ in range(windows_read):
            self.next_window()

    def learn(self, *, learning_rate: float, precision: str, sampled: bool | None = None) -> tuple[float, float]:
        """Take one step; (mean loss in nats per token, gradient norm before clipping).

        ``sampled`` says whether it learns from drawn words, instead of what this step of the plan would do.
        Raises: TrainingDiverged before the weights are touched by a loss or gradient that is not a number; TeamBroken.
        """
        inputs, targets = self.next_window()
        how = {
            "learning_rate": learning_rate,
            "precision": precision,
            "sampled": self.loss.is_sampled(self.step) if sampled is None else sampled,
        }
        self.tokens += targets.numel()
        inputs, targets = self.team.deal(inputs, targets, is_new_epoch=self.state is None, **how)
        return self.learn_from(inputs, targets, **how)

    def learn_from(
        self, inputs: Tensor, targets: Tensor, *, learning_rate: float, precision: str, sampled: bool
    ) -> tuple[float, float]:
        """`learn` from this process's part of a batch, inputs and targets (T, B); what it returns is of the whole."""
        self.network.train()
        recording = None if sampled else self._recording(precision, inputs.shape)
        if recording is not None:
            passed = recording.play(inputs, targets, self.state)
        else:
            inputs = inputs.to(self.device, non_blocking=True)
            passed = self._there_and_back(inputs, targets, self.state, precision=precision, sampled=sampled)
        # The step's one wait for the device.
        loss_value, norm_value = torch.stack((passed.loss, passed.norm)).tolist()
        if not math.isfinite(loss_value + norm_value):
            raise TrainingDiverged(self.step + 1, self.config.learning_rate)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.step()
        self.state = passed.state
        self.step += 1
        return loss_value, norm_value

    def _there_and_back(
        self, inputs: Tensor, targets: Tensor, state: State | None, *, precision: str, sampled: bool
    ) -> Passed:
        """Compute the loss of a batch and leave the clipped gradient of the whole at the parameters."""
        with machine.autocast(self.device, precision):
            features, state = self.network.remember(inputs, state, dropout_generator=self.generators["dropout"])
            features, table = self.network.before_logits(features)
        # That a song begins where another ended is no news to learn, and begin is never written.
        bias = self.network.decoder_bias
        loss = self.loss(features, table, bias, targets, sampled=sampled, precision=precision)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parameters = list(self.network.parameters())
        loss = self.team.sum_up(loss.detach(), self.loss.count(targets), parameters)
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.config.gradient_clip)
        return Passed(loss, norm, detach(state))

    def _recording(self, precision: str, shape: torch.Size) -> Recording | None:
        """What whole windows of a learner alone on a graphics processor are played from, else None."""
        whole = (self.config.sequence_length, self.config.batch_size)
        if self.device.type != "cuda" or self.team.size > 1 or tuple(shape) != whole:
            return None
        if precision not in self._recordings:
            try:
                self._recordings[precision] = self._record(precision, whole)
            except RuntimeError as problem:  # too little memory for what it keeps, or a library that can't be recorded
                logger.warning("steps can't be recorded, so their kernels are asked for one by one: %s", problem)
                self._recordings[precision] = None
        return self._recordings[precision]

    def _record(self, precision: str, shape: tuple[int, int]) -> Recording:
        tokens = torch.zeros(shape, dtype=torch.long, device=self.device)
        with torch.no_grad():
            _, state = self.network.eval().remember(tokens[:1])
        self.network.train()
        work = partial(self._there_and_back, precision=precision, sampled=False)
        parameters = list(self.network.parameters())
        return Recording(work, tokens, tokens, state, parameters=parameters, generators=self.generators.values())
