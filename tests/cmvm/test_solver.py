"""The solver: equal to its matrix, shallow, the same every time, and not trusted."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis.strategies import composite, integers, sampled_from

from hgq2rtl.cmvm import solve
from hgq2rtl.cmvm import solver as solver_module
from hgq2rtl.cmvm.csd import signed_digits
from hgq2rtl.cmvm.graph import ZERO

SEEDED = settings(derandomize=True, deadline=None, max_examples=80)


@composite
def problems(draw):
    """A matrix and intervals: sparse, dense, one-sided or huge, with zero rows and columns."""
    rng = random.Random(draw(integers(0, 2**32 - 1)))
    n_in, n_out = draw(integers(0, 9)), draw(integers(0, 9))
    bits = draw(sampled_from([1, 3, 8, 31, 62, 64, 100]))
    density = draw(sampled_from([0.1, 0.5, 1.0]))
    signs = draw(sampled_from([(1,), (-1,), (1, -1)]))
    matrix = np.zeros((n_in, n_out), object)
    for place in np.ndindex(n_in, n_out):
        if rng.random() < density:
            matrix[place] = rng.choice(signs) * rng.getrandbits(bits) << rng.choice((0, 0, 3))
    intervals = [(-rng.getrandbits(9), rng.getrandbits(9)) for _ in range(n_in)]
    return matrix, intervals


def levels(column: list[int]) -> int:
    """Adder levels of a balanced tree over the signed digits of a column."""
    digits = sum(len(signed_digits(c)) for c in column)
    return math.ceil(math.log2(digits)) if digits > 1 else 0


@SEEDED
@given(problem=problems())
def test_the_graph_equals_its_matrix(problem):
    """The proof inside is the solver's own: catches both wrong at once."""
    matrix, intervals = problem
    graph = solve(matrix, intervals)
    rng = random.Random(0)
    for _ in range(3):
        x = [rng.randint(lo, hi) for lo, hi in intervals]
        assert evaluated(graph, x) == [
            sum(a * c for a, c in zip(x, column, strict=True)) for column in matrix.T.tolist()
        ]
    assert graph.matrix().tolist() == matrix.tolist()


def evaluated(graph, x: list[int]) -> list[int]:
    """The graph on numbers, adder by adder."""
    values = list(x)
    for node in graph.nodes:
        a, b = values[node.a] << node.shift_a, values[node.b] << node.shift_b
        values.append(node.sign_a * a + node.sign_b * b)
    results = []
    for output in graph.outputs:
        value = 0 if output.node == ZERO else output.sign * values[output.node]
        results.append(value << output.shift if output.shift >= 0 else value >> -output.shift)
    return results


@SEEDED
@given(problem=problems())
def test_no_output_is_deeper_than_a_balanced_tree(problem):
    """Catches a chain where a tree was meant: each level may cost a pipeline stage."""
    matrix, intervals = problem
    graph = solve(matrix, intervals)
    depths = graph.depths()
    for output, column in zip(graph.outputs, matrix.T.tolist(), strict=True):
        depth = 0 if output.node == ZERO else depths[output.node]
        assert depth <= levels(column)


@SEEDED
@given(problem=problems())
def test_nodes_are_as_the_graph_promises(problem):
    """What builds adders relies on it: one operand unshifted, one positive, in order."""
    matrix, intervals = problem
    graph = solve(matrix, intervals)
    for number, node in enumerate(graph.nodes, graph.inputs):
        assert 0 <= node.a < number and 0 <= node.b < number
        assert min(node.shift_a, node.shift_b) == 0
        assert max(node.sign_a, node.sign_b) == 1
    assert len(set(graph.nodes)) == len(graph.nodes)


@pytest.mark.parametrize(
    ("matrix", "adders"),
    [
        ([[5]], 1),  # 4 + 1
        ([[7]], 1),  # 8 - 1
        ([[-7]], 1),  # 1 - 8
        ([[16]], 0),
        ([[-1]], 0),
        ([[0]], 0),
        ([[1], [1], [1], [1]], 3),
        ([[-1], [-3]], 2),
        ([[3, 3, 6, 12]], 1),  # once, and shifted
        ([[1, 2], [1, 2]], 1),
        ([[0, 1], [0, 0]], 0),
    ],
)
def test_the_number_of_adders_of_simple_matrices(matrix, adders):
    """Catches an adder for a shift, a sign, a zero or for what is there already."""
    matrix = np.array(matrix)
    graph = solve(matrix, [(-8, 7)] * len(matrix))
    assert len(graph.nodes) == adders


def test_zero_columns_are_zero_outputs():
    """Catches a wire for nothing."""
    graph = solve(np.array([[0, 3], [0, 0]]), [(0, 3), (-4, 3)])
    assert graph.outputs[0].node == ZERO and graph.outputs[1].node != ZERO


def test_narrow_terms_meet_first():
    """Catches a tree that ignores bit positions: here it would add wide numbers twice."""
    graph = solve(np.array([[1 << 20], [1], [1], [1 << 20]]), [(0, 15)] * 4)
    pairs = [{node.a, node.b} for node in graph.nodes[:2]]
    assert pairs == [{1, 2}, {0, 3}]


@pytest.mark.parametrize("kind", [np.int64, np.int32, object])
def test_integers_of_any_kind_are_taken(kind):
    """Catches 32 bits that overflow, or NumPy scalars where Python ints are needed."""
    matrix = np.array([[2**30, -3], [7, 2**30 + 1]]).astype(kind)
    assert solve(matrix, [(-8, 7)] * 2).matrix().tolist() == matrix.tolist()


@SEEDED
@given(problem=problems())
@example(problem=(np.zeros((0, 2), object), []))
def test_equal_problems_have_equal_graphs(problem):
    """Builds are reproducible: catches the order of a set or a hash that varies."""
    matrix, intervals = problem
    assert solve(matrix, intervals) == solve(matrix.copy(), list(intervals))


@pytest.mark.parametrize("damage", ["shift", "sign", "operand"])
def test_the_proof_catches_a_wrong_graph(damage, monkeypatch):
    """Every compile depends on it: catches a proof that looks at the wrong thing."""
    right = solver_module._Graph.sum

    def wrong(self, x, y):
        match damage:
            case "shift":
                y = y._replace(shift=y.shift + 1)
            case "sign":
                y = y._replace(sign=-y.sign)
            case "operand":
                y = y._replace(node=0)
        return right(self, x, y)

    monkeypatch.setattr(solver_module._Graph, "sum", wrong)
    with pytest.raises(ArithmeticError) as error:
        solve(np.array([[1, 5], [2, 3]]), [(-8, 7)] * 2)
    assert str(error.value) == "the adder graph does not equal its matrix: please report this"


def test_the_proof_catches_a_lost_output(monkeypatch):
    """Catches a proof of the nodes alone."""
    right = solver_module._solve_output

    def wrong(graph, column):
        return right(graph, column)._replace(shift=1)

    monkeypatch.setattr(solver_module, "_solve_output", wrong)
    with pytest.raises(ArithmeticError):
        solve(np.array([[1]]), [(-8, 7)])
