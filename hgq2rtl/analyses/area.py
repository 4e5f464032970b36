"""A structural count per value, before any synthesis: LUTs, inverters, carry positions.

6-input LUTs with no sharing across operations; synthesis may merge neighbours or trim constants.
Rows are counted bit by bit as their carry chain builds them. An inverter is counted where a bit
enters a carry chain alone and inverted: synthesis tools count these apart.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..ir import Program, Value, one_per_operation
from ..ir.operations import (
    OPERATIONS,
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


class Area(NamedTuple):
    """What one value takes."""

    luts: int = 0
    inverters: int = 0
    carry_positions: int = 0
    adder_bits: int = 0
    """Of additions: the LUTs of their carry chains."""


_Span = tuple[int, int]
"""Lowest bit position and one above the highest."""

area_of = one_per_operation("area_of", without_macros=True)
"""``area_of[operation](value, widths, target) -> Area``"""


def areas(program: Program, target: Target) -> list[Area]:
    """Area of every value."""
    widths = program.widths().tolist()
    return [
        Area() if value.operation.is_macro else area_of[value.operation](value, widths, target)
        for value in program
    ]


@area_of(input_, const, output, slice_, concat)
def _(value: Value, widths: list[int], target: Target) -> Area:
    return Area()


@area_of(add)
def _(value: Value, widths: list[int], target: Target) -> Area:
    bits = adder_bits(value, widths)
    return Area(bits, 0, bits, bits)


@area_of(row)
def _(value: Value, widths: list[int], target: Target) -> Area:
    plan = plan_row(value)
    return Area(plan.luts, plan.inverters, plan.carry_positions, plan.luts)


def adder_bits(value: Value, widths: list[int]) -> int:
    """Positions of an addition that need a LUT.

    Below the higher operand's lowest bit the result is a copy of the lower
    operand, unless that one is subtracted: then the borrow runs through.
    """
    a, b = value.operands
    given = value.attributes
    low_a, low_b = max(-given["shift"], 0), max(given["shift"], 0)
    top = widths[value.number]
    if _is_zero(value, a):
        return max(top - low_b, 0) if given["sign"] < 0 else 0
    if _is_zero(value, b):
        return 0
    is_low_subtracted = given["sign"] < 0 and low_b < low_a
    start = min(low_a, low_b) if is_low_subtracted else max(low_a, low_b)
    return max(top - start, 0)


def _is_zero(value: Value, operand: int) -> bool:
    return value.program.interval(operand) == (0, 0)


@area_of(mask, mux)
def _(value: Value, widths: list[int], target: Target) -> Area:
    # Two positions share a LUT6 with two outputs: the choosing bit is common.
    return Area((widths[value.number] + 1) // 2)


@area_of(bitwise)
def _(value: Value, widths: list[int], target: Target) -> Area:
    return Area((widths[value.number] + 1) // 2)


@area_of(compare)
def _(value: Value, widths: list[int], target: Target) -> Area:
    # A carry chain over pairs of positions.
    pairs = (max(widths[o] for o in value.operands) + 1) // 2
    return Area(pairs, 0, pairs)


@area_of(mul)
def _(value: Value, widths: list[int], target: Target) -> Area:
    a, b = (widths[o] for o in value.operands)
    if has_bit_operand(value):
        return Area((widths[value.number] + 1) // 2)
    return Area(a * b)  # a LUT for each bit of each partial product, with its share of the sum


def has_bit_operand(value: Value) -> bool:
    """Whether a product is a choice between a number and zero."""
    return any(value.program.interval(o) == (0, 1) for o in value.operands)


@area_of(lookup)
def _(value: Value, widths: list[int], target: Target) -> Area:
    address = widths[value.operands[0]]
    per_bit = 1 << max(address - target.lut_inputs, 0)
    # Five inputs or fewer: two outputs share a LUT.
    outputs = widths[value.number]
    return Area((outputs + 1) // 2 if address < target.lut_inputs else outputs * per_bit)


area_of.close()


def is_adder(program: Program) -> np.ndarray:
    """bool (n,): values that are additions."""
    codes = np.zeros(len(OPERATIONS), bool)
    codes[[add.code, row.code]] = True
    return codes[program.operation]
