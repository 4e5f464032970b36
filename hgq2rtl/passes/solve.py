"""Hand each linear block to the CMVM solver and build the graph that comes back."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from ..cmvm import AdderGraph, solve
from ..cmvm.graph import ZERO
from ..ir import Builder, Program, Value
from ..ir.operations import lincomb
from .rewrite import rewrite


def solve_linear_groups(program: Program) -> Program:
    """Replace linear combinations by additions, block by block.

    A block is the linear combinations of one group. It is built where its
    first member stands if all operands of the block exist there; members that
    need later values form a block of their own.
    """
    blocks = _blocks(program)
    built: dict[int, int] = {}

    def rule(builder: Builder, value: Value, operands: list[int]) -> int | None:
        new_of.append(-1)
        if value.operation is not lincomb:
            return None
        if value.number not in built:
            built.update(_build_block(builder, program, blocks[value.number], new_of))
        return built[value.number]

    new_of: list[int] = []

    def remember(builder: Builder, value: Value, operands: list[int]) -> int | None:
        made = rule(builder, value, operands)
        new_of[value.number] = builder.copy(value, operands) if made is None else made
        return new_of[value.number]

    return rewrite(program, remember)


def _blocks(program: Program) -> dict[int, list[int]]:
    """For the first member of each block, all its members."""
    groups: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for v in program.values_of(lincomb).tolist():
        groups[int(program.layer[v]), program[v].attributes["group"]].append(v)
    blocks: dict[int, list[int]] = {}
    for members in groups.values():
        while members:
            first = members[0]
            ready = [v for v in members if _last_variable(program, v) < first]
            blocks[first] = ready
            done = set(ready)
            members = [v for v in members if v not in done]
    return blocks


def _last_variable(program: Program, v: int) -> int:
    """The latest operand of `v` that is no constant: constants are read by value."""
    variables = [o for o in program.operands_of(v) if not program.is_constant(o)]
    return max(variables, default=-1)


def _build_block(
    builder: Builder, program: Program, members: list[int], new_of: list[int]
) -> dict[int, int]:
    """Solve one block; gives the new value of each member."""
    variables, columns, constants = _matrix(program, members)
    inputs = [new_of[x] for x in variables]
    graph = solve(columns, [builder.intervals[x] for x in inputs])
    wires = _build_graph(builder, program, graph, inputs, members[0])
    return {
        member: _finish(builder, program, member, graph, wires, n, constants[n])
        for n, member in enumerate(members)
    }


def _matrix(program: Program, members: list[int]) -> tuple[list[int], np.ndarray, list[int]]:
    """Variables (old numbers), matrix (variables, members), constant of each member."""
    row: dict[int, int] = {}
    entries: list[tuple[int, int, int]] = []
    constants = []
    for column, member in enumerate(members):
        constant = 0
        value = program[member]
        for operand, weight in zip(value.operands, value.weights, strict=True):
            if program.is_constant(operand):
                constant += weight * program.interval(operand)[0]
            else:
                entries.append((row.setdefault(operand, len(row)), column, weight))
        constants.append(constant)
    matrix = np.zeros((len(row), len(members)), object)
    for r, column, weight in entries:
        matrix[r, column] += weight
    return list(row), matrix, constants


def _build_graph(
    builder: Builder, program: Program, graph: AdderGraph, wires: list[int], first: int
) -> list[int]:
    """Append the nodes; gives the wire of every input and node."""
    layer = int(program.layer[first])
    intervals = _form_intervals(graph, [builder.intervals[w] for w in wires])
    # A node belongs to the first output that reads it: its place in reports and names.
    owner = _owners(graph)
    for n, node in enumerate(graph.nodes, graph.inputs):
        a, b, sign_a, sign_b, shift = (
            *(node.a, node.b, node.sign_a, node.sign_b),
            node.shift_b - node.shift_a,
        )
        if sign_a < 0:
            a, b, sign_b, shift = b, a, sign_a, -shift
        column = owner.get(n, 0)
        builder.at = (layer, column)
        wires.append(builder.add(wires[a], wires[b], sign_b, shift, interval=intervals[n]))
    return wires


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


def _form_intervals(graph: AdderGraph, inputs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Interval of every input and node from its whole linear form."""
    forms = graph.forms()
    lo = np.array([each[0] for each in inputs], object)
    hi = np.array([each[1] for each in inputs], object)
    positive, negative = np.maximum(forms, 0), np.minimum(forms, 0)
    least, most = positive @ lo + negative @ hi, positive @ hi + negative @ lo
    return [(int(a), int(b)) for a, b in zip(least, most, strict=True)]


def _finish(
    builder: Builder,
    program: Program,
    member: int,
    graph: AdderGraph,
    wires: list[int],
    column: int,
    constant: int,
) -> int:
    """The member itself: shift, sign and constant of its output of the graph."""
    value, output = program[member], graph.outputs[column]
    exponent = value.format.exponent
    same = {"interval": value.interval, "exponent": exponent, "wraps": value.is_wrapping}
    builder.at = value.provenance
    if output.node == ZERO:
        total = builder.const(constant, exponent)
        return builder.slice(total, 0, **same) if value.is_wrapping else total
    wire = wires[output.node]
    if output.sign > 0 and constant == 0:
        return builder.slice(wire, -output.shift, **same)
    return builder.add(builder.const(constant, exponent), wire, output.sign, output.shift, **same)
