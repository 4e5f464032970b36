"""The solver: equal to its matrix, shallow, cheap, the same every time, and not trusted."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis.strategies import integers, sampled_from

from hgq2rtl import _kernel
from hgq2rtl.cmvm import Cost, Options, solve
from hgq2rtl.cmvm.csd import signed_digits
from hgq2rtl.cmvm.graph import ZERO
from hgq2rtl.cmvm.price import price
from hgq2rtl.cmvm.solver import least_depth

from .problems import COSTS, evaluated, problems

SEEDED = settings(derandomize=True, deadline=None, max_examples=80)
SHORT = 60
"""Steps of a search that meets every kind of move."""


@SEEDED
@given(problem=problems(), cost=sampled_from(COSTS), slack=integers(0, 3))
def test_the_graph_equals_its_matrix(problem, cost, slack):
    """The proof inside is the solver's own: catches both wrong at once."""
    matrix, intervals = problem
    graph = solve(matrix, intervals, Options("default", cost, slack, iterations=SHORT))
    rng = random.Random(0)
    for _ in range(3):
        x = [rng.randint(lo, hi) for lo, hi in intervals]
        assert evaluated(graph, x) == [
            sum(a * c for a, c in zip(x, column, strict=True)) for column in matrix.T.tolist()
        ]
    assert graph.matrix().tolist() == matrix.tolist()


@pytest.mark.parametrize("cost", COSTS[:3])
@SEEDED
@given(problem=problems(), slack=integers(0, 2), seed=integers(0, 2**32))
def test_no_output_is_deeper_than_allowed(cost, problem, slack, seed):
    """Catches a chain where a tree was meant: each level may cost a pipeline stage."""
    matrix, intervals = problem
    rng = random.Random(seed)
    arrivals = [rng.choice((0, 0, 1, 3, 7)) for _ in intervals]
    options = Options("default", cost, slack, iterations=SHORT)
    graph = solve(matrix, intervals, options, arrivals)
    depths = graph.depths(arrivals)
    levels = least_depth(matrix.T.tolist(), arrivals) + slack
    assert all(depths[output.node] <= levels for output in graph.outputs if output.node != ZERO)


def test_the_least_depth_is_that_of_a_tree_over_signed_digits():
    """Catches a bound that counts coefficients, or forgets when inputs arrive."""
    assert least_depth([[7, 0, -1]], [0, 0, 0]) == 2  # three digits
    assert least_depth([[7, 0, -1]], [0, 0, 2]) == 3
    assert least_depth([[5, 5], [1, 0]], [1, 1]) == 3
    assert least_depth([[4, 0]], [3, 9]) == 3
    assert least_depth([], []) == least_depth([[0]], [5]) == 0
    column = [3, 5, 7, 11, 13, 85]
    digits = sum(len(signed_digits(c)) for c in column)
    assert least_depth([column], [0] * 6) == math.ceil(math.log2(digits))


@SEEDED
@given(problem=problems(), cost=sampled_from(COSTS))
def test_nodes_are_as_the_graph_promises(problem, cost):
    """What builds adders relies on it: one operand unshifted, one positive, in order, needed."""
    matrix, intervals = problem
    graph = solve(matrix, intervals, Options("default", cost, iterations=SHORT))
    used = {output.node for output in graph.outputs}
    for number, node in reversed(list(enumerate(graph.nodes, graph.inputs))):
        assert 0 <= node.a < number and 0 <= node.b < number
        assert min(node.shift_a, node.shift_b) == 0
        assert max(node.sign_a, node.sign_b) == 1
        assert number in used
        used |= {node.a, node.b}


@SEEDED
@given(problem=problems(), cost=sampled_from(COSTS))
def test_no_value_is_built_twice(problem, cost):
    """Nor as its negative or a multiple by a power of two: catches a lost identity."""
    matrix, intervals = problem
    graph = solve(matrix, intervals, Options("default", cost, iterations=SHORT))
    seen = set()
    for form in graph.forms().tolist():
        together = math.gcd(*form)
        unit = together & -together
        sign = 1 if next(c for c in form if c) > 0 else -1
        key = tuple(sign * c // unit for c in form)
        assert key not in seen
        seen.add(key)


@SEEDED
@given(problem=problems(bits=(1, 3, 8, 31)), cost=sampled_from(COSTS), slack=integers(0, 2))
def test_the_kernel_minimises_the_price_as_defined(problem, cost, slack):
    """The kernel counts as it goes: catches a total that drifts, or another definition."""
    matrix, intervals = problem
    assume(matrix.size)
    told = []
    right = _kernel.solve_cmvm

    def listening(*args, **kwargs):
        result = right(*args, **kwargs)
        told.append(result[-1])
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_kernel, "solve_cmvm", listening)
        graph = solve(matrix, intervals, Options("default", cost, slack, iterations=SHORT))
    exact = price(graph, intervals, cost)
    # A signed output that needs a level more for its negation is priced out of reach.
    assert told[0] % 2**40 == round(exact.total(cost) * _kernel.LUT)


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
        ([[3, -3]], 1),
        ([[1, 2], [1, 2]], 1),
        ([[0, 1], [0, 0]], 0),
        ([[45]], 2),  # 5 * 9: three with signed digits alone
    ],
)
@pytest.mark.parametrize("cost", [Cost(), Cost("signed")])
def test_the_number_of_adders_of_simple_matrices(matrix, adders, cost):
    """Catches an adder for a shift, a sign, a zero or for what is there already."""
    matrix = np.array(matrix)
    graph = solve(matrix, [(-8, 7)] * len(matrix), Options(cost=cost, iterations=100))
    assert len(graph.nodes) == adders


