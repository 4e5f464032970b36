"""Hand each linear block to the CMVM solver and build the graph that comes back.

Blocks that are equal (a kernel over many positions) are solved once and built
alike; their values keep the number of their block, so that a later stage knows
what repeats.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..cmvm import AdderGraph, solve
from ..cmvm.graph import ZERO
from ..ir import Builder, Program, Value
from ..ir.operations import lincomb
from .rewrite import rewrite

Interval = tuple[int, int]


class _Matrix(NamedTuple):
    """What a block computes: ``sum(weight * variable)`` by column, without its constants."""

    columns: int
    entries: tuple[tuple[int, int, int], ...]
    """Row, column, weight."""
    inputs: tuple[Interval, ...]
    """Of each row's variable."""


class _Sum(NamedTuple):
    """One addition of a solved block, on wires counted as the graph counts them."""

    a: int
    b: int
    sign: int
    shift: int
    interval: Interval
    column: int
    """The first output that reads it: its place in reports and names."""


class _Solution(NamedTuple):
    graph: AdderGraph
    sums: list[_Sum]
    number: int


def solve_linear_groups(program: Program) -> Program:
    """Replace linear combinations by additions, block by block.

    A block is the linear combinations of one group. It is built where its
    first member stands if all operands of the block exist there; members that
    need later values form a block of their own.
    """
    blocks = _blocks(program)
    solver = _Solver(program)
    new_of: list[int] = []
    built: dict[int, int] = {}

    def rule(builder: Builder, value: Value, operands: list[int]) -> int:
        if value.operation is not lincomb:
            new_of.append(builder.copy(value, operands))
        else:
            if value.number not in built:
                built.update(solver.build(builder, blocks[value.number], new_of))
            new_of.append(built[value.number])
        return new_of[-1]

    return _only_repeated(rewrite(program, rule), solver.solution_of)


def _only_repeated(program: Program, solution_of: list[int]) -> Program:
    """Block numbers stay where a solution was built more than once."""
    of = np.array([*solution_of, -1], np.int32)  # the last for values of no block
    copies = np.bincount(of[:-1], minlength=1)
    is_repeated = np.array([n >= 0 and copies[n] > 1 for n in of.tolist()])
    return replace(program, block=np.where(is_repeated[program.block], program.block, -1))


def _blocks(program: Program) -> dict[int, list[int]]:
    """For the first member of each block, all its members."""
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    layer, group = program.layer.tolist(), program.attribute[:, 0].tolist()
    for v in program.values_of(lincomb).tolist():
        groups[layer[v], group[v]].append(v)
    blocks: dict[int, list[int]] = {}
    for members in groups.values():
        last = {v: _last_variable(program, v) for v in members}
        while members:
            first = members[0]
            blocks[first] = [v for v in members if last[v] < first]
            members = [v for v in members if last[v] >= first]
    return blocks


def _last_variable(program: Program, v: int) -> int:
    """The latest operand of `v` that is no constant: constants are read by value."""
    variables = [o for o in program.operands_of(v) if not program.is_constant(o)]
    return max(variables, default=-1)


class _Solver:
    """Solves each block that differs from all before, and builds every one."""

    def __init__(self, program: Program):
        self.program = program
        self.known: dict[_Matrix, _Solution] = {}
        self.solution_of: list[int] = []
        """By block, in the order of their numbers."""

    def build(self, builder: Builder, members: list[int], new_of: list[int]) -> dict[int, int]:
        """Append the sums of one block; gives the new value of each member."""
        variables, matrix, constants = self._read(builder, members, new_of)
        if matrix not in self.known:
            self.known[matrix] = _solve(matrix, len(self.known))
        solution = self.known[matrix]
        builder.block = len(self.solution_of)
        self.solution_of.append(solution.number)
        wires = list(variables)
        places = [self.program.rows.provenance[member] for member in members]
        for a, b, sign, shift, interval, column in solution.sums:
            builder.at = places[column]
            wires.append(builder.add(wires[a], wires[b], sign, shift, interval=interval))
        return {
            member: _finish(builder, self.program[member], solution.graph, wires, n, constants[n])
            for n, member in enumerate(members)
        }

    def _read(
        self, builder: Builder, members: list[int], new_of: list[int]
    ) -> tuple[list[int], _Matrix, list[int]]:
        """Variables (new numbers), the matrix over them, the constant of each member."""
        program, intervals = self.program, self.program.rows.interval
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
        variables = [new_of[x] for x in row]
        inputs = tuple(builder.intervals[x] for x in variables)
        return variables, _Matrix(len(members), tuple(entries), inputs), constants


def _solve(block: _Matrix, number: int) -> _Solution:
    fits = all(-(2**31) < weight < 2**31 for _, _, weight in block.entries)
    matrix = np.zeros((len(block.inputs), block.columns), np.int64 if fits else object)
    for r, column, weight in block.entries:
        matrix[r, column] += weight
    graph = solve(matrix, block.inputs)
    intervals, owner = graph.intervals(block.inputs), _owners(graph)
    sums = []
    for n, node in enumerate(graph.nodes, graph.inputs):
        a, b, sign, shift = node.a, node.b, node.sign_b, node.shift_b - node.shift_a
        if node.sign_a < 0:
            a, b, sign, shift = b, a, node.sign_a, -shift
        sums.append(_Sum(a, b, sign, shift, intervals[n], owner.get(n, 0)))
    return _Solution(graph, sums, number)


def _owners(graph: AdderGraph) -> dict[int, int]:
    owner: dict[int, int] = {}
    for column, output in enumerate(graph.outputs):
        pending = [output.node]
        while pending:
            at = pending.pop()
            if at < graph.inputs or at in owner:
                continue
            owner[at] = column
            node = graph.nodes[at - graph.inputs]
            pending += [node.a, node.b]
    return owner


def _finish(
    builder: Builder,
    value: Value,
    graph: AdderGraph,
    wires: list[int],
    column: int,
    constant: int,
) -> int:
    """The member itself: shift, sign and constant of its output of the graph."""
    output, exponent = graph.outputs[column], value.format.exponent
    same = {"interval": value.interval, "exponent": exponent, "wraps": value.is_wrapping}
    builder.at = value.provenance
    if output.node == ZERO:
        total = builder.const(constant, exponent)
        return builder.slice(total, 0, **same) if value.is_wrapping else total
    wire = wires[output.node]
    if output.sign > 0 and constant == 0:
        return builder.slice(wire, -output.shift, **same)
    return builder.add(builder.const(constant, exponent), wire, output.sign, output.shift, **same)
