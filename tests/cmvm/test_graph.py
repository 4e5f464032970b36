"""Adder graphs as values: what they compute, and how deep they are."""

from __future__ import annotations

import pytest

from hgq2rtl.cmvm import AdderGraph, Node
from hgq2rtl.cmvm.graph import ZERO, Output

EXAMPLE = AdderGraph(
    inputs=2,
    nodes=(Node(0, 0, 1, 1, 3, -1), Node(2, 2, -1, 0, 0, 1), Node(2, 0, 1, 3, 1, 1)),
    outputs=(Output(2, 0, 1), Output(3, 1, -1), Output(ZERO, 0, 1), Output(0, 5, 1)),
)
"""a - 8b; -3a + 32b; -5a + 56b."""


def test_forms_are_worked_out_by_hand_alike():
    """Catches a shift or sign applied to the other operand."""
    assert EXAMPLE.forms().tolist() == [[1, 0], [0, 1], [1, -8], [-3, 32], [-5, 56]]


def test_the_matrix_has_a_column_for_each_output():
    """Catches an output whose own shift or sign is forgotten."""
    assert EXAMPLE.matrix().tolist() == [[1, 6, 0, 32], [-8, -64, 0, 0]]


def test_coefficients_have_no_limit():
    """Catches a proof in 64 bits, which would pass by wrapping."""
    nodes = tuple(Node(n, 0, 1, n, 40, 1) for n in range(1, 6))
    graph = AdderGraph(1, (Node(0, 0, 1, 0, 40, 1), *nodes), (Output(6, 0, 1),))
    assert graph.matrix()[0, 0] == (1 + 2**40) ** 6


@pytest.mark.parametrize("bound", [(-7, 8), (-(2**70), 2**69), (-(2**60), 2**61)])
def test_ranges_are_reached_and_not_left(bound):
    """Of whole forms, at their corners; catches int64 where a product needs more."""
    lo, hi = bound
    corners = [(a, b) for a in bound for b in bound]
    wanted = [
        (min(values), max(values))
        for p, q in EXAMPLE.forms().tolist()
        for values in [[p * a + q * b for a, b in corners]]
    ]
    assert EXAMPLE.intervals([(lo, hi)] * 2) == wanted
    assert all(type(end) is int for each in EXAMPLE.intervals([(lo, hi)] * 2) for end in each)


def test_an_output_shifts_right_only_zeros():
    """Catches a graph that drops bits and is believed to be exact."""
    even = AdderGraph(1, (Node(0, 1, 1, 0, 2, 1),), (Output(1, -1, 1),))
    assert even.matrix().tolist() == [[3]]
    odd = AdderGraph(1, (Node(0, 0, 1, 0, 1, 1),), (Output(1, -1, 1),))
    with pytest.raises(ArithmeticError) as error:
        odd.matrix()
    assert str(error.value) == "an output is shifted right although it has odd coefficients"


def test_depth_counts_adders_on_the_longest_path():
    """Catches a depth by order instead of by operands."""
    assert EXAMPLE.depths() == [0, 0, 1, 2, 3]
    side_by_side = AdderGraph(2, (Node(0, 0, 1, 1, 0, 1), Node(0, 0, 1, 1, 1, 1)), ())
    assert side_by_side.depths() == [0, 0, 1, 1]


def test_a_graph_without_inputs_or_outputs_is_empty():
    """Catches an array of another shape at the edge."""
    assert AdderGraph(0, (), (Output(ZERO, 0, 1),)).matrix().shape == (0, 1)
    assert AdderGraph(3, (), ()).matrix().shape == (3, 0)
