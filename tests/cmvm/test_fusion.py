"""Rows of three: they save what they can within the levels that they are given."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest

from hgq2rtl.cmvm import AdderGraph, Node
from hgq2rtl.cmvm.fusion import fuse
from hgq2rtl.cmvm.graph import ZERO, Output

CARRY = 0.25


def random_graph(seed: int) -> tuple[AdderGraph, list[tuple[int, int]]]:
    rng = random.Random(seed)
    n = rng.randint(2, 4)
    nodes = []
    for node in range(n, n + rng.randint(1, 7)):
        a, b = rng.randrange(node), rng.randrange(node)
        nodes.append(Node(a, 0, 1, b, rng.randint(0, 3), rng.choice((1, -1))))
    outputs = [Output(rng.randrange(-1, n + len(nodes)), 0, 1) for _ in range(rng.randint(1, 3))]
    return AdderGraph(n, tuple(nodes), tuple(outputs)), [
        (0, rng.choice((1, 7, 30))) for _ in range(n)
    ]


def live(graph: AdderGraph) -> set[int]:
    found: set[int] = set()
    pending = [output.node for output in graph.outputs if output.node != ZERO]
    while pending:
        at = pending.pop()
        if at >= graph.inputs and at not in found:
            found.add(at)
            pending += [graph.nodes[at - graph.inputs].a, graph.nodes[at - graph.inputs].b]
    return found


def readers(graph: AdderGraph) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for number in live(graph):
        node = graph.nodes[number - graph.inputs]
        for side in (node.a, node.b):
            found.setdefault(side, []).append(number)
    return found


def operands(graph: AdderGraph, fused: set[int], node: int) -> list[tuple[int, int]]:
    """Wire and shift of what the row of `node` reads."""
    a, shift_a, _, b, shift_b, _ = graph.nodes[node - graph.inputs]
    found = []
    for side, shift in ((a, shift_a), (b, shift_b)):
        inner = operands(graph, fused, side) if side in fused else [(side, 0)]
        found += [(wire, more + shift) for wire, more in inner]
    return found


def price(graph: AdderGraph, inputs: list[tuple[int, int]], fused: set[int]) -> float:
    """Of all rows, position by position."""
    widths = [(hi - lo).bit_length() for lo, hi in graph.intervals(inputs)]
    total = 0.0
    for node in live(graph) - fused:
        bits: dict[int, int] = {}
        reads = operands(graph, fused, node)
        for wire, shift in reads:
            for n in range(shift, shift + widths[wire]):
                bits[n] = bits.get(n, 0) + 1
        shared = [n for n, count in bits.items() if count > 1]
        if shared:
            luts = len(shared) + (len(reads) > 2)
            total += luts + CARRY * max(0, widths[node] - min(shared) - luts)
        if len(reads) > 2 and takes_constant(graph, node):
            total += CARRY * widths[node]
    return total


def takes_constant(graph: AdderGraph, node: int) -> bool:
    """Whether exactly one output, and nothing else, reads `node`."""
    read_by_rows = any(node in (each.a, each.b) for each in graph.nodes)
    return not read_by_rows and [o.node for o in graph.outputs].count(node) == 1


def deepest(graph: AdderGraph, fused: set[int], arrivals: Sequence[int] = ()) -> int:
    depth = dict(enumerate(arrivals or [0] * graph.inputs))
    for node in sorted(live(graph) - fused):
        reads = operands(graph, fused, node)
        own = 1 if len(reads) == 2 else 2 + takes_constant(graph, node)
        depth[node] = own + max(depth[wire] for wire, _ in reads)
    return max((depth[o.node] for o in graph.outputs if o.node != ZERO), default=0)


def legal(graph: AdderGraph, fused: set[int]) -> bool:
    """Nodes of one reader that are no output, at most one in each row, none inside another."""
    read_by = readers(graph)
    ends = {output.node for output in graph.outputs}
    if any(len(read_by.get(node, [])) != 1 or node in ends for node in fused):
        return False
    return all(len(operands(graph, fused, node)) <= 3 for node in live(graph) - fused)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("slack", [0, 1, 9])
@pytest.mark.parametrize("is_late", [False, True])
def test_no_other_choice_is_cheaper_or_too_deep(seed, slack, is_late):
    """Against all choices, where dead nodes do not blur who reads what."""
    graph, inputs = random_graph(seed)
    arrivals = [random.Random(seed + n).choice((-3, 0, 1)) for n in range(graph.inputs)]
    arrivals = arrivals if is_late else []
    if live(graph) != set(range(graph.inputs, graph.inputs + len(graph.nodes))):
        graph = without_dead(graph)
    made = set(fuse(graph, inputs, CARRY, slack, arrivals).fused)
    limit = deepest(graph, set(), arrivals) + slack
    assert legal(graph, made)
    assert deepest(graph, made, arrivals) <= limit
    candidates = [node for node in live(graph) if legal(graph, {node})]
    prices = [
        price(graph, inputs, set(chosen))
        for count in range(len(candidates) + 1)
        for chosen in itertools.combinations(candidates, count)
        if legal(graph, set(chosen)) and deepest(graph, set(chosen), arrivals) <= limit
    ]
    if slack == 9:  # no tree then takes levels that another one wants
        assert price(graph, inputs, made) == pytest.approx(min(prices))
    assert price(graph, inputs, made) <= price(graph, inputs, set()) + 1e-9


def test_a_late_operand_leaves_no_level_for_a_row_of_three():
    """Of ``((a + b) + c) + d``: where `d` is late, the others may take two levels together."""
    nodes = (Node(0, 0, 1, 1, 0, 1), Node(4, 0, 1, 2, 0, 1), Node(5, 0, 1, 3, 0, 1))
    graph = AdderGraph(4, nodes, (Output(6, 0, 1),))
    inputs = [(0, 255)] * 4
    assert fuse(graph, inputs, CARRY, 0, [0, 0, 0, 2]).fused == (4,)
    assert fuse(graph, inputs, CARRY, 0, [7, 7, 7, 9]).fused == (4,)
    assert fuse(graph, inputs, CARRY, 0, [0, 0, 2, 0]).fused == ()


def without_dead(graph: AdderGraph) -> AdderGraph:
    number = {n: n for n in range(graph.inputs)} | {ZERO: ZERO}
    nodes = []
    for at in sorted(live(graph)):
        number[at] = graph.inputs + len(nodes)
        node = graph.nodes[at - graph.inputs]
        nodes.append(node._replace(a=number[node.a], b=number[node.b]))
    outputs = tuple(o._replace(node=number[o.node]) for o in graph.outputs)
    return AdderGraph(graph.inputs, tuple(nodes), outputs)


def test_a_chain_of_three_is_one_row_where_a_constant_may_wait():
    """Three numbers: two rows that take the bias in, or one row and the bias behind it."""
    graph = AdderGraph(3, (Node(0, 0, 1, 1, 0, 1), Node(3, 0, 1, 2, 0, 1)), (Output(4, 0, 1),))
    inputs = [(0, 255)] * 3
    assert fuse(graph, inputs, CARRY, 0).fused == ()
    assert fuse(graph, inputs, CARRY, 1).fused == (3,)
