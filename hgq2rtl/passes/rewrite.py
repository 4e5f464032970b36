"""The frame of most passes: walk the values, build a new Program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..fixed import Format, interval_union
from ..ir import Builder, Program, Value
from ..ir.operations import lincomb, output

Rule = Callable[[Builder, Value, list[int]], int | None]
"""``rule(builder, value, operands)``: the value in the new Program, or None to copy it.
`operands` are numbers of the new Program."""


def rewrite(program: Program, rule: Rule) -> Program:
    """Apply `rule` to every value in order."""
    builder = Builder.like(program)
    new: list[int] = []
    rows = program.rows
    for value, old, at, block in zip(
        program, rows.operands, rows.provenance, rows.block, strict=True
    ):
        operands = [new[o] for o in old]
        builder.at, builder.block = at, block
        made = rule(builder, value, operands)
        new.append(_copy(builder, value, operands) if made is None else made)
    return builder.build()


def _copy(builder: Builder, value: Value, operands: list[int]) -> int:
    """`value` again; with a new range where its operands have one."""
    old = [value.program.interval(o) for o in value.operands]
    new = [builder.intervals[o] for o in operands]
    if value.is_wrapping or new == old:
        return builder.copy(value, operands)
    if value.operation is output:
        _widen_port(builder, value, new[0])
    made = builder.value(
        value.operation,
        operands,
        value.attributes,
        exponent=value.format.exponent,
        weights=value.weights if value.operation is lincomb else (),
    )
    if all(a <= c and d <= b for (a, b), (c, d) in zip(old, new, strict=True)):
        # What was proved of wider operands still holds: a relu stays one.
        lo, hi = builder.intervals[made]
        builder.intervals[made] = max(lo, value.interval[0]), min(hi, value.interval[1])
    return made


def _widen_port(builder: Builder, value: Value, interval: tuple[int, int]) -> None:
    """Let the output's field hold the new range too."""
    given = value.attributes
    port = builder.outputs[given["port"]]
    fields = list(port.fields)
    format = fields[given["field"]].format
    lo, hi = interval_union((format.lo, format.hi), interval)
    fields[given["field"]] = replace(fields[given["field"]], format=Format(lo, hi, format.exponent))
    builder.outputs[given["port"]] = replace(port, fields=tuple(fields))
