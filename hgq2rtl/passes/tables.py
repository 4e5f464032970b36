"""Tables that only sums read: unsigned contents from 0 on, their sign where it costs nothing.

What a sum adds is ``T = sign * U + offset``: the offset joins the sum's constant, the sign its
weight, and `U` needs neither a sign bit nor, where the sum would subtract it, an inverter.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from ..ir import Builder, Program, Table, Value
from ..ir.operations import lincomb, lookup
from .rewrite import rewrite

_Key = tuple[int, int, int, int]
"""Table, sign, and the ends of its contents after the sign."""


class _Moved(NamedTuple):
    """An old lookup is ``sign * made + offset``."""

    made: int
    sign: int
    offset: int


def make_tables_unsigned(program: Program) -> Program:
    """Move sign and offset of tables into the linear combinations that read them."""
    sign_of = _signs(program)
    moved: dict[int, _Moved] = {}
    tables: dict[_Key, int] = {}

    def rule(builder: Builder, value: Value, operands: list[int]) -> int | None:
        if value.number in sign_of and value.operation is lookup:
            made = _unsigned(builder, value, operands[0], sign_of[value.number], tables)
            if made is None:
                return None
            moved[value.number] = made
            return made.made
        if value.operation is not lincomb or not any(o in moved for o in value.operands):
            return None
        return _adjusted(builder, value, operands, moved)

    return rewrite(program, rule)


def _signs(program: Program) -> dict[int, int]:
    """For each lookup that only linear combinations read, the sign of most of its weights."""
    total: defaultdict[int, int] = defaultdict(int)
    others: set[int] = set()
    for value in program:
        if value.operation is lincomb:
            for operand, weight in zip(value.operands, value.weights, strict=True):
                total[operand] += 1 if weight > 0 else -1
        else:
            others.update(value.operands)
    return {v: 1 if n >= 0 else -1 for v, n in total.items() if v not in others}


def _unsigned(
    builder: Builder, value: Value, address: int, sign: int, tables: dict[_Key, int]
) -> _Moved | None:
    """The lookup of a table from 0 on; None where the table is so already."""
    number = value.attributes["table"]
    table = builder.tables[number]
    reached = _reached(table, builder.intervals[address])
    lo, hi = sorted((sign * int(reached.min()), sign * int(reached.max())))
    if value.is_wrapping or (sign > 0 and lo == 0):
        return None
    key = number, sign, lo, hi
    if key not in tables:
        contents = np.clip(sign * table.contents - lo, 0, hi - lo)
        builder.tables.append(Table(table.base, contents))
        tables[key] = len(builder.tables) - 1
    made = builder.lookup(address, tables[key], exponent=value.format.exponent)
    return _Moved(made, sign, sign * lo)


def _reached(table: Table, address: tuple[int, int]) -> np.ndarray:
    return table.contents[address[0] - table.base : address[1] - table.base + 1]


def _adjusted(builder: Builder, value: Value, operands: list[int], moved: dict[int, _Moved]) -> int:
    """The linear combination of the same value."""
    weights, constant = list(value.weights), 0
    for n, old in enumerate(value.operands):
        if old in moved:
            constant += weights[n] * moved[old].offset
            weights[n] *= moved[old].sign
    if constant:
        operands = [*operands, builder.const(constant, value.format.exponent)]
        weights.append(1)
    return builder.lincomb(
        operands,
        weights,
        value.attributes["group"],
        interval=value.interval,
        exponent=value.format.exponent,
        wraps=value.is_wrapping,
    )
