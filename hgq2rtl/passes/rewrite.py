"""The frame of most passes: walk the values, build a new Program."""

from __future__ import annotations

from collections.abc import Callable

from ..ir import Builder, Program, Value

Rule = Callable[[Builder, Value, list[int]], int | None]
"""``rule(builder, value, operands)``: the value in the new Program, or None to copy it.
`operands` are numbers of the new Program."""


def rewrite(program: Program, rule: Rule) -> Program:
    """Apply `rule` to every value in order."""
    builder = Builder.like(program)
    new: list[int] = []
    rows = program.rows
    for value, old, provenance in zip(program, rows.operands, rows.provenance, strict=True):
        operands = [new[o] for o in old]
        builder.at = provenance
        made = rule(builder, value, operands)
        new.append(builder.copy(value, operands) if made is None else made)
    return builder.build()
