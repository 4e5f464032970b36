"""The first solver: signed digits, then for each output a balanced, width-aware tree.

Equal pairs in different outputs are built once. Nothing else is shared yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .csd import signed_digits
from .graph import ZERO, AdderGraph, Node, Output


@dataclass(frozen=True)
class Options:
    """How to solve. The first solver has nothing to choose."""


class _Term(NamedTuple):
    """``sign * (node << shift)`` on its way into a sum."""

    node: int
    shift: int
    sign: int


@dataclass
class _Graph:
    """Nodes so far, each pair only once."""

    spans: list[tuple[int, int]]
    """Lowest bit position and one above the highest, per node at shift 0."""
    first_node: int
    nodes: list[Node] = field(default_factory=list)
    known: dict[Node, int] = field(default_factory=dict)

    def span(self, term: _Term) -> tuple[int, int]:
        lsb, top = self.spans[term.node]
        return lsb + term.shift, top + term.shift

    def sum(self, x: _Term, y: _Term) -> _Term:
        """One node for both terms; a sum of two negatives is built positive."""
        base = min(x.shift, y.shift)
        sign = -1 if x.sign < 0 and y.sign < 0 else 1
        x, y = sorted((x, y), key=lambda term: (-sign * term.sign, term.node, term.shift))
        node = Node(x.node, x.shift - base, sign * x.sign, y.node, y.shift - base, sign * y.sign)
        number = self.known.get(node)
        if number is None:
            number = self.known[node] = self.first_node + len(self.nodes)
            self.nodes.append(node)
            (lsb_x, top_x), (lsb_y, top_y) = self.span(x), self.span(y)
            self.spans.append((min(lsb_x, lsb_y) - base, max(top_x, top_y) + 1 - base))
        return _Term(number, base, sign)


def solve(
    matrix: np.ndarray, inputs: Sequence[tuple[int, int]], options: Options | None = None
) -> AdderGraph:
    """An adder graph for ``y = x @ matrix``.

    Parameters
    ----------
    matrix : integer array (n_in, n_out), int64 or Python ints
    inputs : n_in intervals ``(lo, hi)`` of the variables
    options : Options
        Reserved for solvers that search.

    Returns
    -------
    AdderGraph
        Proved equal to `matrix`. Outputs may be negated or shifted.

    Raises
    ------
    ArithmeticError
        If the proof fails: a defect of the solver.
    """
    matrix = np.asarray(matrix)
    n_in = matrix.shape[0]
    graph = _Graph([(0, _top(interval)) for interval in inputs], n_in)
    outputs = [_solve_output(graph, column) for column in matrix.T.tolist()]
    solved = AdderGraph(n_in, tuple(graph.nodes), tuple(outputs))
    if not np.array_equal(solved.matrix(), matrix.astype(object)):
        raise ArithmeticError("the adder graph does not equal its matrix: please report this")
    return solved


def _top(interval: tuple[int, int]) -> int:
    lo, hi = interval
    return max(hi, -lo - 1, 0).bit_length() + (lo < 0)


def _solve_output(graph: _Graph, column: list[int]) -> Output:
    terms = [
        _Term(node, shift, sign)
        for node, coefficient in enumerate(column)
        for shift, sign in signed_digits(coefficient)
    ]
    if not terms:
        return Output(ZERO, 0, 1)
    while len(terms) > 1:
        terms = _halve(graph, terms)
    return Output(terms[0].node, terms[0].shift, terms[0].sign)


def _halve(graph: _Graph, terms: list[_Term]) -> list[_Term]:
    """One level of the tree: neighbours in bit position meet, so that sums stay narrow."""
    terms = sorted(terms, key=lambda term: (*graph.span(term), term))
    sums = [graph.sum(x, y) for x, y in zip(terms[::2], terms[1::2], strict=False)]
    return sums + terms[2 * len(sums) :]
