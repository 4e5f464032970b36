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
from ..ir import Builder, Program, Value
from ..ir.operations import lincomb
from .cover import Cover, Leaf, Row, Sum, cover
from .rewrite import rewrite

Interval = tuple[int, int]


class _Matrix(NamedTuple):
    """What a block computes: ``sum(weight * variable)`` by column, without its constants."""

    columns: int
    entries: tuple[tuple[int, int, int], ...]
    """Row, column, weight."""
    inputs: tuple[Interval, ...]
    """Of each row's variable."""


class _Solution(NamedTuple):
    """A block as rows; blocks of equal solution repeat each other."""

    cover: Cover
    number: int


_Key = tuple[_Matrix, tuple[Leaf, ...], tuple[Sum, ...]]


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
        self.graphs: dict[_Matrix, AdderGraph] = {}
        self.solutions: dict[_Key, _Solution] = {}
        self.solution_of: list[int] = []
        """By block, in the order of their numbers."""

    def build(self, builder: Builder, members: list[int], new_of: list[int]) -> dict[int, int]:
        """Append the rows of one block; gives the new value of each member."""
        variables, matrix, constants = self._read(builder, members, new_of)
        solution = self._solution(builder, members, variables, matrix, constants)
        builder.block = len(self.solution_of)
        self.solution_of.append(solution.number)
        wires = list(variables)
        for row in solution.cover.rows:
            wires.append(self._append(builder, row, members[row.column], wires))
        return {
            member: self._constant(builder, member, constants[n]) if wire is None else wires[wire]
            for n, (member, wire) in enumerate(zip(members, solution.cover.outputs, strict=True))
        }

    def _solution(
        self,
        builder: Builder,
        members: list[int],
        variables: list[int],
        matrix: _Matrix,
        constants: list[int],
    ) -> _Solution:
        leaves = tuple(
            Leaf(format.width, format.is_signed) for format in map(builder.format, variables)
        )
        formats = [self.program.format(member) for member in members]
        sums = tuple(Sum(c, f.width) for c, f in zip(constants, formats, strict=True))
        key = matrix, leaves, sums
        if key not in self.solutions:
            if matrix not in self.graphs:
                self.graphs[matrix] = _solve(matrix)
            made = cover(self.graphs[matrix], matrix.inputs, leaves, sums)
            self.solutions[key] = _Solution(made, len(self.solutions))
        return self.solutions[key]

    def _append(self, builder: Builder, row: Row, member: int, wires: list[int]) -> int:
        """One row, on wires counted as the cover counts them."""
        value = self.program[member]
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
        finer = builder.row(operands, weights, exponent=exponent - row.drops)
        return builder.slice(finer, row.drops, **same)

    def _constant(self, builder: Builder, member: int, constant: int) -> int:
        """A member without variables."""
        value = self.program[member]
        builder.at = value.provenance
        total = builder.const(constant, value.format.exponent)
        if not value.is_wrapping:
            return total
        format = value.format
        interval = (format.lo, format.hi)
        return builder.slice(total, 0, interval=interval, exponent=format.exponent, wraps=True)

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


def _solve(block: _Matrix) -> AdderGraph:
    fits = all(-(2**31) < weight < 2**31 for _, _, weight in block.entries)
    matrix = np.zeros((len(block.inputs), block.columns), np.int64 if fits else object)
    for r, column, weight in block.entries:
        matrix[r, column] += weight
    return solve(matrix, block.inputs)
