"""Compute equal values once."""

from __future__ import annotations

from ..ir import Builder, Program, Value
from ..ir.operations import input_, output
from .rewrite import rewrite


def share_common_values(program: Program) -> Program:
    """Merge values of equal operation, operands, attributes and format.

    An operand order that does not matter is sorted by the operations' own
    builders; here order counts.
    """
    known: dict[tuple[object, ...], int] = {}

    def rule(builder: Builder, value: Value, operands: list[int]) -> int | None:
        if value.operation is output or value.operation is input_:
            return None
        key = (
            value.operation.code,
            tuple(operands),
            program.attribute[value.number].tobytes(),
            value.interval,
            value.format.exponent,
            value.is_wrapping,
            tuple(value.weights),
        )
        if key not in known:
            known[key] = builder.copy(value, operands)
        return known[key]

    return rewrite(program, rule)
