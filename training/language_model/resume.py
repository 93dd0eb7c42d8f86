"""The resume file: a training as it stood between two steps, so that it goes on as if it had never stopped.

    resume.safetensors    weights, optimiser, carried state, chance; in its description the place in the songs, the
                          clock, the best so far, the judgements without a gain
    best.safetensors      the best weights so far; not there before the first judgement

``__metadata__`` holds format, version, ``about`` (JSON) and the sha256 of all of it: a flipped bit would load silently.
Nothing in a file is ever executed. Both lie in one folder that is never written to again.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus
from training.language_model.errors import ConfigError, LyricsError
from training.language_model.learner import RANKS_APART, Learner
from training.language_model.networks import LyricNetwork, NetworkShape

FORMAT = "lyrics-resume"
VERSION = "1"  # to be raised when what a file holds, or what it means, changes
RESUME_FILE = "resume.safetensors"
BEST_FILE = "best.safetensors"
OTHER_VERSION = "The resume file was written by another version of this program."
DAMAGED = "The resume file is cut off or damaged."


class ResumeRefused(LyricsError):
    """Raised when a resume file can't be gone on from; the sentence says why."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A training between two steps: its tensors by name, and ``about`` it the rest as plain JSON values.

    ``about`` has config, data, place (`place_of`), learner (step, epoch, windows_read, tokens) and course
    (`trainer.Course`).
    """

    tensors: dict[str, Tensor]
    about: dict[str, Any]

    @property
    def step(self) -> int:
        return self.about["learner"]["step"]

    @property
    def course(self) -> dict[str, Any]:
        return self.about["course"]

    @property
    def parameters(self) -> int:
        """How many numbers the network has."""
        return sum(tensor.numel() for name, tensor in self.tensors.items() if name.startswith("network."))

    @property
    def is_finite(self) -> bool:
        """Whether all is numbers; a training that has just run away is not worth going on from."""
        return all_finite(self.tensors)

    @property
    def best_step(self) -> int | None:
        """The step of the best judgement so far, None before the first."""
        best = self.course["best"]
        return None if best is None else best["step"]


# ── Out of a learner and back into one ───────────────────────────────────────────────────────────────────────────


def take_snapshot(learner: Learner, *, course: dict[str, Any]) -> Snapshot:
    """The learner as it stands, with the ``course`` of its training; the tensors may be its own, not copies."""
    return Snapshot(
        tensors=dict(tensors_of(learner)),
        about={
            "config": learner.config.to_dict(),
            "data": data_of(learner.corpus),
            "place": place_of(learner.device),
            "learner": {name: getattr(learner, name) for name in ("step", "epoch", "windows_read", "tokens")},
            "course": course,
        },
    )


def tensors_of(learner: Learner) -> Iterator[tuple[str, Tensor]]:
    """Every tensor that the next step depends on, by name, on the processor."""
    for name, weight in learner.network.state_dict().items():
        yield f"network.{name}", _plain(weight)
    for name, weight in learner.network.named_parameters():
        for moment, value in learner.optimizer.state.get(weight, {}).items():
            yield f"optimizer.{name}.{moment}", _plain(value)
    yield from own_tensors_of(learner)
    yield from learner.team.collect()


def own_tensors_of(learner: Learner) -> Iterator[tuple[str, Tensor]]:
    """Those of them that each process of a team has for itself: what it remembers of its songs, and its chance."""
    for layer, one in enumerate(learner.state or []):
        if isinstance(one, tuple):
            for part, value in enumerate(one):
                yield f"state.{layer}.{part}", _plain(value).clone()  # parts may be views of one memory
        else:
            yield f"state.{layer}", _plain(one).clone()
    for name, generator in learner.generators.items():
        yield f"generator.{name}", generator.get_state()


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous()


def restore(learner: Learner, snapshot: Snapshot) -> None:
    """Put a learner that was just made from the same config and songs where the snapshot was taken.

    Raises: ResumeRefused when the snapshot is of another network or optimiser.
    """
    try:
        _restore(learner, snapshot)
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as problem:
        raise ResumeRefused(OTHER_VERSION) from problem


def _restore(learner: Learner, snapshot: Snapshot) -> None:
    numbers = snapshot.about["learner"]
    # A processor and a graphics processor draw differently.
    how = {"step": numbers["step"], "has_same_chance": snapshot.about["place"]["device"] == learner.device.type}
    learner.go_to(epoch=numbers["epoch"], windows_read=numbers["windows_read"])
    learner.tokens = numbers["tokens"]
    restore_tensors(learner, snapshot.tensors, **how)
    learner.team.restore(snapshot.tensors, **how)


def restore_tensors(learner: Learner, tensors: dict[str, Tensor], *, step: int, has_same_chance: bool) -> None:
    """Put the weights, the optimiser and what the process has for itself where they were at ``step``.

    Without ``has_same_chance`` chance goes on anew, the same way every time.
    """
    learner.network.load_state_dict(_under("network.", tensors))
    _restore_optimizer(learner, _under("optimizer.", tensors))
    learner.step = step
    learner.state = _state_of(_under("state.", tensors), learner.device)
    for name, generator in learner.generators.items():
        known = tensors[f"generator.{name}"]
        if has_same_chance:
            generator.set_state(known)
        else:
            generator.manual_seed(learner.config.seed * 1_000_003 + step + RANKS_APART * learner.team.rank)


def _restore_optimizer(learner: Learner, tensors: dict[str, Tensor]) -> None:
    numbers = {id(weight): number for number, weight in enumerate(_weights_of(learner.optimizer))}
    moments: dict[int, dict[str, Tensor]] = {}
    for name, weight in learner.network.named_parameters():
        of_weight = _under(f"{name}.", tensors)
        if of_weight:
            moments[numbers[id(weight)]] = of_weight
    learner.optimizer.load_state_dict(
        {"state": moments, "param_groups": learner.optimizer.state_dict()["param_groups"]}
    )


def _weights_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _state_of(tensors: dict[str, Tensor], device: torch.device) -> list | None:
    """The carried state whose parts are named "layer" or "layer.part"; None at the beginning of an epoch."""
    if not tensors:
        return None
    layers: dict[int, Any] = {}
    for name, tensor in sorted(tensors.items()):
        layer, _, part = name.partition(".")
        one = tensor.to(device)
        layers[int(layer)] = (*layers.get(int(layer), ()), one) if part else one
    return [layers[layer] for layer in sorted(layers)]


def data_of(corpus: Corpus) -> dict[str, Any]:
    """What tells one corpus from another."""
    return {
        "content_hash": corpus.content_hash,
        "train_tokens": len(corpus.tokens),
        "vocabulary_size": corpus.tokenizer.vocabulary_size,
    }


def place_of(device: torch.device) -> dict[str, str]:
    """Where sums are made: the same place repeats a training bit by bit, another one may round differently."""
    has_cuda = device.type == "cuda"
    return {
        "device": device.type,
        "processor": torch.cuda.get_device_name(device) if has_cuda else torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
    }


def departure(before: dict[str, str], now: dict[str, str], *, step: int) -> str:
    """A sentence that says why the result is no longer bit-exact from ``step`` on; "" where the place is the same."""
    known = {name: before.get(name, "unknown") for name in now}
    changed = [f"{name} {known[name]} before, {now[name]} now" for name in now if known[name] != now[name]]
    return f"From step {step} on the result is no longer bit-exact: {'; '.join(changed)}." if changed else ""


# ── Onto the disk and back ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """What a training goes on from: the snapshot, and the network of the best judgement before it."""

    snapshot: Snapshot
    best: LyricNetwork | None


def write_resume(
    folder: Path, snapshot: Snapshot, best: LyricNetwork | None, *, half_way: Callable[[], None] = lambda: None
) -> None:
    """Write a snapshot, and the weights of the best judgement before it, into an empty folder.

    Whoever calls makes the folder durable and visible, whole or not at all. Raises: OSError (the disk is full).
    """
    if best is not None:
        tensors = {name: _plain(weight) for name, weight in best.state_dict().items()}
        _write(folder / BEST_FILE, tensors, {"step": snapshot.best_step})
    half_way()
    _write(folder / RESUME_FILE, snapshot.tensors, snapshot.about)


def read_resume(folder: Path, *, config: TrainingConfig, corpus: Corpus) -> Resumption:
    """What a folder holds, all of it checked.

    Raises: ResumeRefused when it is damaged, or of another config or other songs, or lacks its best weights.
    """
    tensors, about = _read(folder / RESUME_FILE)
    snapshot = Snapshot(tensors=tensors, about=about)
    refuse_other_trainings(snapshot, config, corpus)
    best = None
    if snapshot.best_step is not None:
        best = read_best(folder, NetworkShape.of(config, corpus.tokenizer.vocabulary_size), step=snapshot.best_step)
    return Resumption(snapshot=snapshot, best=best)


def read_best(folder: Path, shape: NetworkShape, *, step: int) -> LyricNetwork:
    """The best weights beside a resume file, which says of which ``step`` they are. Raises: ResumeRefused."""
    tensors, about = _read(folder / BEST_FILE)
    network = LyricNetwork(shape, generator=torch.Generator().manual_seed(0))
    try:
        network.load_state_dict(tensors)
    except RuntimeError as problem:
        raise ResumeRefused("The best weights beside the resume file are those of another network.") from problem
    if about.get("step") != step:
        raise ResumeRefused("The best weights beside the resume file are those of another step.")
    return network.eval()


def refuse_other_trainings(snapshot: Snapshot, config: TrainingConfig, corpus: Corpus) -> None:
    """Raises: ResumeRefused where the snapshot does not belong to this config and these songs."""
    try:
        # Read as a config, so that settings that came with a newer version of this program have their defaults.
        is_same_config = TrainingConfig.from_dict(snapshot.about["config"]) == config
        is_same_data = snapshot.about["data"] == data_of(corpus)
    except (KeyError, ConfigError) as problem:
        raise ResumeRefused(OTHER_VERSION) from problem
    if not is_same_config:
        raise ResumeRefused("The resume file is of a training with other settings.")
    if not is_same_data:
        raise ResumeRefused("The resume file is of a training on other songs.")


def all_finite(tensors: dict[str, Tensor]) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values() if tensor.is_floating_point())


def sha256_of(tensors: dict[str, Tensor], about: str) -> str:
    """A name for all that a file holds: its description, and each tensor's name, type, shape and bytes."""
    hasher = hashlib.sha256(about.encode())
    for name, tensor in sorted(tensors.items()):
        hasher.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        hasher.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return hasher.hexdigest()


