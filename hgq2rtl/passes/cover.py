"""An adder graph as rows: unsigned numbers inside, two's complement and constants at its ends.

A node of the graph stands for a linear form ``f``; its wire holds an unsigned ``u`` with
``f = +-(u - offset) << lsb``. Whether the form or its negative is stored is free, and so is the
offset: it is chosen so that the row adds no constant. Offsets and the constant of each output are
collected and added once, where the output leaves the graph: inside the last row if only this
output reads it and that is cheaper, else in a row of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ..cmvm import AdderGraph
from ..cmvm.graph import ZERO
from ..ir.rows import Operand, RowPlan, exact_constant, plan_chain

Interval = tuple[int, int]

INVERTER = 0.5
"""Price of an inverter in LUTs, where two ways to build the same are compared."""

CARRY = 0.25
"""Price of a carry position without a LUT."""


class Leaf(NamedTuple):
    """A variable of the block: width and sign of its wire."""

    width: int
    is_signed: bool


class Sum(NamedTuple):
    """What an output must become: ``sum + constant`` in `width` bits."""

    constant: int
    width: int


class Row(NamedTuple):
    """A row over wires: the block's leaves first, then its rows in order."""

    operands: tuple[int, ...]
    weights: tuple[int, ...]
    constant: int
    column: int
    """The output that it is, or the first that reads it: its place in reports and names."""
    interval: Interval | None
    """None: an output, whose format is given."""
    lsb: int
    """Weight of its lowest bit, in steps of the form."""
    plan: RowPlan
    drops: int = 0
    """Low bits of an output that are always 0 and were needed on the way only."""


class _Term(NamedTuple):
    """``coefficient * form`` of a wire."""

    wire: int
    coefficient: int


@dataclass
class _Wire:
    """``form = sign * (u - offset) << lsb``, with `u` as an operand of rows."""

    number: int
    width: int
    is_signed: bool
    sign: int = 1
    offset: int = 0
    lsb: int = 0


@dataclass(frozen=True)
class Cover:
    """Rows in order, and the row of each output; None where the output is a constant."""

    rows: list[Row]
    outputs: list[int | None]

    @cached_property
    def price(self) -> float:
        """Of all rows, in LUTs."""
        return sum(_price(row.plan) for row in self.rows)


def cover(
    graph: AdderGraph, inputs: Sequence[Interval], leaves: Sequence[Leaf], sums: Sequence[Sum]
) -> Cover:
    """Rows that compute every output of `graph`, with its constant."""
    return _Covering(graph, inputs, leaves, sums).run()


