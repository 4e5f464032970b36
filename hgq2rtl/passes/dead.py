"""Remove values that no output depends on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..ir import Program
from ..ir.operations import lookup, output


def remove_dead_values(program: Program) -> Program:
    """Keep what an output needs, tables too. Input ports keep all their fields."""
    alive = np.zeros(len(program), bool)
    alive[program.values_of(output)] = True
    start, operand = program.start, program.operand
    for v in range(len(program) - 1, -1, -1):
        if alive[v]:
            alive[operand[start[v] : start[v + 1]]] = True
    return _only_used_tables(keep(program, alive))


def _only_used_tables(program: Program) -> Program:
    lookups = program.values_of(lookup)
    used, number = np.unique(program.attribute[lookups, 0], return_inverse=True)
    if len(used) == len(program.tables):
        return program
    attribute = program.attribute.copy()
    attribute[lookups, 0] = number
    tables = tuple(program.tables[n] for n in used.tolist())
    return replace(program, attribute=attribute, tables=tables)


def keep(program: Program, alive: np.ndarray) -> Program:
    """The rows where `alive`; their operands must be among them."""
    counts = np.diff(program.start)
    kept_operands = np.repeat(alive, counts)
    number = np.cumsum(alive) - 1
    columns = {
        name: getattr(program, name)[alive]
        for name in (
            "operation",
            "attribute",
            "lo",
            "hi",
            "exponent",
            "wraps",
            "layer",
            "element",
            "block",
        )
    }
    return replace(
        program,
        **columns,
        start=np.concatenate([[0], np.cumsum(counts[alive])]).astype(np.int64),
        operand=number[program.operand[kept_operands]].astype(np.int32),
        weight=program.weight[kept_operands],
        big={int(number[v]): each for v, each in program.big.items() if alive[v]},
    )
