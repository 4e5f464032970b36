"""The frame of most passes: walk the values, build a new Program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..fixed import Format, interval_union
from ..ir import Builder, Program, Value
from ..ir.operations import output, row

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
    if new != old and value.operation is row and sum(lo < hi for lo, hi in new) > 2:
        operands, weights = _in_pairs(builder, value, operands)
        same = {"interval": value.interval, "exponent": value.format.exponent}
        return builder.row(operands, weights, wraps=value.is_wrapping, **same)
    if value.is_wrapping or new == old:
        return builder.copy(value, operands)
    if value.operation is output:
        _widen_port(builder, value, new[0])
    made = builder.value(
        value.operation,
        operands,
        value.attributes,
        exponent=value.format.exponent,
        weights=value.weights if value.operation.has_weights else (),
    )
    if all(a <= c and d <= b for (a, b), (c, d) in zip(old, new, strict=True)):
        # What was proved of wider operands still holds: a relu stays one.
        lo, hi = builder.intervals[made]
        builder.intervals[made] = max(lo, value.interval[0]), min(hi, value.interval[1])
    return made


def _in_pairs(builder: Builder, value: Value, operands: list[int]) -> tuple[list[int], list[int]]:
    """Operands and weights of a row of three with its first two added before.

    Operands of other widths bring other constants, for which three leave no room.
    """
    weights = value.weights
    variables = [n for n, o in enumerate(operands) if not builder.is_constant(o)]
    first = [n for n in range(len(operands)) if n != variables[-1]]
    exponent = value.format.exponent
    total = builder.row(
        [operands[n] for n in first], [weights[n] for n in first], exponent=exponent
    )
    return [total, operands[variables[-1]]], [1, weights[variables[-1]]]


def _widen_port(builder: Builder, value: Value, interval: tuple[int, int]) -> None:
    """Let the output's field hold the new range too."""
    given = value.attributes
    port = builder.outputs[given["port"]]
    fields = list(port.fields)
    format = fields[given["field"]].format
    lo, hi = interval_union((format.lo, format.hi), interval)
    fields[given["field"]] = replace(fields[given["field"]], format=Format(lo, hi, format.exponent))
    builder.outputs[given["port"]] = replace(port, fields=tuple(fields))
