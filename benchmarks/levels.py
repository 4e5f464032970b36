"""Adders on the longest path, of our Programs and of alkaid's graphs, by one rule.

An addition is a level, a constant's too; three operands are two; a sum whose terms share no
position is wiring and none. Negations, masks and tables are none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def is_wiring(terms: Iterable[tuple[float, float, float]]) -> bool:
    """Whether a sum of (lo, hi, step) is a concatenation: no two terms share a position."""
    terms = sorted(terms, key=lambda term: term[2])
    pairs = zip(terms, terms[1:], strict=False)
    return all(lo >= 0 and hi < above for (lo, hi, _), (_, _, above) in pairs)


def deepest(operands: Iterable[Iterable[int]], own: Iterable[int]) -> int:
    """Most levels on any path: `operands` and `own` levels of each value, in order."""
    levels: list[int] = []
    for used, more in zip(operands, own, strict=True):
        levels.append(max((levels[v] for v in used), default=0) + more)
    return max(levels, default=0)


def row_levels(program: Any) -> int:
    """Additions and rows on the longest path of our Program."""
    return deepest((value.operands for value in program), map(own_row_levels, program))


def own_row_levels(value: Any) -> int:
    if value.operation.name == "add":
        return 0 if is_wiring(terms_of_add(value)) else 1
    if value.operation.name == "row":
        from hgq2rtl.ir.rows import plan_row

        if not plan_row(value).s:
            return 0  # no carry chain
        return 2 if sum(not value.program.is_constant(v) for v in value.operands) > 2 else 1
    return 0


def terms_of_add(value: Any) -> list[tuple[float, float, float]]:
    given, program = value.attributes, value.program
    if given["sign"] < 0:
        return [(-1, 0, 1), (-1, 0, 1)]  # never wiring
    scales = (1.0, 2.0 ** given["shift"])
    return [
        term(*program.interval(v), scale)
        for v, scale in zip(value.operands, scales, strict=True)
        if program.interval(v) != (0, 0)
    ]


def term(lo: float, hi: float, step: float) -> tuple[float, float, float]:
    """Mantissas `lo` to `hi` of `step`; a constant has the step of its lowest set bit."""
    low_bit = float(int(lo) & -int(lo)) if lo == hi else 1.0
    return lo * step, hi * step, low_bit * step


def adder_levels(logic: Any, counts_constants: bool) -> int:
    """Adders on the longest path of alkaid's graph; see its docs/alir.md for the codes."""

    def own(op: Any) -> int:
        if op.opcode == 0:
            scales = (1.0, 2.0 ** op.data[0])
            pair = [(logic.ops[v].qint, s) for v, s in zip(op.addr, scales, strict=True)]
            return 0 if is_wiring((q.min * s, q.max * s, q.step * s) for q, s in pair) else 1
        if op.opcode == 4:
            q, (number, fraction) = logic.ops[op.addr[0]].qint, op.data
            terms = [(q.min, q.max, q.step), term(number, number, 2.0**-fraction)]
            return 0 if not counts_constants or not number or is_wiring(terms) else 1
        return {1: 1, 11: 2}.get(op.opcode, 0)

    return deepest((op.addr for op in logic.ops), map(own, logic.ops))
