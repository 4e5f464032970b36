"""How long each operation takes on a target, in ns, its incoming net included."""

from __future__ import annotations

import math

from ..ir import Program, Value, one_per_operation
from ..ir.operations import (
    add,
    bitwise,
    compare,
    concat,
    const,
    input_,
    lookup,
    mask,
    mul,
    mux,
    output,
    row,
    slice_,
)
from ..ir.rows import plan_row
from ..targets import Target
from .area import adder_bits, has_bit_operand

delay_of = one_per_operation("delay_of", without_macros=True)
"""``delay_of[operation](value, widths, target) -> ns``"""


def delays(program: Program, target: Target) -> list[float]:
    """Delay of every value from its operands, ns. Wires alone take no time."""
    widths = program.widths().tolist()
    return [delay_of[value.operation](value, widths, target) for value in program]


@delay_of(input_, const, output, slice_, concat)
def _(value: Value, widths: list[int], target: Target) -> float:
    return 0.0


@delay_of(add)
def _(value: Value, widths: list[int], target: Target) -> float:
    bits = adder_bits(value, widths)
    return _carry_chain(bits, target) if bits else 0.0


@delay_of(row)
def _(value: Value, widths: list[int], target: Target) -> float:
    plan = plan_row(value)
    if not plan.s:
        return 0.0
    first_lut = (plan.levels - 1) * _one_lut(target)
    return first_lut + _carry_chain(plan.carry_positions, target)


@delay_of(compare)
def _(value: Value, widths: list[int], target: Target) -> float:
    return _carry_chain((max(widths[o] for o in value.operands) + 1) // 2, target)


@delay_of(mask, mux, bitwise)
def _(value: Value, widths: list[int], target: Target) -> float:
    return _one_lut(target)


@delay_of(mul)
def _(value: Value, widths: list[int], target: Target) -> float:
    if has_bit_operand(value):
        return _one_lut(target)
    levels = math.ceil(math.log2(max(2, min(widths[o] for o in value.operands))))
    extra = levels * target.delay_ns["multiply_per_level"]
    return extra + _carry_chain(widths[value.number], target)


@delay_of(lookup)
def _(value: Value, widths: list[int], target: Target) -> float:
    levels = max(widths[value.operands[0]] - target.lut_inputs, 0)
    return _one_lut(target) + levels * target.delay_ns["table"]


delay_of.close()


def _one_lut(target: Target) -> float:
    return target.delay_ns["net"] + target.delay_ns["lut"]


def _carry_chain(bits: int, target: Target) -> float:
    return _one_lut(target) + bits * target.delay_ns["carry_per_bit"]