def _write(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    text = json.dumps(about)
    metadata = {"format": FORMAT, "version": VERSION, "about": text, "sha256": sha256_of(tensors, text)}
    path.write_bytes(save(tensors, metadata))


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors, about) of a file, every byte and number of it checked. Raises: ResumeRefused."""
    about = _description_of(path)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    except (SafetensorError, OSError) as problem:
        raise ResumeRefused(DAMAGED) from problem
    if sha256_of(tensors, metadata["about"]) != metadata.get("sha256"):
        raise ResumeRefused(DAMAGED)
    if not all_finite(tensors):
        raise ResumeRefused("The resume file holds weights that are not numbers.")
    return tensors, about


def _description_of(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except FileNotFoundError as problem:
        raise ResumeRefused("The resume file is missing.") from problem
    except (SafetensorError, OSError) as problem:
        raise ResumeRefused(DAMAGED) from problem
    if metadata.get("format") != FORMAT:
        raise ResumeRefused("This is no resume file.")
    if metadata.get("version") != VERSION:
        raise ResumeRefused(OTHER_VERSION)
    try:
        about = json.loads(metadata["about"])
    except (KeyError, ValueError, RecursionError) as problem:
        raise ResumeRefused(DAMAGED) from problem
    if not isinstance(about, dict):
        raise ResumeRefused(DAMAGED)
    return about
