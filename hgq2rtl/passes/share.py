"""Compute equal values once."""

from __future__ import annotations

from ..ir import Builder, Program, Value
from ..ir.operations import input_, output, row
from .rewrite import rewrite


def share_common_values(program: Program) -> Program:
    """Merge values of equal operation, operands, attributes and format.

    The order of the operands counts but in rows, whose terms have none.
    """
    known: dict[tuple[object, ...], int] = {}

    def rule(builder: Builder, value: Value, operands: list[int]) -> int | None:
        if value.operation is output or value.operation is input_:
            return None
        terms = zip(operands, value.weights, strict=True)
        key = (
            value.operation.code,
            tuple(sorted(terms) if value.operation is row else terms),
            program.attribute[value.number].tobytes(),
            value.interval,
            value.format.exponent,
            value.is_wrapping,
        )
        if key not in known:
            known[key] = builder.copy(value, operands)
        return known[key]

    return rewrite(program, rule)
