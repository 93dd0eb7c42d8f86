"""The recurrent cells behind one interface: ``cell(features (T, B, I), state) -> (features (T, B, H), state)``.

Torch's own cells read their memory at every step; the others compute gates from what they read alone, so that one
product serves all T steps and only a multiplication and a sum are left to do in order (`scans`). All have torch's names
for their weights; a state is None at the beginning of a song, (1, B, H) afterwards, of an LSTM two of these.
"""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from training.language_model.scans import fading_memory
from training.language_model.shapes import NetworkShape

LayerState = Tensor | tuple[Tensor, Tensor]
STEPWISE_CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


def build_cell(shape: NetworkShape, layer: int) -> nn.Module:
    """The cell of a layer, its weights not yet started."""
    sizes = shape.input_size(layer), shape.hidden_size
    if shape.architecture == "rnn":
        return nn.RNN(*sizes, nonlinearity=shape.nonlinearity)
    if shape.architecture in STEPWISE_CELLS:
        return STEPWISE_CELLS[shape.architecture](*sizes)
    return SCAN_CELLS[shape.architecture](*sizes, gates=len(shape.gates(layer)))


@torch.no_grad()
def start_weights(cell: nn.Module, shape: NetworkShape, *, forget_bias: float, generator: Generator | None) -> None:
    """Orthogonal recurrence, and gates that begin by keeping what is remembered (Jozefowicz et al. 2015)."""
    H = shape.hidden_size
    nn.init.xavier_uniform_(cell.weight_ih_l0, generator=generator)
    cell.bias_ih_l0.zero_()
    if shape.kind.reads_memory:
        for gate in cell.weight_hh_l0.split(H):
            nn.init.orthogonal_(gate, generator=generator)
        cell.bias_hh_l0.zero_()
    if "keep" in shape.kind.gates:
        cell.bias_ih_l0.split(H)[shape.kind.gates.index("keep")].fill_(forget_bias)


def unrounded(numbers: Tensor) -> Tensor:
    """In single precision at least: a memory fades by many shares in a row, each of which bfloat16 would round."""
    return numbers.float() if numbers.dtype.itemsize < 4 else numbers


class ScanCell(nn.Module):
    """A cell whose gates see what is read but not what is remembered; a kind says what its gates do.

    Its state is the memory after the last step, (1, B, H), in single precision whatever precision the products have.
    """

    def __init__(self, input_size: int, hidden_size: int, *, gates: int):
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.empty(gates * hidden_size, input_size))
        self.bias_ih_l0 = nn.Parameter(torch.empty(gates * hidden_size))
        self.gates = gates

    def forward(self, features: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        gates = unrounded(functional.linear(features, self.weight_ih_l0, self.bias_ih_l0)).chunk(self.gates, dim=-1)
        keep, added = self.shares(*gates)  # (T, B, H) each
        first = torch.zeros_like(keep[0]) if state is None else state[0]
        memory = fading_memory(keep, added, first)
        return self.output(memory, features, *gates), memory[-1:]

    def shares(self, *gates: Tensor) -> tuple[Tensor, Tensor]:
        """What stays of the memory before, in (0, 1), and what is added to it."""
        raise NotImplementedError

    def output(self, memory: Tensor, features: Tensor, *gates: Tensor) -> Tensor:
        """What the cell gives on; its memory, unless a kind has more to do."""
        return memory


class MinGRU(ScanCell):
    """One gate: ``memory = keep · memory + (1 - keep) · candidate``.

    The gate has the sense of torch's GRU, near one keeps; in the paper it is the other way round.
    Source: Feng et al. 2024, arXiv:2410.01201, section 3.1.
    """

    def shares(self, keep: Tensor, candidate: Tensor) -> tuple[Tensor, Tensor]:
        return keep.sigmoid(), (-keep).sigmoid() * candidate


class MinLSTM(ScanCell):
    """Two gates, made to sum to one: ``memory = f / (f + i) · memory + i / (f + i) · candidate``.

    f / (f + i) of two sigmoids is the sigmoid of the difference of their logarithms, which stays a number where both
    sigmoids vanish. Source: Feng et al. 2024, arXiv:2410.01201, section 3.2.
    """

    def shares(self, keep: Tensor, entry: Tensor, candidate: Tensor) -> tuple[Tensor, Tensor]:
        odds = functional.logsigmoid(keep) - functional.logsigmoid(entry)
        return odds.sigmoid(), (-odds).sigmoid() * candidate


class SRU(ScanCell):
    """A faded sum of what was read, and a gate that lets the input past it.

    memory = keep · memory + (1 - keep) · candidate;   output = r · memory + (1 - r) · input

    Its gates do not see the memory: that is the form of the first version (Lei and Zhang 2017, arXiv:1709.02755v1) and
    the one that can be scanned; the later one (Lei et al. 2018) weighs the memory into them, number by number. Where
    input and memory are of different sizes a matrix, the fourth "gate", stands between them.
    """

    def shares(self, keep: Tensor, output: Tensor, candidate: Tensor, *bridge: Tensor) -> tuple[Tensor, Tensor]:
        return keep.sigmoid(), (-keep).sigmoid() * candidate

    def output(
        self, memory: Tensor, features: Tensor, keep: Tensor, output: Tensor, candidate: Tensor, *bridge: Tensor
    ) -> Tensor:
        past = bridge[0] if bridge else features
        return torch.lerp(unrounded(past), memory, output.sigmoid())


SCAN_CELLS = {"mingru": MinGRU, "minlstm": MinLSTM, "sru": SRU}
