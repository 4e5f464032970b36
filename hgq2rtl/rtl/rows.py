"""A row as hardware: a cell of the vendor's primitives, or plain operators, one sum per wire."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import Any

from amaranth.hdl import Cat, Const, Value

from ..ir.rows import CONSTANT, ONE, ZERO, Bit, RowPlan
from .scope import Scope


def logic_on_s(plan: RowPlan, logic: Set[int]) -> RowPlan:
    """The same row with bits of the operands `logic` on the S side where that is free.

    A LUT of the row may absorb what feeds its S side; the D side must be a wire.
    """
    if not logic:
        return plan
    d, s = list(plan.d), list(plan.s)
    for n, (on_d, on_s) in enumerate(zip(plan.d, plan.s, strict=True)):
        is_free = CONSTANT not in (on_d.operand, on_s.operand) and not plan.compressed[n]
        is_better = on_d.operand in logic and on_s.operand not in logic
        if is_free and is_better and on_d.is_inverted == on_s.is_inverted:
            d[n], s[n] = on_s, on_d
    return plan._replace(d=tuple(d), s=tuple(s))


def absorbed(plan: RowPlan) -> set[int]:
    """Operands that feed the S side of inferred LUTs only."""
    wired = {bit.operand for bit in (*plan.low, *plan.d, *plan.z, plan.carry_in)}
    inferred: set[int] = set()
    for d, s, is_compressed in zip(plan.d, plan.s, plan.compressed, strict=True):
        (wired if is_compressed or d.is_inverted else inferred).add(s.operand)
    return inferred - wired - {CONSTANT}


def row_as_cell(scope: Scope, plan: RowPlan, operands: Sequence[Value]) -> None:
    """Drive the scope's target by a carry chain of primitives."""
    target, low, width = scope.target, len(plan.low), len(plan.s)
    if low:
        scope.statements.append(target[:low].eq(vector(plan.low, operands)))
    if not width:
        return
    result = target[low:] if low else target
    ports: dict[str, Any] = {"p_WIDTH": width, "p_RESULT": len(result), "o_o": result}
    ports["i_ci"] = vector((plan.carry_in,), operands)
    sides = {"d": plan.d, "s": plan.s}
    if any(plan.compressed) or any(bit.is_inverted for bit in plan.d):
        cell = "row_of_three"
        sides["z"] = plan.z
        ports["p_COMPRESSED"] = _mask(plan.compressed)
        for name, side in sides.items():
            ports[f"p_{name.upper()}_INVERT"] = _mask(bit.is_inverted for bit in side)
    else:
        cell = "row"
    for name, side in sides.items():
        ports[f"i_{name}"] = vector(side, operands, inverts=cell == "row")
    scope.instance(cell, **ports)


def _mask(flags: Iterable[bool]) -> Const:
    flags = list(flags)
    return Const(sum(1 << n for n, flag in enumerate(flags) if flag), len(flags))


def row_of_operators(scope: Scope, plan: RowPlan, operands: Sequence[Value]) -> Value:
    """The row as sums of two: three in one expression fall apart in synthesis."""
    low = vector(plan.low, operands)
    if not plan.s:
        return low
    width = len(plan.s) + plan.has_carry_out
    total = vector(plan.d, operands)
    if any(bit != ZERO for bit in plan.z):
        total = scope.wire("sum", total + vector(plan.z, operands), width)
    s = (*plan.s, *[ZERO] * plan.has_carry_out)
    if plan.carry_in == ZERO:
        total = total + vector(plan.s, operands)
    elif plan.carry_in == ONE:  # a + b + 1 as one chain: a - ~b
        total = total - vector([_inverse(bit) for bit in s], operands)
    else:  # a + b + c as one chain: a position below carries where c is 1
        total = (Cat(Const(1, 1), total) + vector((plan.carry_in, *s), operands))[1:]
    return Cat(low, total[:width])


def _inverse(bit: Bit) -> Bit:
    if bit.operand == CONSTANT:
        return ONE if bit == ZERO else ZERO
    return bit._replace(is_inverted=not bit.is_inverted)


def vector(bits: Sequence[Bit], operands: Sequence[Value], inverts: bool = True) -> Value:
    """The wires of `bits`, lowest first, in as few slices as they have; inverted if `inverts`."""
    parts: list[Value] = []
    at = 0
    while at < len(bits):
        operand, number, is_inverted = bits[at]
        end = at + 1
        if operand == CONSTANT:
            while end < len(bits) and bits[end].operand == CONSTANT:
                end += 1
            parts.append(Const(sum(bits[n].number << (n - at) for n in range(at, end)), end - at))
        else:
            while end < len(bits) and _follows(bits[end], bits[at], end - at, inverts):
                end += 1
            wires = operands[operand][number : number + end - at]
            parts.append(~wires if inverts and is_inverted else wires)
        at = end
    return parts[0] if len(parts) == 1 else Cat(parts)


def _follows(bit: Bit, first: Bit, distance: int, inverts: bool) -> bool:
    """Whether `bit` is of the same slice as `first`."""
    return (
        bit.operand == first.operand
        and bit.number == first.number + distance
        and (bit.is_inverted == first.is_inverted or not inverts)
    )
