"""Sixteen numbers at once, in functions that numba compiles: what a step of a small network is made of.

A loop over plain numbers is turned into wide instructions by the compiler's own judgement, which changes with the
processor; these say it themselves. Each place of a vector is computed by itself, in single precision, fused only where
that is said: what stands at one place depends on no other, and on no processor.

    x = load(row, 16)                 # row[16:32]
    store(larger(x, spread(low)), row, 16)

Source: LLVM's language reference.
"""

import math
import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from training.language_model.kernels.sizes import LANES

COMPILED = {"error_model": "numpy", "boundscheck": False}

_INT, _BYTE = ir.IntType(32), ir.IntType(8)
_FLOATS, _INTS, _BYTES = (ir.VectorType(kind, LANES) for kind in (ir.FloatType(), _INT, _BYTE))


class Vector(types.Type):
    """Numba's type of sixteen float32."""

    def __init__(self) -> None:
        super().__init__("sixteen float32")


VECTOR = Vector()


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, _FLOATS)


def _define(sign: Any, instruction: str) -> None:
    @infer_global(sign)
    class _Typed(ConcreteTemplate):
        cases = (signature(VECTOR, VECTOR, VECTOR),)

    @lower_builtin(sign, VECTOR, VECTOR)
    def lower(context: Any, builder: ir.IRBuilder, signature_: Any, numbers: Any) -> ir.Value:
        return getattr(builder, instruction)(*numbers)


for _sign, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define(_sign, _instruction)


def _place(context: Any, builder: ir.IRBuilder, kind: Any, array: ir.Value, index: ir.Value, wanted: Any) -> ir.Value:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), ir.PointerType(wanted))


def spread_lane(builder: ir.IRBuilder, number: ir.Value, kind: ir.VectorType) -> ir.Value:
    """The same number at all places."""
    empty = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(empty, number, ir.Constant(_INT, 0))
    return builder.shuffle_vector(first, empty, ir.Constant(_INTS, [0] * LANES))


# ── In and out. Nobody looks whether an array (float32, C order, one axis) is long enough. ───────────────────────


@intrinsic
def spread(_, number):
    """A vector of the same float32."""

    def lower(context, builder, kinds, values):
        return spread_lane(builder, values[0], _FLOATS)

    return VECTOR(types.float32), lower


@intrinsic
def load(_, array, index):
    """``array[index : index + 16]``."""

    def lower(context, builder, kinds, values):
        found = builder.load(_place(context, builder, kinds.args[0], *values, _FLOATS))
        found.align = 4
        return found

    return VECTOR(array, types.intp), lower


@intrinsic
def store(_, vector, array, index):
    """``array[index : index + 16] = vector``."""

    def lower(context, builder, kinds, values):
        kept = builder.store(values[0], _place(context, builder, kinds.args[1], *values[1:], _FLOATS))
        kept.align = 4
        return context.get_dummy_value()

    return types.void(VECTOR, array, types.intp), lower


@intrinsic
def load_counts(_, array, index):
    """``array[index : index + 16]`` of an int32 array, as float32."""

    def lower(context, builder, kinds, values):
        found = builder.load(_place(context, builder, kinds.args[0], *values, _INTS))
        found.align = 4
        return builder.sitofp(found, _FLOATS)

    return VECTOR(array, types.intp), lower


@intrinsic
def store_bytes(_, vector, array, index):
    """``array[index : index + 16] = vector`` of a uint8 array; the vector holds whole numbers of 0 to 255."""

    def lower(context, builder, kinds, values):
        whole = builder.trunc(builder.fptosi(values[0], _INTS), _BYTES)
        kept = builder.store(whole, _place(context, builder, kinds.args[1], *values[1:], _BYTES))
        kept.align = 1
        return context.get_dummy_value()

    return types.void(VECTOR, array, types.intp), lower


# ── What is computed ─────────────────────────────────────────────────────────────────────────────────────────────


@intrinsic
def larger(_, one, other):
    """At each place the larger; the other's where one is no number."""

    def lower(context, builder, kinds, values):
        return builder.select(builder.fcmp_ordered(">", *values), *values)

    return VECTOR(VECTOR, VECTOR), lower


@intrinsic
def smaller(_, one, other):
    """At each place the smaller; the other's where one is no number."""

    def lower(context, builder, kinds, values):
        return builder.select(builder.fcmp_ordered("<", *values), *values)

    return VECTOR(VECTOR, VECTOR), lower


