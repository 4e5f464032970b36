"""Hand each linear block to the CMVM solver and build the graph that comes back.

Blocks that are equal (a kernel over many positions) are solved once and built
alike; their values keep the number of their block, so that a later stage knows
what repeats.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from ..cmvm import AdderGraph
from ..cmvm.cache import Cache
from ..cmvm.fusion import fuse
from ..cmvm.many import solve_all
from ..cmvm.options import Options
from ..cmvm.problem import Problem
from ..ir import Builder, Program, Value
from ..ir.operations import lincomb
from .cover import Cover, Leaf, Row, Sum, cover
from .rewrite import rewrite


@dataclass(frozen=True)
class Solving:
    """How linear blocks are solved."""

    options: Options = field(default_factory=lambda: Options(effort="fast"))
    fusion_slack: int = 1
    """Levels that rows of three operands may add to a block, where the target has such rows."""
    cache: Cache | None = None
    progress: Callable[[int, int], None] | None = None
    """Called with the blocks that are solved, and all."""
    should_stop: Callable[[], bool] | None = None
    """Polled; once it says True, the best sums so far are taken."""


@dataclass(frozen=True)
class Block:
    """Linear combinations of one group, as a matrix over their variables."""

    members: list[int]
    variables: list[int]
    problem: Problem
    leaves: tuple[Leaf, ...]
    sums: tuple[Sum, ...]

    @property
    def content(self) -> tuple[object, ...]:
        """Equal where the rows are."""
        return self.problem.content, self.leaves, self.sums

    def rows(self, graph: AdderGraph) -> Cover:
        """The rows that build `graph`, a solution of this block."""
        return cover(graph, self.problem.inputs, self.leaves, self.sums)


class Solution(NamedTuple):
    """Of a block: its sums, before fusions, and the rows that they became."""

    graph: AdderGraph
    cover: Cover


class Solved(NamedTuple):
    """A Program without linear combinations, and where the values of the old one went."""

    program: Program
    value_of: list[int]


def solve_linear_groups(program: Program, how: Solving | None = None) -> Program:
    """Replace linear combinations by rows, block by block.

    A block is the linear combinations of one group. It is built where its
    first member stands if all operands of the block exist there; members that
    need later values form a block of their own.
    """
    blocks = linear_blocks(program)
    solutions = solve_blocks(blocks, how or Solving())
    return build_blocks(program, blocks, [each.cover for each in solutions]).program


def linear_blocks(program: Program) -> list[Block]:
    """The blocks of a Program, each where its first member stands."""
    return [_block(program, members) for members in _members(program)]


def solve_blocks(blocks: Sequence[Block], how: Solving) -> list[Solution]:
    """A solution for every block; those of equal blocks are one object."""
    graphs = solve_all(
        [block.problem for block in blocks],
        how.options,
        cache=how.cache,
        progress=how.progress,
        should_stop=how.should_stop,
    )
    known: dict[tuple[object, ...], Solution] = {}
    for block, graph in zip(blocks, graphs, strict=True):
        if block.content not in known:
            known[block.content] = Solution(graph, block.rows(with_fusions(block, graph, how)))
    return [known[block.content] for block in blocks]


def with_fusions(block: Block, graph: AdderGraph, how: Solving) -> AdderGraph:
    """`graph` with rows of three operands, where the target has such rows."""
    cost, problem = how.options.cost, block.problem
    if not cost.has_three_operand_rows:
        return graph
    arrivals = problem.arrivals
    return fuse(graph, problem.inputs, cost.carry_position, how.fusion_slack, arrivals)


def build_blocks(program: Program, blocks: Sequence[Block], covers: Sequence[Cover]) -> Solved:
    """The Program with the rows of its blocks; equal rows are one object of `covers`."""
    number_of = {id(rows): number for number, rows in enumerate(covers)}
    first = {block.members[0]: n for n, block in enumerate(blocks)}
    new_of: list[int] = []
    built: dict[int, int] = {}
    solution_of: list[int] = []

    def rule(builder: Builder, value: Value, operands: list[int]) -> int:
        if value.operation is not lincomb:
            new_of.append(builder.copy(value, operands))
            return new_of[-1]
        if value.number not in built:
            block, rows = blocks[first[value.number]], covers[first[value.number]]
            builder.block = len(solution_of)
            solution_of.append(number_of[id(rows)])
            built.update(_build(builder, program, block, rows, new_of))
        new_of.append(built[value.number])
        return new_of[-1]

    return Solved(_only_repeated(rewrite(program, rule), solution_of), new_of)


def _only_repeated(program: Program, solution_of: list[int]) -> Program:
    """Block numbers stay where a solution was built more than once."""
    of = np.array([*solution_of, -1], np.int32)  # the last for values of no block
    copies = np.bincount(of[:-1], minlength=1)
    is_repeated = np.array([n >= 0 and copies[n] > 1 for n in of.tolist()])
    return replace(program, block=np.where(is_repeated[program.block], program.block, -1))


def _members(program: Program) -> list[list[int]]:
    """The members of each block."""
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    layer, group = program.layer.tolist(), program.attribute[:, 0].tolist()
    for v in program.values_of(lincomb).tolist():
        groups[layer[v], group[v]].append(v)
    blocks: list[list[int]] = []
    for members in groups.values():
        last = {v: _last_variable(program, v) for v in members}
        while members:
            first = members[0]
            blocks.append([v for v in members if last[v] < first])
            members = [v for v in members if last[v] >= first]
    return blocks


def _last_variable(program: Program, v: int) -> int:
    """The latest operand of `v` that is no constant: constants are read by value."""
    variables = [o for o in program.operands_of(v) if not program.is_constant(o)]
    return max(variables, default=-1)


def _block(program: Program, members: list[int]) -> Block:
    """The matrix of a block, its constants apart."""
    intervals = program.rows.interval
    row: dict[int, int] = {}
    entries: list[tuple[int, int, int]] = []
    constants = [0] * len(members)
    for column, member in enumerate(members):
        value = program[member]
        for operand, weight in zip(value.operands, value.weights, strict=True):
            lo, hi = intervals[operand]
            if lo == hi:
                constants[column] += weight * lo
            else:
                entries.append((row.setdefault(operand, len(row)), column, weight))
    formats = [program.format(x) for x in row]
    widths = [program.format(member).width for member in members]
    return Block(
        members,
        list(row),
        Problem(_matrix(len(row), len(members), entries), tuple(intervals[x] for x in row)),
        tuple(Leaf(format.width, format.is_signed) for format in formats),
        tuple(Sum(c, width) for c, width in zip(constants, widths, strict=True)),
    )


def _matrix(rows: int, columns: int, entries: list[tuple[int, int, int]]) -> np.ndarray:
    fits = all(-(2**31) < weight < 2**31 for _, _, weight in entries)
    matrix = np.zeros((rows, columns), np.int64 if fits else object)
    for r, column, weight in entries:
        matrix[r, column] += weight
    return matrix


def _build(
    builder: Builder, program: Program, block: Block, cover: Cover, new_of: list[int]
) -> dict[int, int]:
    """Append the rows of one block; gives the new value of each member."""
    wires = [new_of[x] for x in block.variables]
    for row in cover.rows:
        wires.append(_append(builder, row, program[block.members[row.column]], wires))
    return {
        member: _constant(builder, program[member], total.constant) if at is None else wires[at]
        for member, total, at in zip(block.members, block.sums, cover.outputs, strict=True)
    }


def _append(builder: Builder, row: Row, value: Value, wires: list[int]) -> int:
    """One row, on wires counted as the cover counts them, at the place of `value`."""
    builder.at = value.provenance
    exponent = value.format.exponent
    operands, weights = [wires[o] for o in row.operands], list(row.weights)
    if row.constant:
        operands.append(builder.const(row.constant, exponent + row.lsb))
        weights.append(1)
    if row.interval is not None:
        interval = row.interval
        return builder.row(operands, weights, interval=interval, exponent=exponent + row.lsb)
    same = {"interval": value.interval, "exponent": exponent, "wraps": value.is_wrapping}
    if len(weights) == 1 and weights[0] > 0:
        return builder.slice(operands[0], 1 - weights[0].bit_length(), **same)
    if not row.drops:
        return builder.row(operands, weights, **same)
    # Of the whole form, as the value: its operands alone would allow more.
    lo, hi = value.interval
    whole = None if value.is_wrapping else (lo << row.drops, hi << row.drops)
    finer = builder.row(operands, weights, interval=whole, exponent=exponent - row.drops)
    return builder.slice(finer, row.drops, **same)


def _constant(builder: Builder, value: Value, constant: int) -> int:
    """A member without variables."""
    builder.at = value.provenance
    total = builder.const(constant, value.format.exponent)
    if not value.is_wrapping:
        return total
    format = value.format
    interval = (format.lo, format.hi)
    return builder.slice(total, 0, interval=interval, exponent=format.exponent, wraps=True)
