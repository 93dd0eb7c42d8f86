"""What a training says while it runs. Seconds count from its start; losses are nats per token."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus
from training.language_model.networks import LyricNetwork
from training.language_model.shapes import NetworkShape

if TYPE_CHECKING:
    from training.language_model.planning import Plan
    from training.language_model.resume import Snapshot


class Phase(StrEnum):
    """What the trainer is at between two reports."""

    MEASURING = "measuring"
    TRAINING = "training"
    EVALUATING = "evaluating"
    SAMPLING = "sampling"


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The training is decided: ``config`` has every value that will be used, steps and precision among them.

    Training it again with this config gives the same model, bit by bit on the same kind of processor. ``departures``
    says in sentences where another machine went on with it, after which that is no longer so.
    """

    config: TrainingConfig
    network: dict[str, Any]
    parameters: int
    steps: int
    steps_per_epoch: int
    epochs: int
    tokens_per_step: int
    train_tokens: int
    valid_tokens: int
    valid_characters: int
    unknown_share: float
    expected_seconds: float | None
    peak_flops: float
    threads: int
    precision: str
    device: str
    device_reason: str
    departures: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, plan: "Plan", corpus: Corpus, *, device: str, device_reason: str, departures: Iterable[str] = ()
    ) -> "Planned":
        config = plan.config
        shape = NetworkShape.of(config, corpus.tokenizer.vocabulary_size)
        return cls(
            config=config,
            network=shape.to_dict(),
            parameters=plan.parameters,
            steps=plan.steps,
            steps_per_epoch=plan.steps_per_epoch,
            epochs=plan.epochs,
            tokens_per_step=config.batch_size * config.sequence_length,
            train_tokens=len(corpus.tokens),
            valid_tokens=corpus.validation.tokens,
            valid_characters=corpus.validation.characters,
            unknown_share=corpus.validation.unknown_share,
            expected_seconds=plan.expected_seconds,
            peak_flops=plan.peak_flops,
            threads=config.threads,
            precision=config.precision,
            device=device,
            device_reason=device_reason,
            departures=tuple(departures),
        )


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A sign of life at least every half second of work; ``steps`` is 0 while the plan is still being made.

    ``train_loss`` is the mean since the last report, None where no step was taken since. ``step_seconds`` is the median
    of the latest steps, None before the first that this process took. ``memory_bytes`` is what the process holds,
    ``utilisation`` the share of the machine's best speed that goes into the model, None where that best was not
    measured.
    """

    phase: Phase
    step: int
    steps: int
    epoch: int
    epochs: int
    tokens: int
    seconds: float
    tokens_per_second: float
    step_seconds: float | None
    eta_seconds: float | None
    train_loss: float | None
    learning_rate: float
    gradient_norm: float
    memory_bytes: int
    utilisation: float | None

    @property
    def evaluating(self) -> bool:
        """Whether the network is being judged or is writing a sample rather than learning."""
        return self.phase in (Phase.EVALUATING, Phase.SAMPLING)


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """The network was judged on the held-out songs; ``train_loss`` is the mean since the judgement before.

    ``network`` is the one in training: read or save it before asking for the next report.
    """

    step: int
    epoch: int
    seconds: float
    train_loss: float
    valid_loss: float
    perplexity: float
    nats_per_character: float
    unknown_share: float
    learning_rate: float
    gradient_norm: float
    is_best: bool
    network: LyricNetwork

    def metrics(self) -> dict[str, float]:
        """The figures that go with a model, as plain JSON values."""
        names = ("train_loss", "valid_loss", "perplexity", "nats_per_character", "unknown_share", "step", "epoch")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """What the network writes now; the same chance each time, so that two samples of a run compare."""

    step: int
    epoch: int
    seconds: float
    prompt: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Resumable:
    """A good moment to write a resume file: an epoch ended, the network was judged, or a minute went by.

    ``take`` gives the training as it stands when it is called, between any two reports and not only right after this
    one; the snapshot is to be written before the next report is asked for.
    """

    step: int
    epoch: int
    take: "Callable[[], Snapshot]"


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The training is over; ``best`` and ``last`` are `Evaluated.metrics` of the best and the last judgement."""

    step: int
    epoch: int
    seconds: float
    tokens: int
    stopped_early: bool
    best: dict[str, float]
    last: dict[str, float]


Report = Planned | Progress | Evaluated | Sampled | Resumable | Finished
