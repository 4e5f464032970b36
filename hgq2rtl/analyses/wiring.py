"""Where each bit of each value comes from: slices, concatenations and copies are wires.

A bit that passes through wires alone, or stands below the carry chain of a row, is the bit of
another value; it is one register wherever it crosses from one stage to the next. Constant bits
are none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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

CONSTANT_BIT = -1
Bits = list[int]
"""Numbers of source bits, lowest first; ``CONSTANT_BIT`` where it is a constant."""


@dataclass(frozen=True, eq=False)
class Wiring:
    """Bits are numbered through the Program: those of value ``v`` from ``first_bit[v]`` on."""

    is_wire: np.ndarray
    """bool (n,): values that are wires alone; constants too."""
    first_bit: np.ndarray
    """int64 (n + 1,)."""
    bits: list[Bits]
    """Of each value its source bits."""
    reads: list[Bits]
    """The source bits that the logic of each value reads; of an output, its bits."""

    def value_of(self, bits: np.ndarray) -> np.ndarray:
        """The values that source bits belong to."""
        return np.searchsorted(self.first_bit, bits, side="right") - 1


def wiring(program: Program) -> Wiring:
    """Trace every bit back to the logic, or the input, that makes it."""
    widths = program.widths()
    first = np.concatenate([[0], np.cumsum(widths)])
    starts, counts = first.tolist(), widths.tolist()
    bits: list[Bits] = []
    reads: list[Bits] = []
    is_wire = np.zeros(len(program), bool)
    for value in program:
        v = value.number
        lo, hi = value.interval
        operands = [bits[o] for o in value.operands]
        if lo == hi:
            own, read, is_wire[v] = [CONSTANT_BIT] * counts[v], [], True
        else:
            copies, used = wires_of[value.operation](value, operands, counts[v])
            is_wire[v] = used is None
            read = [bit for bit in used or () if bit != CONSTANT_BIT]
            own = copies + list(range(starts[v] + len(copies), starts[v] + counts[v]))
        bits.append(own)
        reads.append(read)
    for v in program.values_of(output).tolist():
        reads[v] = [bit for bit in bits[v] if bit != CONSTANT_BIT]
    return Wiring(is_wire, first, bits, reads)


wires_of = one_per_operation("wires_of", without_macros=True)
"""``wires_of[operation](value, operands, width) -> (copies, read)``: the low bits of the value that
are copies of source bits, and the source bits that its logic reads; None: there is no logic.
`operands` are source bits."""

_Wires = tuple[Bits, Iterable[int] | None]


@wires_of(input_, const)
def _(value: Value, operands: list[Bits], width: int) -> _Wires:
    return [], ()


@wires_of(output)
def _(value: Value, operands: list[Bits], width: int) -> _Wires:
    return _extended(value, operands[0], 0, width), None


@wires_of(slice_)
def _(value: Value, operands: list[Bits], width: int) -> _Wires:
    return _extended(value, operands[0], value.attributes["low"], width), None


def _extended(value: Value, bits: Bits, low: int, width: int) -> Bits:
    """`width` bits from bit `low` on; beyond the top as the operand's sign says."""
    top = CONSTANT_BIT
    if bits and value.program.format(value.operands[0]).is_signed:
        top = bits[-1]
    kept = [CONSTANT_BIT] * -low + bits[max(low, 0) :]
    return (kept + [top] * (width - len(kept)))[:width]


@wires_of(concat)
def _(value: Value, operands: list[Bits], width: int) -> _Wires:
    low, high = operands
    shift = value.attributes["shift"]
    return (low[:shift] + [CONSTANT_BIT] * (shift - len(low)) + high)[:width], None


@wires_of(row)
def _(value: Value, operands: list[Bits], width: int) -> _Wires:
    plan = plan_row(value)
    has_chain = bool(plan.s)
    copies = []
    for bit in plan.low:
        if bit.is_inverted and has_chain:  # its register would hold the inverse
            break
        is_constant = bit.operand == CONSTANT
        copies.append(CONSTANT_BIT if is_constant else operands[bit.operand][bit.number])
    if not has_chain:
        return copies, None
    below = plan.low[len(copies) :]
    read = {
        (bit.operand, bit.number)
        for side in (below, plan.d, plan.s, plan.z, (plan.carry_in,))
        for bit in side
        if bit.operand != CONSTANT
    }
    return copies, [operands[operand][number] for operand, number in read]


@wires_of(mask)
def _(value: Value, operands: list[Bits], width: int) -> _Wires:
    return [], operands[0][:width] + operands[1]


@wires_of(add, mux, compare, bitwise, mul, lookup)
def _(value: Value, operands: list[Bits], width: int) -> _Wires:
    return [], [bit for bits in operands for bit in bits]


wires_of.close()
