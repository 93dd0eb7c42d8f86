"""A step's way there and back as one call: recorded once on a graphics processor, then played for each batch.

A small network's step is two to four hundred kernels that each run for microseconds, and asking for them one by one
takes several times as long. What is recorded reads and writes the same places in memory every time:

    inputs, targets, state ─copy─▶ [ forward, loss, backward, clipping ] ─▶ loss, norm, state; gradients
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from training.language_model.networks import State

PRACTISE = 2  # times before, in which libraries make their plans and workspaces: that can't be recorded


class Passed(NamedTuple):
    """What a way there and back gives beside the gradients: mean loss, gradient norm before clipping, state."""

    loss: Tensor
    norm: Tensor
    state: State


class Recording:
    """``work`` on inputs and targets (T, B) of one shape, recorded for this network's parameters.

    ``work`` waits for nothing and leaves a gradient at each of the ``parameters``. Chance goes on in the ``generators``
    as if each batch were computed by itself. Raises: RuntimeError where it can't be recorded.
    """

    def __init__(
        self,
        work: Callable[[Tensor, Tensor, State], Passed],
        inputs: Tensor,
        targets: Tensor,
        state: State,
        *,
        parameters: list[Tensor],
        generators: Iterable[Generator],
    ) -> None:
        self._parameters, generators = parameters, list(generators)
        self._inputs, self._targets = inputs.clone(), targets.clone()
        self._state = [tuple(torch.zeros_like(part) for part in parts_of(one)) for one in state]
        state = [parts if isinstance(one, tuple) else parts[0] for parts, one in zip(self._state, state, strict=True)]
        before = [one.clone_state() for one in generators]
        try:
            self._practise(partial(work, self._inputs, self._targets, state), inputs.device)
            for one, chance in zip(generators, before, strict=True):
                one.set_state(chance.get_state())
            self._graph = torch.cuda.CUDAGraph()
            for one in generators:
                self._graph.register_generator_state(one)
            with torch.cuda.graph(self._graph):
                self._passed = work(self._inputs, self._targets, state)
        except RuntimeError:
            for one, chance in zip(generators, before, strict=True):
                one.graphsafe_set_state(chance)  # another one: the old is left waiting for the recording's end
            raise
        self._gradients = [one.grad for one in parameters]

    @staticmethod
    def _practise(work: Callable[[], object], device: torch.device) -> None:
        """On a stream of its own, as the recording will be."""
        here, aside = torch.cuda.current_stream(device), torch.cuda.Stream(device)
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            for _ in range(PRACTISE):
                work()
        here.wait_stream(aside)

    def play(self, inputs: Tensor, targets: Tensor, state: State | None) -> Passed:
        """What ``work`` gives for these, good until the next call; the gradients are where it would leave them."""
        self._inputs.copy_(inputs, non_blocking=True)
        self._targets.copy_(targets, non_blocking=True)
        self._take_state(state)
        self._graph.replay()
        for one, gradient in zip(self._parameters, self._gradients, strict=True):
            one.grad = gradient
        return self._passed

    def _take_state(self, state: State | None) -> None:
        if state is None:
            for part in chain.from_iterable(self._state):
                part.zero_()
            return
        for parts, layer in zip(self._state, state, strict=True):
            for part, given in zip(parts, parts_of(layer), strict=True):
                part.copy_(given)


def parts_of(layer: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return layer if isinstance(layer, tuple) else (layer,)
