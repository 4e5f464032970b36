"""Operations that alone exceed the clock, as several that do not."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping

import numpy as np

from ..analyses import delays
from ..fixed import Format
from ..ir import Builder, Field, Program, ProgramPort, Table, Value
from ..ir.operations import Operation, add, compare, lookup, mul, mux, row
from ..ir.ranges import range_of
from ..ir.rows import plan_row
from ..targets import Target
from .additions import turn_additions_into_rows
from .rewrite import rewrite
from .split_others import InParts, in_partial_products, in_shorter_comparisons
from .split_rows import in_rows_of_two, in_segments

Split = Callable[[Builder, Value, list[int], int], int | None]
"""``split(builder, value, operands, effort)``: the value in pieces, smaller with more effort; None
where it has no such pieces."""

SLACK_NS = 1e-9
"""More than sums of binary fractions are off by."""


def split_slow_operations(program: Program, target: Target, path_ns: float) -> Program:
    """Split what takes more than `path_ns` from a register to the next, where that can be.

    Rows become rows of two operands and segments of a carry chain, products sums of smaller
    products, tables parts with a choice between them, comparisons shorter ones: each in as few
    pieces as do. What stays too slow in any pieces is left as it is, and so are choices, masks and
    bitwise functions, which are one LUT.

    Parameters
    ----------
    path_ns : float
        The clock without its uncertainty, clock-to-out and set-up.
    """
    if len(program.values_of(add)):
        program = turn_additions_into_rows(program)
    phases: tuple[dict[Operation, Split], ...] = (
        {mul: in_partial_products, lookup: InParts(), compare: in_shorter_comparisons},
        {row: in_rows_of_two},
        {row: in_segments},
    )
    if all(net + logic <= path_ns + SLACK_NS for _, net, logic in _stages(program, target)):
        return program
    least = _least_ns(target)
    for ways in phases:
        program = _Splitting(program, target, path_ns, ways, least).run()
    return program


class _Splitting:
    """Tries the least effort for each value that makes all its pieces fast enough."""

    def __init__(
        self,
        program: Program,
        target: Target,
        path_ns: float,
        ways: Mapping[Operation, Split],
        least_ns: Mapping[Operation, float],
    ):
        self.program = program
        self.target = target
        self.path_ns = path_ns
        self.ways = ways
        self.least_ns = least_ns
        self.efforts: dict[int, int] = {}
        self.left: set[int] = set()
        """Values that no effort helps."""
        self.starts: list[int] = []
        """Of each value of `program` where its pieces begin."""

    def run(self) -> Program:
        made = self.program
        self.starts = list(range(len(made)))
        slow = self._slow(made)
        if slow:
            self.left |= _guarding(self.program)
        while slow - self.left or self.left & self.efforts.keys():
            for v in slow - self.left:
                self.efforts[v] = self.efforts.get(v, 0) + 1
            for v in self.left & self.efforts.keys():
                del self.efforts[v]
            made = self._split()
            slow = self._slow(made)
        return made

    def _split(self) -> Program:
        """The Program at these efforts; without those that turn out to be in vain."""
        while True:
            in_vain: set[int] = set()
            made = self._rewritten(in_vain)
            if not in_vain:
                return made
            self.left |= in_vain
            for v in in_vain:
                del self.efforts[v]

    def _rewritten(self, in_vain: set[int]) -> Program:
        self.starts = []
        ways: dict[Operation, Split] = {**self.ways, lookup: InParts()}

        def rule(builder: Builder, value: Value, operands: list[int]) -> int | None:
            self.starts.append(len(builder))
            effort = self.efforts.get(value.number)
            if effort is None:
                return None
            made = ways[value.operation](builder, value, operands, effort)
            if made is None:
                in_vain.add(value.number)
            return made

        return rewrite(self.program, rule)

    def _slow(self, made: Program) -> set[int]:
        """Values of the Program with a piece that is too slow and may be split further."""
        slow = set()
        for v, net, logic in _stages(made, self.target):
            if net + logic <= self.path_ns + SLACK_NS or not self._may_split(made[v]):
                continue
            origin = bisect_right(self.starts, v) - 1
            if net + self.least_ns[made.rows.operation[v]] > self.path_ns + SLACK_NS:
                self.left.add(origin)
            slow.add(origin)
        return slow

    def _may_split(self, value: Value) -> bool:
        if value.operation not in self.ways:
            return False
        is_compressed = value.operation is row and any(plan_row(value).compressed)
        return value.operation is not row or is_compressed == (self.ways[row] is in_rows_of_two)


def _stages(program: Program, target: Target) -> list[tuple[int, float, float]]:
    """Values that are more than wires: number, slowest net to it, and its own time."""
    times = delays(program, target)
    logic, net = times.logic_ns.tolist(), times.net_ns.tolist()
    stages, reached = [], [0.0] * len(program)
    for v, operands in enumerate(program.rows.operands):
        before = max((reached[o] for o in operands if not program.is_constant(o)), default=0.0)
        reached[v] = net[v] if logic[v] or not operands else max(before, net[v])
        if logic[v]:
            stages.append((v, before, logic[v]))
    return stages


def _least_ns(target: Target) -> dict[Operation, float]:
    """What the smallest piece of each kind takes: nothing is split to fit into less."""
    bits = [Field(n, Format.of_width(1, False)) for n in range(2)]
    builder = Builder([ProgramPort("x", (2,), tuple(bits))], tables=[Table(0, np.arange(2))])
    a, b = (builder.input(0, n) for n in range(2))
    smallest = {
        row: builder.row([a, b], [1, 1]),
        mul: builder.mul(a, b),
        lookup: builder.lookup(a, 0),
        compare: builder.compare(a, b),
    }
    logic = delays(builder.build(), target).logic_ns
    return {operation: float(logic[v]) for operation, v in smallest.items()}


def _guarding(program: Program) -> set[int]:
    """Values whose operation itself proves the range of a choice that reads them.

    ``mux(a < b, b, a)`` is the greater of both, ``mux(sign of x, -x, x)`` never negative.
    """
    guarding: set[int] = set()
    for v in program.values_of(mux).tolist():
        value = program[v]
        lo, hi = value.interval
        least, most = range_of[mux](*map(program.interval, value.operands), **value.attributes)
        if not value.is_wrapping and not (lo <= least and most <= hi):
            bit, negated, _ = value.operands
            guarding.add(bit)
            if program[negated].operation is row and len(program.operands_of(negated)) == 1:
                guarding.add(negated)
    return guarding
