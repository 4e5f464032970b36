"""When every value settles, for any choice of rows, without building the Program.

Rows are timed by their plans, everything else as in the Program that was built first. So many
choices are compared in the time that building one takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..analyses import areas, delays
from ..analyses.delay import Cells
from ..analyses.fan_out import loads_of_bits
from ..ir import Program
from ..ir.operations import lincomb, output
from ..ir.rows import CONSTANT, RowPlan
from ..passes.cover import Cover
from ..passes.solve import Block, Solved
from ..schedule.earliest import SLACK_NS
from ..targets import Target


class Moment(NamedTuple):
    """When a value settles in its stage, and the net that leads on from it."""

    stage: int
    settled_ns: float
    net_ns: float


class _Part(NamedTuple):
    operands: Sequence[int]
    logic_ns: float
    net_ns: float


class TimedCover(NamedTuple):
    """Rows with their times: operands count the block's leaves first, as in the cover."""

    cover: Cover
    parts: list[_Part]
    leaf_nets_ns: list[float]
    """Of each leaf, with the rows alone that read it."""


Choose = Callable[[int, list[Moment]], TimedCover]
"""``choose(block, leaves)``: the rows of a block whose leaves settle then."""


class Timing:
    """Of a Program with linear blocks, in stages of at most `path_ns`."""

    def __init__(
        self,
        program: Program,
        blocks: Sequence[Block],
        covers: Sequence[Cover],
        solved: Solved,
        target: Target,
        path_ns: float,
    ):
        """`solved` is the Program as it was built with `covers`, the rows of its blocks."""
        times = delays(solved.program, target)
        self.program = program
        self.blocks = blocks
        self.path_ns = path_ns
        self.launch_ns = times.clock_to_out_ns
        self._cells = Cells(target, sum(area.luts for area in areas(solved.program, target)))
        logic = times.logic_ns[solved.value_of].tolist()
        net = [_net_behind(solved.program, times.net_ns, v) for v in solved.value_of]
        loads = loads_of_bits(solved.program, target)
        self._loads = [loads[v] for v in solved.value_of]
        self._parts = [
            _Part([o for o in operands if not program.is_constant(o)], *of_value)
            for operands, *of_value in zip(program.rows.operands, logic, net, strict=True)
        ]
        self._outputs = program.values_of(output).tolist()
        self._is_lincomb = (program.operation == lincomb.code).tolist()
        self.first = [self.timed(cover, n) for n, cover in enumerate(covers)]
        """By block."""
        self._block_at = {block.members[0]: n for n, block in enumerate(blocks)}

    def timed(self, cover: Cover, n: int) -> TimedCover:
        """The rows of `cover`, of block `n`: each drives those that read it, seen through wires."""
        leaves = len(self.blocks[n].leaves)
        nets = self._cells.nets(self._busiest_bits(cover, n)).tolist()
        parts = [
            _Part(row.operands, self._cells.row(row.plan), net)
            for row, net in zip(cover.rows, nets[leaves:], strict=True)
        ]
        return TimedCover(cover, parts, nets[:leaves])

    def _busiest_bits(self, cover: Cover, n: int) -> np.ndarray:
        """Loads of the busiest bit of each leaf and row."""
        block = self.blocks[n]
        widths = [*(leaf.width for leaf in block.leaves), *(_width(r.plan) for r in cover.rows)]
        loads = [np.zeros(width, np.int64) for width in widths]
        for at, member in zip(cover.outputs, block.members, strict=True):
            if at is not None:
                outside = self._loads[member]
                loads[at][len(loads[at]) - len(outside) :] += outside  # above zeros that it drops
        for number, row in reversed(list(enumerate(cover.rows, len(block.leaves)))):
            for operand in row.operands:
                loads[operand] += bool(row.plan.s)
            for position, bit in enumerate(row.plan.low):  # wires
                if bit.operand != CONSTANT:
                    loads[bit.operand][bit.number] += loads[number][position]
        return np.array([bits.max(initial=0) for bits in loads])

    def settle(self, choose: Choose) -> list[Moment]:
        """When each value settles, blocks being built as `choose` says, in order."""
        moments: list[Moment] = []
        ahead: dict[int, Moment] = {}
        for v, part in enumerate(self._parts):
            if v in self._block_at:
                n = self._block_at[v]
                leaves = [moments[x] for x in self.blocks[n].variables]
                ahead.update(self.members(n, choose(n, leaves), leaves))
            moments.append(ahead[v] if self._is_lincomb[v] else self._next(part, moments))
        return moments

    def members(self, n: int, rows: TimedCover, leaves: list[Moment]) -> dict[int, Moment]:
        """When the members of block `n` settle."""
        wires = [
            leaf._replace(net_ns=leaf.net_ns + now - before)
            for leaf, now, before in zip(
                leaves, rows.leaf_nets_ns, self.first[n].leaf_nets_ns, strict=True
            )
        ]
        for part in rows.parts:
            wires.append(self._next(part, wires))
        start = Moment(0, self.launch_ns, 0.0)
        ends = [start if at is None else wires[at] for at in rows.cover.outputs]
        return dict(zip(self.blocks[n].members, ends, strict=True))

    def stages(self, moments: Sequence[Moment]) -> int:
        return 1 + max((moments[v].stage for v in self._outputs), default=0)

    def _next(self, part: _Part, moments: Sequence[Moment]) -> Moment:
        """When `part` settles, that reads some of `moments`.

        No value settles before the launch, so an earlier stage needs no look at its moment.
        """
        at, here, fresh = 0, 0.0, 0.0
        for operand in part.operands:
            stage, settled, net = moments[operand]
            if stage > at:
                at, here = stage, 0.0
            if stage == at:
                here = max(here, settled + net)
            fresh = max(fresh, net)
        if not part.operands:
            return Moment(0, part.logic_ns or self.launch_ns, part.net_ns)
        ready = max(here, self.launch_ns + fresh)
        if not part.logic_ns:  # a wire: its slowest net leads on
            return Moment(at, ready - fresh, fresh)
        settled, alone = ready + part.logic_ns, self.launch_ns + fresh + part.logic_ns
        if settled > self.path_ns + SLACK_NS and alone < settled:
            at, settled = at + 1, alone
        return Moment(at, settled, part.net_ns)


def _width(plan: RowPlan) -> int:
    return len(plan.low) + len(plan.s) + plan.has_carry_out


def _net_behind(program: Program, net_ns: np.ndarray, value: int) -> float:
    """The net that a value's readers see: of a wire, that of its operand."""
    while not net_ns[value] and len(program.operands_of(value)) == 1:
        [value] = program.operands_of(value)
    return float(net_ns[value])
