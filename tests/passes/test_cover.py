"""Rows of an adder graph: they compute its outputs, and inside of it no row adds a constant."""

from __future__ import annotations

import random

import pytest

from hgq2rtl.cmvm import AdderGraph, Node
from hgq2rtl.cmvm.graph import Output
from hgq2rtl.ir.rows import ONE, Operand, plan_chain
from hgq2rtl.passes.cover import Cover, Leaf, Sum, cover

SEEDS = range(60)


class Case:
    """A random graph over random inputs, and what its outputs must become."""

    def __init__(self, seed: int):
        self.rng = rng = random.Random(seed)
        self.inputs = [self.interval() for _ in range(rng.randint(1, 5))]
        nodes, n = [], len(self.inputs)
        for node in range(n, n + rng.randint(0, 9)):
            shift_a, shift_b = rng.choice([(0, 0), (0, rng.randint(1, 5)), (rng.randint(1, 5), 0)])
            sign_a, sign_b = rng.choice([(1, 1), (1, -1), (-1, 1)])
            a, b = rng.randrange(node), rng.randrange(node)
            nodes.append(Node(a, shift_a, sign_a, b, shift_b, sign_b))
        outputs = [
            Output(rng.randrange(-1, n + len(nodes)), rng.randint(0, 3), rng.choice((1, -1)))
            for _ in range(rng.randint(1, 4))
        ]
        if nodes and rng.random() < 0.5:  # 3 x - x is 2 x: an output that drops a zero
            n3, n2 = n + len(nodes), n + len(nodes) + 1
            wire = rng.randrange(n3)
            nodes += [Node(wire, 2, 1, wire, 0, -1), Node(n3, 0, 1, wire, 0, -1)]
            outputs.append(Output(n2, -1, rng.choice((1, -1))))
        plain = AdderGraph(n, tuple(nodes), tuple(outputs))
        self.graph = AdderGraph(n, plain.nodes, plain.outputs, self.fused(plain))
        self.leaves = [Leaf(*self.wire(*each)) for each in self.inputs]
        self.sums = [Sum(rng.randint(-100, 100), rng.randint(1, 16)) for _ in outputs]

    def interval(self) -> tuple[int, int]:
        lo = self.rng.choice((0, 0, self.rng.randint(-20, 3)))
        return lo, lo + self.rng.randint(1, 30)

    @staticmethod
    def wire(lo: int, hi: int) -> tuple[int, bool]:
        return max(hi.bit_length(), (-lo - 1).bit_length() if lo < 0 else 0) + (lo < 0), lo < 0

    def fused(self, graph: AdderGraph) -> tuple[int, ...]:
        """Some nodes that one other node reads, none of them with another one inside."""
        readers: list[list] = [[] for _ in range(graph.inputs + len(graph.nodes))]
        for number, node in enumerate(graph.nodes, graph.inputs):
            readers[node.a].append(number)
            readers[node.b].append(number)
        for output in graph.outputs:
            readers[output.node].append(None) if output.node >= 0 else None
        chosen: set[int] = set()
        taken: set[int] = set()
        for number in range(graph.inputs, len(readers)):
            reader = readers[number]
            if len(reader) != 1 or reader[0] is None or number in taken or reader[0] in taken:
                continue
            inside = graph.nodes[number - graph.inputs]
            if {inside.a, inside.b} & chosen:
                continue
            other = graph.nodes[reader[0] - graph.inputs]
            if {other.a, other.b} & chosen:
                continue
            if self.rng.random() < 0.6:
                chosen.add(number)
                taken.add(reader[0])
        return tuple(sorted(chosen))

    def cover(self) -> Cover:
        return cover(self.graph, self.inputs, self.leaves, self.sums)

    def samples(self, count: int = 12) -> list[list[int]]:
        corners = [[lo for lo, _ in self.inputs], [hi for _, hi in self.inputs]]
        return corners + [
            [self.rng.randint(lo, hi) for lo, hi in self.inputs] for _ in range(count)
        ]


def values(case: Case, made: Cover, x: list[int]) -> list[int]:
    """Of every wire, leaves first."""
    wires = list(x)
    for row in made.rows:
        terms = zip(row.operands, row.weights, strict=True)
        wires.append(sum(w * wires[o] for o, w in terms) + row.constant)
    return wires


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_compute_the_outputs(seed):
    """Catches an offset, a sign or a shift that gets lost on the way."""
    case = Case(seed)
    made, matrix = case.cover(), case.graph.matrix()
    for x in case.samples():
        wires = values(case, made, x)
        for column, (total, at) in enumerate(zip(case.sums, made.outputs, strict=True)):
            exact = total.constant + sum(
                int(m) * v for m, v in zip(matrix[:, column], x, strict=True)
            )
            if at is None:
                assert exact == total.constant
                continue
            drops = made.rows[at - len(x)].drops
            assert wires[at] == exact << drops


@pytest.mark.parametrize("seed", SEEDS)
def test_inner_rows_are_unsigned_and_add_no_constant(seed):
    """Catches an operand booked with another offset than its complement or sign bit brings."""
    case = Case(seed)
    made = case.cover()
    widths = [(leaf.width, leaf.is_signed) for leaf in case.leaves]
    for row in made.rows:
        operands = [
            Operand(n, *widths[o], abs(w).bit_length() - 1, w < 0)
            for n, (o, w) in enumerate(zip(row.operands, row.weights, strict=True))
        ]
        assert 1 <= len(operands) <= 3
        if row.interval is None:
            width = case.sums[row.column].width + row.drops
        else:
            assert row.interval[0] >= 0
            width = row.interval[1].bit_length()
            plan = plan_chain(operands, row.constant, width)
            ones = [bit for bit in (*plan.low, *plan.d, *plan.s, *plan.z) if bit[:2] == (-1, 1)]
            assert not ones and plan.carry_in != ONE
        assert plan_chain(operands, row.constant, width) is not None
        widths.append((width, False))


@pytest.mark.parametrize("seed", SEEDS)
def test_intervals_hold_what_rows_reach(seed):
    """Catches a range of the form that the stored number does not have."""
    case = Case(seed)
    made = case.cover()
    for x in case.samples():
        wires = values(case, made, x)
        for row, value in zip(made.rows, wires[len(x) :], strict=True):
            if row.interval is not None:
                assert row.interval[0] <= value <= row.interval[1]


def test_a_constant_joins_the_last_row_where_that_is_cheaper():
    """Two 8-bit operands and a bias: one chain, not two."""
    graph = AdderGraph(2, (Node(0, 0, 1, 1, 0, 1),), (Output(2, 0, 1),))
    made = cover(graph, [(0, 255)] * 2, [Leaf(8, False)] * 2, [Sum(85, 9)])
    assert [row[:3] for row in made.rows] == [((0, 1), (1, 1), 85)]


def test_a_shared_sum_gets_its_constants_behind_it():
    graph = AdderGraph(2, (Node(0, 0, 1, 1, 0, 1),), (Output(2, 0, 1), Output(2, 1, -1)))
    made = cover(graph, [(0, 255)] * 2, [Leaf(8, False)] * 2, [Sum(1, 9), Sum(5, 12)])
    assert [row[:3] for row in made.rows] == [
        ((0, 1), (1, 1), 0),
        ((2,), (1,), 1),
        ((2,), (-2,), 5),
    ]