@intrinsic
def multiply_add(_, one, other, plus):
    """one · other + plus, rounded once."""

    def lower(context, builder, kinds, values):
        kind = ir.FunctionType(_FLOATS, [_FLOATS] * 3)
        fused = builder.module.declare_intrinsic(f"llvm.fma.v{LANES}f32", (), kind)
        return builder.call(fused, values)

    return VECTOR(VECTOR, VECTOR, VECTOR), lower


@intrinsic
def places_at_least(_, one, other):
    """Where one is at least the other, as bits: the lowest is the first place."""

    def lower(context, builder, kinds, values):
        bits = builder.bitcast(builder.fcmp_ordered(">=", *values), ir.IntType(LANES))
        return builder.zext(bits, _INT)

    return types.uint32(VECTOR, VECTOR), lower


@intrinsic
def first_place(_, bits):
    """The place of the lowest bit, of bits that are not all 0."""

    def lower(context, builder, kinds, values):
        return builder.zext(builder.cttz(values[0], ir.Constant(ir.IntType(1), 1)), ir.IntType(64))

    return types.int64(types.uint32), lower


@intrinsic
def count_places(_, bits):
    """How many bits are 1."""

    def lower(context, builder, kinds, values):
        return builder.zext(builder.ctpop(values[0]), ir.IntType(64))

    return types.int64(types.uint32), lower


def _folded(builder, vector, combine):
    """One number of sixteen, always by halves: the order is part of the result."""
    lanes = [builder.extract_element(vector, ir.Constant(_INT, lane)) for lane in range(LANES)]
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [combine(one, other) for one, other in zip(lanes[:half], lanes[half:], strict=True)]
    return lanes[0]


@intrinsic
def sum_of_lanes(_, vector):
    def lower(context, builder, kinds, values):
        return _folded(builder, values[0], builder.fadd)

    return types.float32(VECTOR), lower


@intrinsic
def highest_lane(_, vector):
    def lower(context, builder, kinds, values):
        def higher(one, other):
            return builder.select(builder.fcmp_ordered(">", one, other), one, other)

        return _folded(builder, values[0], higher)

    return types.float32(VECTOR), lower


@intrinsic
def bits_of(_, number):
    """A float32's bits as int32."""

    def lower(context, builder, kinds, values):
        return builder.bitcast(values[0], _INT)

    return types.int32(types.float32), lower


@intrinsic
def _power_of_two(_, whole):
    """2 to the power of whole numbers of -126 to 127."""

    def lower(context, builder, kinds, values):
        biased = builder.add(builder.fptosi(values[0], _INTS), ir.Constant(_INTS, [127] * LANES))
        return builder.bitcast(builder.shl(biased, ir.Constant(_INTS, [23] * LANES)), _FLOATS)

    return VECTOR(VECTOR), lower


_TO_WHOLE = np.float32(1.5 * 2**23)  # beside a number so large there is no room for a fraction
_LOWEST, _HIGHEST = np.float32(-87), np.float32(88)
_LOG2_E = np.float32(1 / math.log(2))
_MINUS_LOG_2 = np.float32(-math.log(2)), np.float32(np.float32(math.log(2)) - math.log(2))
_SATURATED = np.float32(40)  # e^40 is so much larger than 1 that a sigmoid is one or none, and its square is a number
_SERIES = tuple(np.float32(1 / math.factorial(power)) for power in range(6, -1, -1))


@njit(**COMPILED)
def nearest_whole(x):
    """Rounded, halves to the even one; of numbers between -2^22 and 2^22."""
    return (x + spread(_TO_WHOLE)) - spread(_TO_WHOLE)


@njit(**COMPILED)
def exp(x):
    """e^x, to 1e-7 of itself; as of -87 below that, and as of 88 above it."""
    x = smaller(larger(x, spread(_LOWEST)), spread(_HIGHEST))
    whole = nearest_whole(x * spread(_LOG2_E))
    rest = multiply_add(whole, spread(_MINUS_LOG_2[1]), multiply_add(whole, spread(_MINUS_LOG_2[0]), x))
    total = spread(_SERIES[0])
    for factor in _SERIES[1:]:
        total = multiply_add(total, rest, spread(factor))
    return total * _power_of_two(whole)


@njit(**COMPILED)
def sigmoid(x):
    return spread(np.float32(1)) / (spread(np.float32(1)) + exp(spread(np.float32(0)) - x))


@njit(**COMPILED)
def gated_tanh(gate, x):
    """sigmoid(gate) · tanh(x), by one division for both."""
    one, most = spread(np.float32(1)), spread(_SATURATED)
    opened = one + exp(smaller(spread(np.float32(0)) - gate, most))
    grown = exp(smaller(x + x, most))
    return (grown - one) / (opened * (grown + one))