class _Covering:
    def __init__(
        self,
        graph: AdderGraph,
        inputs: Sequence[Interval],
        leaves: Sequence[Leaf],
        sums: Sequence[Sum],
    ):
        self.graph = graph
        self.intervals = graph.intervals(inputs)
        self.sums = sums
        self.rows: list[Row] = []
        self.wires = {n: _Wire(n, *leaf) for n, leaf in enumerate(leaves)}
        self.column = _first_readers(graph)
        self.readers = _count_readers(graph)
        self.fused = set(graph.fused)

    def run(self) -> Cover:
        last = {
            output.node: column
            for column, output in enumerate(self.graph.outputs)
            if output.node >= self.graph.inputs and self.readers[output.node] == 1
        }
        for node in range(self.graph.inputs, self.graph.inputs + len(self.graph.nodes)):
            is_read = self.readers[node] > 0 and node not in self.fused
            if is_read and not (node in last and self._joins_constant(node, last[node])):
                self._build(node)
        return Cover(self.rows, [self._output(column) for column in range(len(self.sums))])

    # -- rows of nodes -------------------------------------------------------

    def _terms(self, node: int, factor: int = 1) -> list[_Term]:
        """What the row of `node` adds: two wires, or three with a node that joins it."""
        a, shift_a, sign_a, b, shift_b, sign_b = self.graph.nodes[node - self.graph.inputs]
        terms = []
        for side, coefficient in ((a, sign_a << shift_a), (b, sign_b << shift_b)):
            coefficient *= factor
            is_fused = side in self.fused
            terms += self._terms(side, coefficient) if is_fused else [_Term(side, coefficient)]
        return terms

    def _operands(self, terms: Sequence[_Term], lsb: int, sign: int) -> list[Operand]:
        """The terms as operands of a row whose lowest bit weighs ``sign * 2**lsb``."""
        operands = []
        for term in terms:
            wire = self.wires[term.wire]
            shift = abs(term.coefficient).bit_length() - 1 + wire.lsb - lsb
            is_subtracted = (term.coefficient < 0) != (wire.sign * sign < 0)
            operands.append(Operand(wire.number, wire.width, wire.is_signed, shift, is_subtracted))
        return operands

    def _build(self, node: int) -> None:
        terms = self._terms(node)
        lsb = self._lsb(terms)
        candidates = []
        for sign in self._signs(self._operands(terms, lsb, 1)):
            operands = self._operands(terms, lsb, sign)
            constant = -sum(map(exact_constant, operands))
            offset = constant + self._offset(terms, operands)
            lo, hi = sorted(sign * (end >> lsb) for end in self.intervals[node])
            interval = lo + offset, hi + offset
            width = interval[1].bit_length()
            plan = plan_chain(operands, constant, width)
            assert plan is not None
            candidates.append((_price(plan), sign, operands, constant, offset, interval, width))
        _, sign, operands, constant, offset, interval, width = min(candidates, key=lambda c: c[0])
        number = self._append(operands, constant, self.column[node], interval, lsb, width)
        self.wires[node] = _Wire(number, width, False, sign, offset, lsb)

    @staticmethod
    def _signs(operands: Sequence[Operand]) -> tuple[int, ...]:
        """Of the stored form, those worth trying: complementing all unsigned operands is not."""
        subtracted = sum(operand.is_subtracted for operand in operands)
        has_signed = any(operand.is_signed for operand in operands)
        if subtracted in (0, len(operands)) and not has_signed:
            return (-1,) if subtracted else (1,)
        return (1, -1)

    def _lsb(self, terms: Sequence[_Term]) -> int:
        return min(
            abs(term.coefficient).bit_length() - 1 + self.wires[term.wire].lsb for term in terms
        )

    def _offset(self, terms: Sequence[_Term], operands: Sequence[Operand]) -> int:
        """What the operands' own offsets add to the row."""
        return sum(
            _weight(operand) * self.wires[term.wire].offset
            for term, operand in zip(terms, operands, strict=True)
        )

    def _append(
        self,
        operands: Sequence[Operand],
        constant: int,
        column: int,
        interval: Interval | None,
        lsb: int,
        width: int,
        drops: int = 0,
    ) -> int:
        numbers = tuple(operand.number for operand in operands)
        weights = tuple(map(_weight, operands))
        plan = plan_chain(operands, constant, width)
        assert plan is not None
        self.rows.append(Row(numbers, weights, constant, column, interval, lsb, plan, drops))
        return self.graph.inputs + len(self.rows) - 1

    # -- outputs ---------------------------------------------------------------

    def _output_terms(self, column: int) -> list[_Term]:
        """Of an output: the row of its node where that was left to it, else its wire."""
        node, shift, sign = self.graph.outputs[column]
        terms = [_Term(node, 1)] if node in self.wires else self._terms(node)
        return [_Term(wire, sign * c << max(shift, 0)) for wire, c in terms]

    def _output(self, column: int) -> int | None:
        node, shift, _ = self.graph.outputs[column]
        if node == ZERO:
            return None
        drops = max(-shift, 0)
        terms = self._output_terms(column)
        operands, constant = self._with_constant(terms, column, drops)
        width = self.sums[column].width + drops
        return self._append(operands, constant, column, None, -drops, width, drops)

    def _with_constant(
        self, terms: Sequence[_Term], column: int, drops: int
    ) -> tuple[list[Operand], int]:
        operands = self._operands(terms, 0, 1)
        constant = (self.sums[column].constant << drops) - self._offset(terms, operands)
        return operands, constant

    def _joins_constant(self, node: int, column: int) -> bool:
        """Whether the constant of an output is cheapest inside the row of its node."""
        drops = max(-self.graph.outputs[column].shift, 0)
        width = self.sums[column].width + drops
        whole = plan_chain(*self._with_constant(self._output_terms(column), column, drops), width)
        if whole is None:
            return False
        rows = len(self.rows)
        self._build(node)
        alone = _price(self.rows[-1].plan)
        after = plan_chain(*self._with_constant(self._output_terms(column), column, drops), width)
        assert after is not None
        joins = _price(whole) <= alone + _price(after)
        del self.rows[rows:], self.wires[node]
        return joins


def _weight(operand: Operand) -> int:
    return (-1 if operand.is_subtracted else 1) << operand.shift


def _price(plan: RowPlan) -> float:
    return plan.luts + INVERTER * plan.inverters + CARRY * (plan.carry_positions - plan.luts)


def _first_readers(graph: AdderGraph) -> dict[int, int]:
    """For each node the first output that needs it."""
    column: dict[int, int] = {}
    for number, output in enumerate(graph.outputs):
        pending = [output.node]
        while pending:
            at = pending.pop()
            if at >= graph.inputs and at not in column:
                column[at] = number
                node = graph.nodes[at - graph.inputs]
                pending += [node.a, node.b]
    return column


def _count_readers(graph: AdderGraph) -> list[int]:
    """How many rows and outputs read each wire; nodes that nothing needs count for none."""
    readers = [0] * (graph.inputs + len(graph.nodes))
    for output in graph.outputs:
        if output.node != ZERO:
            readers[output.node] += 1
    for node in range(len(readers) - 1, graph.inputs - 1, -1):
        if readers[node]:
            for side in (graph.nodes[node - graph.inputs].a, graph.nodes[node - graph.inputs].b):
                readers[side] += 1
    return readers
