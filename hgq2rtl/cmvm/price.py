"""What an adder graph costs, by definition: slow, and independent of the solver's own figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from ..fixed.interval import Interval
from .graph import ZERO, AdderGraph, Node, Output
from .options import Cost


@dataclass(frozen=True)
class Price:
    """Totals over a graph."""

    luts: int
    """Rows: positions where operands overlap. Signed: positions of two's complement adders."""
    carry_positions: int
    """Positions of carry chains without a LUT (rows only)."""
    inverters: int
    """Complemented bits outside the overlap of rows of two, the cheaper operand complemented."""
    growing: int
    """Rows of two operands whose result is taller than both."""
    adders: int
    """Two-operand additions, with the negations of outputs under the signed cost."""
    depth: int
    """Adder levels; a row of three operands takes two."""

    def total(self, cost: Cost) -> float:
        """What the solver minimises."""
        return self.luts + cost.carry_position * self.carry_positions


class Span(NamedTuple):
    """Bit positions ``lsb <= n < top`` of a wire."""

    lsb: int
    top: int

    def moved(self, shift: int) -> Span:
        return Span(self.lsb + shift, self.top + shift)

    @property
    def bits(self) -> set[int]:
        return set(range(self.lsb, self.top))


class _Row(NamedTuple):
    luts: int
    carry_positions: int


def price(graph: AdderGraph, inputs: Sequence[Interval], cost: Cost) -> Price:
    """Price `graph` over variables that range over `inputs`, under `cost`."""
    if cost.kind == "signed":
        return _price_signed(graph, inputs)
    return _price_rows(graph, inputs)


# ---- unsigned rows


def _price_rows(graph: AdderGraph, inputs: Sequence[Interval]) -> Price:
    spans = [
        Span(zeros, zeros + ((hi - lo) >> zeros).bit_length())
        for (lo, hi), zeros in zip(graph.intervals(inputs), _zeros(graph), strict=True)
    ]
    fused = set(graph.fused)
    rows, inverters, growing = [], 0, 0
    for number, node in enumerate(graph.nodes, graph.inputs):
        if number in fused:
            continue
        operands = list(_operands(graph, spans, node, fused))
        rows.append(_row(operands, spans[number].top))
        if len(operands) == 2:
            a, b = operands
            is_added = rows[-1].luts > 0
            growing += is_added and spans[number].top > max(a.top, b.top)
            if node.sign_a != node.sign_b:
                inverters += min(len(a.bits - b.bits), len(b.bits - a.bits))
    return Price(
        luts=sum(row.luts for row in rows),
        carry_positions=sum(row.carry_positions for row in rows),
        inverters=inverters,
        growing=growing,
        adders=len(graph.nodes),
        depth=_depth(graph, graph.depths()),
    )


def _zeros(graph: AdderGraph) -> list[int]:
    """Low bits of each wire that are always zero: trailing zeros of its coefficients."""
    together = [math.gcd(*(int(c) for c in form)) for form in graph.forms().tolist()]
    return [max(0, (n & -n).bit_length() - 1) for n in together]


def _operands(graph: AdderGraph, spans: list[Span], node: Node, fused: set[int]) -> Iterable[Span]:
    """Of the row that `node` is: those of a fused operand stand in its place."""
    for operand, shift in ((node.a, node.shift_a), (node.b, node.shift_b)):
        if operand in fused:
            inner = graph.nodes[operand - graph.inputs]
            yield spans[inner.a].moved(inner.shift_a + shift)
            yield spans[inner.b].moved(inner.shift_b + shift)
        else:
            yield spans[operand].moved(shift)


def _row(operands: list[Span], top: int) -> _Row:
    """A LUT where two operands have bits, one more if there are three: the last carry of the
    compression. The chain runs from the first such position to the top of the result."""
    shared = set[int]().union(*(a.bits & b.bits for a, b in combinations(operands, 2)))
    if not shared:
        return _Row(0, 0)  # wires side by side
    luts = len(shared) + (len(operands) == 3)
    if len(operands) == 2:
        return _Row(luts, max(0, top - min(span.top for span in operands)))
    return _Row(luts, max(0, top - min(shared) - luts))


# ---- two's complement


def _price_signed(graph: AdderGraph, inputs: Sequence[Interval]) -> Price:
    intervals, zeros, depths = graph.intervals(inputs), _zeros(graph), graph.depths()
    tops = [_signed_bits(interval) for interval in intervals]
    luts = 0
    for number, node in enumerate(graph.nodes, graph.inputs):
        luts += _adder(node, intervals, zeros, tops, tops[number])
    negated = {output.node for output in graph.outputs if output.sign < 0}
    for number in negated:
        lo, hi = intervals[number]
        luts += max(1, _signed_bits((-hi, -lo)) - zeros[number])
    return Price(
        luts=luts,
        carry_positions=0,
        inverters=0,
        growing=0,
        adders=len(graph.nodes) + len(negated),
        depth=_depth(graph, depths, negation=1),
    )


def _signed_bits(interval: Interval) -> int:
    lo, hi = interval
    return max(hi, -lo - 1).bit_length() + (lo < 0)


def _adder(
    node: Node, intervals: Sequence[Interval], zeros: list[int], tops: list[int], top: int
) -> int:
    a = (zeros[node.a] + node.shift_a, node.sign_a, node.a, node.shift_a)
    b = (zeros[node.b] + node.shift_b, node.sign_b, node.b, node.shift_b)
    (low, low_sign, lower, low_shift), (high, high_sign, _, _) = sorted((a, b))
    is_concatenation = (
        low < high
        and low_sign > 0
        and high_sign > 0
        and intervals[lower][0] >= 0
        and tops[lower] + low_shift <= high
    )
    if is_concatenation:
        return 0
    return max(1, top - (low if low_sign < 0 else high))


def _depth(graph: AdderGraph, depths: list[int], negation: int = 0) -> int:
    """Levels of the deepest output, `negation` more for each that is negated."""

    def levels(output: Output) -> int:
        return depths[output.node] + (negation if output.sign < 0 else 0)

    return max((levels(o) for o in graph.outputs if o.node != ZERO), default=0)
