"""A Program as the scheduler sees it: logic between registers, wires taken away.

A node is an input, an output or a value that logic makes; wires and constants are none. Nodes
are numbered in the order of the Program, so that every path goes up.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from ..analyses import Delays, delays
from ..analyses.wiring import Wiring, wiring
from ..ir import Program
from ..ir.operations import input_, lookup, output
from ..targets import Target


@dataclass(frozen=True, eq=False)
class BitGroups:
    """Bits of one node that the same nodes read: they are kept, and dropped, together."""

    owner: np.ndarray
    """int64 (g,): node."""
    width: np.ndarray
    """int64 (g,): bits."""
    start: np.ndarray
    reader: np.ndarray
    """int64: readers of group ``i`` are ``reader[start[i]:start[i + 1]]``, each once."""


@dataclass(frozen=True, eq=False)
class Network:
    """Nodes, who reads whom, and how long it takes."""

    program: Program
    wiring: Wiring
    values: np.ndarray
    """int64 (m,): the value of each node."""
    sources: list[tuple[int, ...]]
    """By value: the nodes that it is, or whose bits it carries."""
    predecessors: list[list[int]]
    successors: list[list[int]]
    groups: BitGroups
    is_input: list[bool]
    is_output: list[bool]
    is_rom: list[bool]
    """Tables that have a register inside: they are read a stage later."""
    logic_ns: list[float]
    net_ns: list[float]
    launch_ns: list[float]
    """Clock to out of a register that holds the node."""
    first_ns: list[float]
    """When the operands of a node settle that is the first of its stage."""
    setup_ns: float

    def __len__(self) -> int:
        return len(self.values)


def network(
    program: Program, target: Target, roms: Collection[int] = (), times: Delays | None = None
) -> Network:
    """The network of a Program; tables of `roms` (values) have a register inside.

    `times` are those of the target if none are given.
    """
    traced, times = wiring(program), times or delays(program, target)
    sources, predecessors, values = _trace(program, traced)
    successors: list[list[int]] = [[] for _ in values]
    for reader, read in enumerate(predecessors):
        for node in read:
            successors[node].append(reader)
    codes = program.operation[values]
    is_rom = [v in roms for v in values.tolist()]
    logic, net = times.logic_ns[values].tolist(), times.net_ns[values].tolist()
    launch = [times.clock_to_out_ns] * len(values)
    for node, has_register in enumerate(is_rom):
        if has_register:
            logic[node] = max(target.delay_ns["rom_setup"] - times.setup_ns, 0.0)
            launch[node] = target.delay_ns["rom_clock_to_out"]
    first = [
        max((launch[o] + net[o] for o in read), default=times.clock_to_out_ns)
        for read in predecessors
    ]
    return Network(
        program=program,
        wiring=traced,
        values=values,
        sources=sources,
        predecessors=predecessors,
        successors=successors,
        groups=_groups(traced, values),
        is_input=(codes == input_.code).tolist(),
        is_output=(codes == output.code).tolist(),
        is_rom=is_rom,
        logic_ns=logic,
        net_ns=net,
        launch_ns=launch,
        first_ns=first,
        setup_ns=times.setup_ns,
    )


def _trace(
    program: Program, traced: Wiring
) -> tuple[list[tuple[int, ...]], list[list[int]], np.ndarray]:
    """Sources of every value, predecessors and value of every node.

    A node reads what makes its operands, and what makes the bits that these merely copy.
    """
    is_node = ~traced.is_wire | (program.operation == output.code)
    owner = np.repeat(np.arange(len(program)), np.diff(traced.first_bit)).tolist()
    sources: list[tuple[int, ...]] = []
    predecessors: list[list[int]] = []
    rows = zip(program.rows.operands, traced.reads, is_node.tolist(), strict=True)
    for operands, bits, makes_node in rows:
        if len(operands) == 1:
            read = sources[operands[0]]
        else:
            read = tuple(sorted({node for o in operands for node in sources[o]}))
        if makes_node:
            makers = {sources[owner[bit]][0] for bit in bits}
            sources.append((len(predecessors),))
            predecessors.append(sorted(makers.union(read)))
        else:
            sources.append(read)
    return sources, predecessors, np.flatnonzero(is_node)


def _groups(traced: Wiring, values: np.ndarray) -> BitGroups:
    """Bits with the same readers, by a hash of these: a sum of random numbers."""
    counts = [len(traced.reads[v]) for v in values.tolist()]
    bit = np.array([bit for v in values.tolist() for bit in traced.reads[v]], np.int64)
    reader = np.repeat(np.arange(len(values)), counts)
    bit, reader = np.divmod(np.unique(bit * len(values) + reader), max(len(values), 1))
    bits, start = np.unique(bit, return_index=True)
    numbers = np.random.default_rng(0).integers(0, 2**63, len(values), np.int64)
    hashes = np.add.reduceat(numbers[reader], start) if len(bits) else bits
    node_of = np.full(len(traced.is_wire), -1)
    node_of[values] = np.arange(len(values))
    owner = node_of[traced.value_of(bits)]
    _, first, width = np.unique(
        np.stack([owner, hashes], 1), axis=0, return_index=True, return_counts=True
    )
    ends = np.append(start[1:], len(bit))
    spans = [reader[start[n] : ends[n]] for n in first.tolist()]
    return BitGroups(
        owner=owner[first],
        width=width,
        start=np.concatenate([[0], np.cumsum([len(span) for span in spans])]).astype(np.int64),
        reader=np.concatenate([*spans, np.zeros(0, np.int64)]),
    )


def tables_of(program: Program) -> frozenset[int]:
    """Values that are tables."""
    return frozenset(program.values_of(lookup).tolist())
