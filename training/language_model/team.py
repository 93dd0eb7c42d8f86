"""Data-parallel training: several processes learn from a part of each batch and step by one gradient.

    leader (rank 0)    songs, schedule, judging, files
      │  deal: an order and the batch ─────────▶ followers (rank 1 …), each with its columns of the batch
      ◀──────────── all-reduce: gradients, loss, number of targets ────────────▶

Each process holds the whole network and its optimiser. All start with the leader's weights and take every step by the
same sum, so they stay equal. A follower knows no songs and no files: it does what it is told (`follower`), and ends
when the leader's connection does. Between the processes travel JSON and safetensors, nothing that is executed.
Source: Li et al. 2020, arXiv:2006.15704; one flat all-reduce, as the networks of this house have few tensors.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load, save
from torch import Tensor, distributed

from training.language_model.config import TrainingConfig
from training.language_model.errors import TooFewDevices

if TYPE_CHECKING:
    from training.language_model.learner import Learner

HOST = "127.0.0.1"
# While the leader judges or writes a file its followers wait; who is stuck is ended by whoever watches the leader.
PATIENCE = timedelta(days=1)
JOIN = timedelta(minutes=2)  # a new process loads torch first
EXIT_SECONDS = 5.0
ROOT = Path(__file__).resolve().parents[2]


class TeamBroken(Exception):
    """Raised when a process of the team is gone: what was learnt up to the last resume file is not lost."""


class Team:
    """Those who share each batch: here a learner that is alone, with everything to itself."""

    rank, size = 0, 1
    pids: tuple[int, ...] = ()  # of the followers, where this is their leader

    def begin(self, learner: "Learner") -> None:
        """Have every follower make the same learner, with the leader's weights."""

    def deal(self, inputs: Tensor, targets: Tensor, **order: Any) -> tuple[Tensor, Tensor]:
        """Tell the followers to take a step, ``order`` being that of `Learner.learn_from`; this process's own part."""
        return inputs, targets

    def sum_up(self, loss: Tensor, targets: Tensor, parameters: list[Tensor]) -> Tensor:
        """Turn the gradients of ``parameters`` into those of the whole batch; the mean loss of the whole batch.

        Args:
            loss: mean nats over the ``targets`` of this process, an integer tensor of how many those were.
        """
        return loss

    def collect(self) -> Iterator[tuple[str, Tensor]]:
        """What each follower alone knows, as "follower.<rank>.<name>": its carried state and its chance."""
        return iter(())

    def restore(self, tensors: dict[str, Tensor], **order: Any) -> None:
        """Put every follower where a snapshot with these ``tensors`` was taken."""


ALONE = Team()


class Member(Team):
    """A process of a team of several, by torch's process group."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size

    def sum_up(self, loss: Tensor, targets: Tensor, parameters: list[Tensor]) -> Tensor:
        """Each process counts by its number of targets, so the parts may differ in size."""
        gradients = [torch.zeros_like(one) if one.grad is None else one.grad for one in parameters]
        flat = torch.cat([*(one.reshape(-1) for one in gradients), loss.reshape(1), torch.ones_like(loss).reshape(1)])
        flat *= targets
        with _told_as_broken():
            distributed.all_reduce(flat)
        flat /= flat[-1].clamp(min=1)
        start = 0
        for one in parameters:
            one.grad = flat[start : start + one.numel()].view_as(one)
            start += one.numel()
        return flat[-2]

    def part_of(self, batch: Tensor) -> Tensor:
        """This process's columns of a batch (…, B)."""
        return batch[..., self.rank :: self.size]


