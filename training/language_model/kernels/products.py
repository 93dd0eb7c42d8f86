"""Products of bytes for a few rows: numbers of 0 to 255 times weights of -127 to 127, summed up exactly in 32 bits.

The processor's own instruction for it (VPDPBUSD) takes four bytes of each of sixteen sums at once, so the weights of
sixty-four sums lie together, four inputs after four inputs. A sum is exact: it does not depend on the rows beside it.
Where a processor lacks the instruction, none of this can be compiled.

Source: Intel's Software Developer's Manual, VPDPBUSD; Rodriguez et al. 2018, "Lower numerical precision deep learning".
"""

from collections.abc import Callable

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from training.language_model.kernels.sizes import LANES, QUAD, WIDTH
from training.language_model.kernels.vectors import COMPILED, spread_lane

VECTORS = WIDTH // LANES

_INT, _LONG = ir.IntType(32), ir.IntType(64)
_INTS = ir.VectorType(_INT, LANES)
_INSTRUCTION = "llvm.x86.avx512.vpdpbusd.512"


def _tile(rows: int, chains: int = 1) -> Callable:
    """The sums of so many rows; ``chains`` of additions side by side, where there are too few rows to keep it busy."""

    @intrinsic
    def multiply(_, inputs, weights, start, counts, quads, step):
        """Of addresses: sums of ``rows`` × 64, over ``quads`` · 4 inputs; a row of inputs is ``step`` bytes long."""

        def lower(context, builder, kinds, values):
            _Tile(builder, rows, chains, *values).build()
            return context.get_dummy_value()

        return types.void(*[types.intp] * 6), lower

    return multiply


class _Tile:
    """Builds the loop of a `_tile`: all its sums stay in the processor's registers."""

    def __init__(self, builder, rows, chains, inputs, weights, start, counts, quads, step):
        self.builder, self.rows, self.chains = builder, rows, chains
        self.inputs, self.weights, self.start, self.counts = inputs, weights, start, counts
        self.quads, self.step = quads, step
        kind = ir.FunctionType(_INTS, [_INTS] * 3)
        self.instruction = builder.module.declare_intrinsic(_INSTRUCTION, (), kind)

    def build(self) -> None:
        builder = self.builder
        first = [self._load(self.start, vector * WIDTH) for vector in range(VECTORS)]
        zero = ir.Constant(_INTS, [0] * LANES)
        entry, loop, after = builder.block, *(builder.append_basic_block(name) for name in ("quads", "summed"))
        builder.branch(loop)
        builder.position_at_end(loop)
        quad = builder.phi(_LONG)
        quad.add_incoming(ir.Constant(_LONG, 0), entry)
        sums = {}
        for chain in range(self.chains):
            for row in range(self.rows):
                for vector in range(VECTORS):
                    sums[chain, row, vector] = builder.phi(_INTS)
                    sums[chain, row, vector].add_incoming(zero if chain else first[vector], entry)
        after_them = self._add(quad, sums)
        following = builder.add(quad, ir.Constant(_LONG, self.chains))
        quad.add_incoming(following, loop)
        for place, total in sums.items():
            total.add_incoming(after_them[place], loop)
        builder.cbranch(builder.icmp_signed("<", following, self.quads), loop, after)
        builder.position_at_end(after)
        self._store(after_them)

    def _add(self, quad: ir.Value, sums: dict) -> dict:
        """The sums with one more quad of inputs for each chain."""
        builder, added = self.builder, {}
        for chain in range(self.chains):
            here = builder.add(quad, ir.Constant(_LONG, chain))
            place = builder.add(self.weights, builder.mul(here, ir.Constant(_LONG, WIDTH * QUAD)))
            weights = [self._load(place, vector * WIDTH) for vector in range(VECTORS)]
            for row in range(self.rows):
                of_row = builder.add(self.inputs, builder.mul(self.step, ir.Constant(_LONG, row)))
                quad_place = builder.add(of_row, builder.mul(here, ir.Constant(_LONG, QUAD)))
                four = builder.load(builder.inttoptr(quad_place, ir.PointerType(_INT)))
                four.align = 1
                inputs = spread_lane(builder, four, _INTS)
                for vector in range(VECTORS):
                    total = sums[chain, row, vector]
                    added[chain, row, vector] = builder.call(self.instruction, [total, inputs, weights[vector]])
        return added

    def _store(self, sums: dict) -> None:
        for row in range(self.rows):
            for vector in range(VECTORS):
                total = sums[0, row, vector]
                for chain in range(1, self.chains):
                    total = self.builder.add(total, sums[chain, row, vector])
                kept = self.builder.store(total, self._place(self.counts, (row * VECTORS + vector) * WIDTH))
                kept.align = 4

    def _place(self, address: ir.Value, offset: int) -> ir.Value:
        return self.builder.inttoptr(self.builder.add(address, ir.Constant(_LONG, offset)), ir.PointerType(_INTS))

    def _load(self, address: ir.Value, offset: int) -> ir.Value:
        found = self.builder.load(self._place(address, offset))
        found.align = 4
        return found


_one, _two, _four, _six = _tile(1, chains=2), _tile(2, chains=2), _tile(4), _tile(6)


@njit(**COMPILED)
def sums(inputs, rows, size, weights, start, counts):
    """Write into ``counts`` (B · 64,), int32, what 64 outputs get from each of B ``rows``.

    Args:
        inputs: (B · I,), uint8, 128 standing for zero; I, the ``size`` of a row, is a multiple of 8.
        weights: the outputs' block of `packing.packed`, as one axis: I · 64 bytes.
        start: theirs of `packing.starts`, (64,).
    """
    quads = size // QUAD
    source, target = inputs.ctypes.data, counts.ctypes.data
    matrix, first = weights.ctypes.data, start.ctypes.data
    row = 0
    while row < rows:
        here, there = source + row * size, target + row * WIDTH * 4
        if rows - row >= 6:
            _six(here, matrix, first, there, quads, size)
            row += 6
        elif rows - row >= 4:
            _four(here, matrix, first, there, quads, size)
            row += 4
        elif rows - row >= 2:
            _two(here, matrix, first, there, quads, size)
            row += 2
        else:
            _one(here, matrix, first, there, quads, size)
            row += 1
