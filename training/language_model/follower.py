"""A process that learns from its part of each batch, as the leader of its team says (`team`).

python -m training.language_model.follower --device cpu      started by the leader, with torchrun's variables
"""

import argparse
import os
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace

import torch
from torch import Tensor, distributed

from training.language_model import machine, resume, team
from training.language_model.config import TrainingConfig
from training.language_model.errors import TrainingDiverged
from training.language_model.learner import Learner


@dataclass(frozen=True)
class Told:
    """All that a follower knows of the songs: how often each token is to be predicted (V,), and which one is begin."""

    counts: Tensor
    begin_id: int

    @property
    def tokenizer(self) -> SimpleNamespace:
        return SimpleNamespace(vocabulary_size=len(self.counts), begin_id=self.begin_id)

    def token_counts(self) -> Tensor:
        return self.counts


class Follower:
    """One learner after another, each made, led and ended by orders."""

    def __init__(self, member: team.Member, device: torch.device) -> None:
        self.member, self.device = member, device
        self.learner: Learner | None = None

    def follow(self) -> None:
        """Do what is said until the leader is gone, or the training diverges for all."""
        while True:
            order = team.receive_order()
            getattr(self, f"_{order.pop('do')}")(**order)

    def _begin(self, config: dict, begin_id: int) -> None:
        tensors = team.receive_tensors(0)
        known = Told(tensors.pop("counts"), begin_id)
        self.learner = Learner(known, TrainingConfig.from_dict(config), self.device, team=self.member)
        self.learner.network.load_state_dict({name.removeprefix("network."): one for name, one in tensors.items()})

    def _learn(self, shape: list[int], threads: int, is_new_epoch: bool, **how) -> None:
        batch = team.receive_batch(shape)
        machine.use(threads=threads, precision=how["precision"])
        if is_new_epoch:
            self.learner.state = None
        self.learner.learn_from(*(self.member.part_of(one) for one in batch), **how)

    def _tell(self) -> None:
        team.send_tensors(dict(resume.own_tensors_of(self.learner)), 0)

    def _restore(self, step: int, has_same_chance: bool) -> None:
        resume.restore_tensors(self.learner, team.receive_tensors(0), step=step, has_same_chance=has_same_chance)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    kind = parser.parse_args().device
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    device = torch.device(kind, int(os.environ["LOCAL_RANK"])) if kind == "cuda" else torch.device(kind)
    if kind == "cuda":
        torch.cuda.set_device(device)  # else torch and NCCL would hold memory on the leader's as well
    meeting = distributed.TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), size, is_master=False)
    team.join(meeting, rank=rank, size=size, device=device)
    with suppress(team.TeamBroken, TrainingDiverged):  # the leader is gone, or says the same itself
        Follower(team.Member(rank, size), device).follow()


if __name__ == "__main__":
    main()
