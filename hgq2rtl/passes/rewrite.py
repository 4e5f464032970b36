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
    new = [0] * len(program)
    for value in program:
        operands = [new[o] for o in value.operands]
        builder.at = value.provenance
        made = rule(builder, value, operands)
        new[value.number] = builder.copy(value, operands) if made is None else made
    return builder.build()
