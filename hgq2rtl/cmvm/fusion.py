"""Rows of three operands: nodes that join their only reader, within a depth.

A row of three takes two levels of its operands, so a fusion can make an output deeper than the
two rows that it replaces. A tree is a node that several read, or an output, and all below it that
has one reader. Tree by tree, from the inputs on, dynamic programming over nodes and levels finds
the cheapest fusions: exact for each tree, given how deep the trees below it became.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from .graph import ZERO, AdderGraph, Node

Interval = tuple[int, int]


class _Side(NamedTuple):
    """An operand of a row, moved up by `shift`."""

    wire: int
    shift: int


class _Choice(NamedTuple):
    """The cheapest row for a node within some levels, and its tree below."""

    price: float
    joins: int | None
    operands: tuple[_Side, ...]


_FREE = _Choice(0.0, None, ())


def fuse(
    graph: AdderGraph,
    inputs: Sequence[Interval],
    carry_position: float,
    slack: int,
    arrivals: Sequence[int] = (),
) -> AdderGraph:
    """`graph` with the fusions that save most.

    Each output is taken to end with a constant (a bias, or the offsets of unsigned rows): a row of
    two takes it in, behind a row of three it is one level more.

    Parameters
    ----------
    inputs : intervals of the variables
    carry_position : price of a carry position without a LUT, in LUTs
    slack : levels that outputs may be deeper than the deepest is without fusions
    arrivals : levels at which the inputs arrive; none given: all at once
    """
    earliest = min(arrivals, default=0)
    levels = [level - earliest for level in arrivals] or [0] * graph.inputs
    fused = _Fusing(graph, inputs, carry_position, slack, levels).run()
    return replace(graph, fused=tuple(sorted(fused)))


class _Fusing:
    def __init__(
        self,
        graph: AdderGraph,
        inputs: Sequence[Interval],
        carry_position: float,
        slack: int,
        arrivals: Sequence[int],
    ):
        self.graph = graph
        self.carry_position = carry_position
        self.positions = [_positions(lo, hi) for lo, hi in graph.intervals(inputs)]
        self.limits = _limits(graph, slack, arrivals)
        self.is_root, self.takes_constant = _roots(graph)
        self.depths = [*arrivals, *(0 for _ in graph.nodes)]
        """Of roots that are decided, and of inputs."""
        self.known: dict[tuple[int, int], _Choice | None] = {}

    def run(self) -> set[int]:
        fused: set[int] = set()
        for node, limit in enumerate(self.limits):
            if node < self.graph.inputs or not self.is_root[node] or limit is None:
                continue
            choice = self._choose(node, limit)
            assert choice is not None  # the graph without fusions keeps every limit
            self.depths[node] = self._settle(node, choice, limit, fused)
        return fused

    def _cheapest(self, wire: int, levels: int) -> _Choice | None:
        """For the tree below `wire` within `levels`; None where it does not fit."""
        if wire < self.graph.inputs or self.is_root[wire]:
            return _FREE if self.depths[wire] <= levels else None
        if (wire, levels) not in self.known:
            self.known[wire, levels] = self._choose(wire, levels)
        return self.known[wire, levels]

    def _choose(self, node: int, levels: int) -> _Choice | None:
        best: _Choice | None = None
        for joins, operands in self._ways(node):
            below = levels - self._levels(node, joins)
            trees = [self._cheapest(side.wire, below) for side in operands]
            if below < 0 or any(tree is None for tree in trees):
                continue
            price = self._price(operands, node) + sum(tree.price for tree in trees if tree)
            if joins is not None and self.takes_constant[node]:
                price += self.carry_position * self.positions[node][1]
            if best is None or price < best.price:
                best = _Choice(price, joins, operands)
        return best

    def _levels(self, node: int, joins: int | None) -> int:
        """Of a row, and of the constant behind it that it cannot take in."""
        return 1 if joins is None else 2 + self.takes_constant[node]

    def _ways(self, node: int) -> Iterator[tuple[int | None, tuple[_Side, ...]]]:
        """Rows that make `node`: of its two operands, or of three with the node that joins it."""
        a, b = _sides(self.graph.nodes[node - self.graph.inputs])
        yield None, (a, b)
        for joins, stays in ((a, b), (b, a)):
            if joins.wire >= self.graph.inputs and not self.is_root[joins.wire]:
                inner = _sides(self.graph.nodes[joins.wire - self.graph.inputs])
                moved = tuple(_Side(wire, shift + joins.shift) for wire, shift in inner)
                yield joins.wire, (*moved, stays)

    def _price(self, operands: Sequence[_Side], node: int) -> float:
        """LUTs of a row, and what its carry positions without one cost."""
        spans = [self._span(side) for side in operands]
        edges = sorted({edge for span in spans for edge in span})
        shared = [
            (low, high)
            for low, high in zip(edges, edges[1:], strict=False)
            if sum(lsb <= low and high <= top for lsb, top in spans) > 1
        ]
        if not shared:
            return 0.0
        luts = sum(high - low for low, high in shared) + (len(operands) > 2)
        top = self.positions[node][1]
        return luts + self.carry_position * max(0, top - shared[0][0] - luts)

    def _span(self, side: _Side) -> Interval:
        lsb, top = self.positions[side.wire]
        return lsb + side.shift, top + side.shift

    def _settle(self, node: int, choice: _Choice, levels: int, fused: set[int]) -> int:
        """Take `choice` and what it chose below; gives the depth of `node`."""
        own = self._levels(node, choice.joins)
        if choice.joins is not None:
            fused.add(choice.joins)
        deepest = 0
        for wire, _ in choice.operands:
            below = self._cheapest(wire, levels - own)
            assert below is not None
            if wire < self.graph.inputs or self.is_root[wire]:
                deepest = max(deepest, self.depths[wire])
            else:
                deepest = max(deepest, self._settle(wire, below, levels - own, fused))
        return deepest + own


def _sides(node: Node) -> tuple[_Side, _Side]:
    return _Side(node.a, node.shift_a), _Side(node.b, node.shift_b)


def _positions(lo: int, hi: int) -> Interval:
    """Lowest bit and one above the highest of the unsigned number that a form is stored as."""
    return 0, (hi - lo).bit_length()


def _limits(graph: AdderGraph, slack: int, arrivals: Sequence[int]) -> list[int | None]:
    """The depth at which each wire must be there; None where nothing reads it."""
    depths = graph.depths(arrivals)
    limits: list[int | None] = [None] * len(depths)

    def require(wire: int, depth: int) -> None:
        known = limits[wire]
        limits[wire] = depth if known is None else min(known, depth)

    ends = [output.node for output in graph.outputs if output.node != ZERO]
    deepest = max((depths[end] for end in ends), default=0)
    for end in ends:
        require(end, deepest + slack)
    for number in range(len(depths) - 1, graph.inputs - 1, -1):
        limit = limits[number]
        if limit is not None:
            for side in _sides(graph.nodes[number - graph.inputs]):
                require(side.wire, limit - 1)
    return limits


def _roots(graph: AdderGraph) -> tuple[list[bool], list[bool]]:
    """Nodes that are an output or that several rows read; those that only one output reads."""
    readers = [0] * (graph.inputs + len(graph.nodes))
    outputs = readers.copy()
    for node in graph.nodes:
        readers[node.a] += 1
        readers[node.b] += 1
    for output in graph.outputs:
        if output.node != ZERO:
            outputs[output.node] += 1
    counts = list(zip(readers, outputs, strict=True))
    is_root = [of_outputs > 0 or of_rows != 1 for of_rows, of_outputs in counts]
    return is_root, [count == (0, 1) for count in counts]
