"""How many cells each value drives: those of its bit that drives the most, seen through wires."""

from __future__ import annotations

import numpy as np

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
from ..ir.rows import CONSTANT, plan_row
from ..targets import Target
from .area import area_of

_Loads = np.ndarray
"""int64 (width,): how many cells each bit drives."""

load_of = one_per_operation("load_of", without_macros=True)
"""``load_of[operation](value, own, read, target)`` adds to `read`, the loads of each operand's
bits, what the value takes; `own` are the loads of the value's bits, complete by then."""


def fan_out(program: Program, target: Target) -> np.ndarray:
    """Loads of the busiest bit of every value, int64 (n,); 0 where nothing reads it."""
    return np.array([bits.max(initial=0) for bits in loads_of_bits(program, target)], np.int64)


def loads_of_bits(program: Program, target: Target) -> list[_Loads]:
    """Loads of every bit of every value."""
    loads = [np.zeros(width, np.int64) for width in program.widths().tolist()]
    for v in range(len(program) - 1, -1, -1):  # readers before what they read
        value = program[v]
        read = [loads[o] for o in value.operands]
        load_of[value.operation](value, loads[v], read, target)
    return loads


@load_of(input_, const)
def _(value: Value, own: _Loads, read: list[_Loads], target: Target) -> None:
    pass


@load_of(output, add, compare, bitwise)
def _(value: Value, own: _Loads, read: list[_Loads], target: Target) -> None:
    for operand in read:
        operand += 1


@load_of(slice_)
def _(value: Value, own: _Loads, read: list[_Loads], target: Target) -> None:
    (operand,), low = read, value.attributes["low"]
    own = own[max(-low, 0) :]
    kept = operand[max(low, 0) :][: len(own)]
    kept += own[: len(kept)]
    if len(operand):
        operand[-1] += own[len(kept) :].sum()  # copies of the sign


@load_of(concat)
def _(value: Value, own: _Loads, read: list[_Loads], target: Target) -> None:
    shift = value.attributes["shift"]
    below, above = read[0][: min(shift, len(own))], read[1][: max(len(own) - shift, 0)]
    below += own[: len(below)]
    above += own[shift : shift + len(above)]


@load_of(row)
def _(value: Value, own: _Loads, read: list[_Loads], target: Target) -> None:
    plan = plan_row(value)
    if plan.s:
        for operand in read:
            operand += 1
    for n, bit in enumerate(plan.low):  # wires
        if bit.operand != CONSTANT:
            read[bit.operand][bit.number] += own[n]


@load_of(mask)
def _(value: Value, own: _Loads, read: list[_Loads], target: Target) -> None:
    number, bit = read
    number += 1
    bit += _pairs(own)


@load_of(mux)
def _(value: Value, own: _Loads, read: list[_Loads], target: Target) -> None:
    bit, *numbers = read
    bit += _pairs(own)
    for number in numbers:
        number += 1


def _pairs(own: _Loads) -> int:
    """LUTs that choose a number's bits: two positions share one."""
    return (len(own) + 1) // 2


@load_of(mul)
def _(value: Value, own: _Loads, read: list[_Loads], target: Target) -> None:
    a, b = read
    a += len(b)  # each partial product reads the whole of the other
    b += len(a)


@load_of(lookup)
def _(value: Value, own: _Loads, read: list[_Loads], target: Target) -> None:
    (address,) = read
    widths = {value.number: len(own), value.operands[0]: len(address)}
    address += area_of[lookup](value, widths, target).luts


load_of.close()
