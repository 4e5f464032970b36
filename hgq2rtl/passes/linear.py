"""Merge linear combinations of linear combinations: a bias joins its sum."""

from __future__ import annotations

from ..ir import Builder, Program, Value
from ..ir.operations import lincomb
from .rewrite import rewrite


def merge_linear_chains(program: Program) -> Program:
    """Inline each linear combination whose only reader is another one.

    One that wraps stays: what it loses must be lost before its reader multiplies it.
    """
    users = program.users()
    terms: dict[int, dict[int, int]] = {}
    groups: dict[int, int] = {}

    def rule(builder: Builder, value: Value, operands: list[int]) -> int | None:
        if value.operation is not lincomb:
            return None
        total: dict[int, int] = {}
        group = value.attributes["group"]
        for old, new, weight in zip(value.operands, operands, value.weights, strict=True):
            inner = terms.get(new) if users[old] == 1 else None
            if inner is not None:
                group = groups[new]
            for operand, inner_weight in (inner or {new: 1}).items():
                total[operand] = total.get(operand, 0) + weight * inner_weight
        total = {operand: weight for operand, weight in total.items() if weight}
        made = builder.lincomb(
            tuple(total),
            tuple(total.values()),
            group,
            interval=value.interval if value.is_wrapping else None,
            exponent=value.format.exponent,
            wraps=value.is_wrapping,
        )
        if not value.is_wrapping:
            terms[made], groups[made] = total, group
        return made

    return rewrite(program, rule)