class Leader(Member):
    """The process that knows the songs and tells the others what to do."""

    def __init__(self, size: int, pids: tuple[int, ...]) -> None:
        super().__init__(rank=0, size=size)
        self.pids = pids

    def begin(self, learner: "Learner") -> None:
        about = {"config": learner.config.to_dict(), "begin_id": learner.corpus.tokenizer.begin_id}
        self._say("begin", **about)
        given = {"counts": learner.corpus.token_counts()}
        given |= {f"network.{name}": weight for name, weight in learner.network.state_dict().items()}
        self._send_to_all(given)

    def deal(self, inputs: Tensor, targets: Tensor, **order: Any) -> tuple[Tensor, Tensor]:
        self._say("learn", shape=list(inputs.shape), threads=torch.get_num_threads(), **order)
        batch = torch.stack((inputs, targets))
        with _told_as_broken():
            distributed.broadcast(batch, src=0)
        return self.part_of(inputs), self.part_of(targets)

    def collect(self) -> Iterator[tuple[str, Tensor]]:
        self._say("tell")
        for rank in self._followers():
            for name, tensor in receive_tensors(rank).items():
                yield f"follower.{rank}.{name}", tensor

    def restore(self, tensors: dict[str, Tensor], **order: Any) -> None:
        self._say("restore", **order)
        shared = {name: one for name, one in tensors.items() if name.startswith(("network.", "optimizer."))}
        for rank in self._followers():
            prefix = f"follower.{rank}."
            own = {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
            send_tensors(shared | own, rank)

    def _followers(self) -> range:
        return range(1, self.size)

    def _say(self, what: str, **order: Any) -> None:
        content = bytearray(json.dumps({"do": what, **order}).encode())
        with _told_as_broken():
            distributed.broadcast(torch.tensor([len(content)]), src=0)
            distributed.broadcast(torch.frombuffer(content, dtype=torch.uint8), src=0)

    def _send_to_all(self, tensors: dict[str, Tensor]) -> None:
        for rank in self._followers():
            send_tensors(tensors, rank)


@contextmanager
def gathered(config: TrainingConfig, device: torch.device) -> Iterator[Team]:
    """The team that ``config.processes`` asks for, its followers started and ended with the block.

    Raises: TooFewDevices when there are fewer graphics processors than processes.
    """
    if config.processes == 1:
        yield ALONE
        return
    size = config.processes
    if device.type == "cuda" and size > torch.cuda.device_count():
        raise TooFewDevices(size, torch.cuda.device_count())
    meeting = distributed.TCPStore(HOST, 0, size, is_master=True, wait_for_workers=False, timeout=PATIENCE)
    followers = [_start_follower(rank, size, meeting.port, device) for rank in range(1, size)]
    try:
        join(meeting, rank=0, size=size, device=device)
        yield Leader(size, tuple(one.pid for one in followers))
    finally:
        _end(followers)
        if distributed.is_initialized():
            distributed.destroy_process_group()


def join(meeting: distributed.Store, *, rank: int, size: int, device: torch.device) -> None:
    """Wait until every process of the team is there."""
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    with _told_as_broken():
        meeting.set(f"{rank} is here", "")
        meeting.wait([f"{one} is here" for one in range(size)], JOIN)
        distributed.init_process_group(backend, store=meeting, rank=rank, world_size=size, timeout=PATIENCE)


def _start_follower(rank: int, size: int, port: int, device: torch.device) -> subprocess.Popen:
    """By the environment variables of torchrun, which could start it as well."""
    environment = {
        **os.environ,
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "MASTER_ADDR": HOST,
        "MASTER_PORT": str(port),
    }
    command = [sys.executable, "-m", "training.language_model.follower", "--device", device.type]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)


def _end(followers: list[subprocess.Popen]) -> None:
    for one in followers:
        one.terminate()
    for one in followers:
        try:
            one.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            one.kill()
            one.wait()


# ── What travels ─────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _told_as_broken() -> Iterator[None]:
    try:
        yield
    except RuntimeError as problem:
        raise TeamBroken("A process that shared the batches is gone.") from problem


def send_tensors(tensors: dict[str, Tensor], rank: int) -> None:
    """Send tensors by name to a process, as a safetensors file would hold them."""
    content = bytearray(save({name: one.detach().cpu().contiguous() for name, one in tensors.items()}))
    with _told_as_broken():
        distributed.send(torch.tensor([len(content)]), rank)
        distributed.send(torch.frombuffer(content, dtype=torch.uint8), rank)


def receive_tensors(rank: int) -> dict[str, Tensor]:
    """What a process sends by `send_tensors`."""
    length = torch.zeros(1, dtype=torch.long)
    with _told_as_broken():
        distributed.recv(length, rank)
        content = torch.empty(int(length), dtype=torch.uint8)
        distributed.recv(content, rank)
    return load(content.numpy().tobytes())


def receive_order() -> dict[str, Any]:
    """What the leader says next."""
    length = torch.zeros(1, dtype=torch.long)
    with _told_as_broken():
        distributed.broadcast(length, src=0)
        content = torch.empty(int(length), dtype=torch.uint8)
        distributed.broadcast(content, src=0)
    return json.loads(content.numpy().tobytes())


def receive_batch(shape: list[int]) -> tuple[Tensor, Tensor]:
    """The inputs and targets (T, B) of a step that the leader deals out."""
    batch = torch.empty(2, *shape, dtype=torch.long)
    with _told_as_broken():
        distributed.broadcast(batch, src=0)
    return batch[0], batch[1]
