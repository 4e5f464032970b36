"""Evaluate constants and drop operations that do nothing."""

from __future__ import annotations

from ..ir import Builder, Program, Value
from ..ir.operations import add, bitwise, const, input_, mask, mux, output, slice_
from .rewrite import rewrite


def fold_constants(program: Program) -> Program:
    """A value whose interval is one number is a constant; a neutral operation is its operand."""

    def rule(builder: Builder, value: Value, operands: list[int]) -> int | None:
        if value.operation in (const, input_, output):
            return None
        lo, hi = value.interval
        if lo == hi:
            return builder.const(lo, value.format.exponent)
        if all(builder.is_constant(o) for o in operands):
            return _evaluated(builder, value, operands)
        return _neutral(builder, value, operands)

    return rewrite(program, rule)


def _evaluated(builder: Builder, value: Value, operands: list[int]) -> int:
    exact = value.meaning(*(builder.intervals[o][0] for o in operands))
    lo, width = value.format.container.lo, value.format.width
    reduced = ((exact - lo) & ((1 << width) - 1)) + lo if value.is_wrapping else exact
    return builder.const(int(reduced), value.format.exponent)


def _neutral(builder: Builder, value: Value, operands: list[int]) -> int | None:
    """The operand that `value` equals, if there is one with the same format."""
    same: int | None = None
    given = value.attributes
    if value.operation is slice_ and given["low"] == 0:
        same = operands[0]
    elif value.operation is add and _is_zero(builder, operands[1]) and given["shift"] >= 0:
        same = operands[0]
    elif value.operation is add and given["sign"] == 1 and given["shift"] <= 0:
        same = operands[1] if _is_zero(builder, operands[0]) else None
    elif value.operation is mask and builder.is_constant(operands[1]):
        same = operands[0] if builder.intervals[operands[1]][0] == given["when"] else None
    elif value.operation is mux and builder.is_constant(operands[0]) and given["shift"] == 0:
        same = operands[1] if builder.intervals[operands[0]][0] else operands[2]
    elif value.operation is bitwise and operands[0] == operands[1] and given["function"] != "xor":
        same = operands[0]
    if same is None or builder.exponents[same] != value.format.exponent:
        return None
    lo, hi = builder.intervals[same]
    if value.interval[0] <= lo and hi <= value.interval[1]:
        return same
    return None


def _is_zero(builder: Builder, v: int) -> bool:
    return builder.intervals[v] == (0, 0)