def test_zero_columns_are_zero_outputs():
    """Catches a wire for nothing."""
    graph = solve(np.array([[0, 3], [0, 0]]), [(0, 3), (-4, 3)])
    assert graph.outputs[0].node == ZERO and graph.outputs[1].node != ZERO


def test_operands_that_do_not_overlap_meet_for_nothing():
    """Two concatenations and one row; catches a tree that ignores bit positions."""
    inputs = [(0, 15)] * 4
    graph = solve(np.array([[16], [1], [1], [16]]), inputs, Options("fast"))
    assert price(graph, inputs, Cost()).luts == 8
    assert price(graph, inputs, Cost()).carry_positions == 1


def test_arrivals_shape_the_tree():
    """The late input joins last; catches levels counted from zero."""
    arrivals = [0, 0, 0, 2]
    graph = solve(np.ones((4, 1), int), [(0, 15)] * 4, None, arrivals)
    assert max(graph.depths(arrivals)) == 3
    assert 3 in (graph.nodes[-1].a, graph.nodes[-1].b)


@pytest.mark.parametrize("kind", [np.int64, np.int32, object])
def test_integers_of_any_kind_are_taken(kind):
    """Catches 32 bits that overflow, or NumPy scalars where Python ints are needed."""
    matrix = np.array([[2**30, -3], [7, 2**30 + 1]]).astype(kind)
    assert solve(matrix, [(-8, 7)] * 2).matrix().tolist() == matrix.tolist()


@SEEDED
@given(problem=problems(), cost=sampled_from(COSTS))
@example(problem=(np.zeros((0, 2), object), []), cost=Cost())
def test_equal_problems_have_equal_graphs(problem, cost):
    """Builds are reproducible: catches the order of a set, time, or memory that is not set."""
    matrix, intervals = problem
    options = Options("default", cost, iterations=SHORT)
    assert solve(matrix, intervals, options) == solve(matrix.copy(), list(intervals), options)


DENSE = np.random.default_rng(3).integers(-127, 128, (10, 10))


def cost_of(graph, cost: Cost) -> float:
    return price(graph, [(-128, 127)] * graph.inputs, cost).total(cost)


@pytest.mark.parametrize("cost", COSTS)
def test_more_effort_costs_less(cost):
    """Catches a search that does nothing, or forgets the best that it met."""
    inputs = [(-128, 127)] * 10
    fast = solve(DENSE, inputs, Options("fast", cost, 2))
    search = solve(DENSE, inputs, Options("default", cost, 2, iterations=1500))
    is_cheaper = cost_of(search, cost) < 0.97 * cost_of(fast, cost)
    assert is_cheaper


def test_seeds_differ():
    """Catches a seed that is not used."""
    inputs = [(-128, 127)] * 10
    graphs = {solve(DENSE, inputs, Options(seed=s, iterations=50)) for s in range(3)}
    assert len(graphs) == 3


def test_a_stopped_search_gives_the_best_so_far():
    """Catches a stop that loses the graph, or is not heard."""
    calls = []

    def stop_at_the_third() -> bool:
        calls.append(None)
        return len(calls) >= 3

    inputs = [(-128, 127)] * 10
    options = Options("best", depth_slack=2)
    graph = solve(DENSE, inputs, options, should_stop=stop_at_the_third)
    assert len(calls) == 3
    assert graph.matrix().tolist() == DENSE.tolist()


def test_an_error_while_polling_is_raised():
    """Ctrl-C arrives there; catches an exception that is lost in the kernel."""

    def interrupt() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(DENSE, [(-128, 127)] * 10, Options("best"), should_stop=interrupt)


@pytest.mark.parametrize("damage", ["shift", "sign", "operand", "output"])
def test_the_proof_catches_a_wrong_graph(damage, monkeypatch):
    """Every compile depends on it: catches a proof that looks at the wrong thing."""
    right = _kernel.solve_cmvm

    def wrong(*args, **kwargs):
        nodes, outputs, fused, total = right(*args, **kwargs)
        match damage:
            case "shift":
                nodes[0][4] += 1
            case "sign":
                nodes[0][5] *= -1
            case "operand":
                nodes[0][0] = nodes[0][3]
            case "output":
                outputs[0][1] += 1
        return nodes, outputs, fused, total

    monkeypatch.setattr(_kernel, "solve_cmvm", wrong)
    with pytest.raises(ArithmeticError) as error:
        solve(np.array([[1, 5], [2, 3]]), [(-8, 7)] * 2)
    assert str(error.value) == "the adder graph does not equal its matrix: please report this"
