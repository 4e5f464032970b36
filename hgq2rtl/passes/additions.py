"""Every addition as a row: from here on one kind of sum is timed, counted and built."""

from __future__ import annotations

from ..ir import Builder, Program, Value
from ..ir.operations import add
from .rewrite import rewrite


def turn_additions_into_rows(program: Program) -> Program:
    """Leave no ``add``; a sum of 0 and a value is the value's row alone."""

    def rule(builder: Builder, value: Value, operands: list[int]) -> int | None:
        if value.operation is not add:
            return None
        sign, shift = value.attributes["sign"], value.attributes["shift"]
        weights = [1 << max(-shift, 0), sign << max(shift, 0)]
        terms = [
            (operand, weight)
            for operand, weight in zip(operands, weights, strict=True)
            if builder.intervals[operand] != (0, 0)
        ]
        return builder.row(
            [operand for operand, _ in terms],
            [weight for _, weight in terms],
            interval=value.interval,
            exponent=value.format.exponent,
            wraps=value.is_wrapping,
        )

    return rewrite(program, rule)
