"""Sums of any width in plain Python: where coefficients or intervals leave the kernel's integers.

Signed digits, and for each output the shallowest tree; equal sums are built once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from .csd import signed_digits
from .graph import ZERO, AdderGraph, Node, Output

Form = tuple[int, ...]


class _Term(NamedTuple):
    """``sign * (node << shift)``; ordered so that shallow and low ones meet first."""

    depth: int
    shift: int
    node: int
    sign: int


def solve_wide(columns: Sequence[Sequence[int]], arrivals: Sequence[int]) -> AdderGraph:
    """An adder graph of the least depth for ``y_j = sum_i columns[j][i] * x_i``."""
    graph = _Graph(arrivals)
    outputs = tuple(graph.output(column) for column in columns)
    return AdderGraph(len(arrivals), tuple(graph.nodes), outputs)


class _Graph:
    """Nodes so far: each linear form only once, whatever its sign and power of two."""

    def __init__(self, arrivals: Sequence[int]):
        self.depths = list(arrivals)
        self.nodes: list[Node] = []
        self.forms: list[Form] = []
        self.known: dict[Form, int] = {}
        self.first = len(arrivals)
        for i in range(self.first):
            self._add(tuple(int(i == j) for j in range(self.first)))

    def output(self, column: Sequence[int]) -> Output:
        terms = [
            _Term(self.depths[node], shift, node, sign)
            for node, coefficient in enumerate(column)
            for shift, sign in signed_digits(coefficient)
        ]
        heapify(terms)
        # Of a Kraft sum within bounds, the two shallowest terms may always meet.
        while len(terms) > 1:
            for term in self._sum(heappop(terms), heappop(terms)):
                heappush(terms, term)
        return Output(terms[0].node, terms[0].shift, terms[0].sign) if terms else Output(ZERO, 0, 1)

    def _sum(self, x: _Term, y: _Term) -> list[_Term]:
        """One term for both, or none if they cancel."""
        base = min(x.shift, y.shift)
        sign = -1 if x.sign < 0 and y.sign < 0 else 1
        node = Node(x.node, x.shift - base, sign * x.sign, y.node, y.shift - base, sign * y.sign)
        form = tuple(
            node.sign_a * (a << node.shift_a) + node.sign_b * (b << node.shift_b)
            for a, b in zip(self.forms[x.node], self.forms[y.node], strict=True)
        )
        if not any(form):
            return []
        known = self.known.get(_canonical(form))
        if known is None or self.depths[known] > max(x.depth, y.depth) + 1:
            known = self._add(form)
            self.nodes.append(node)
            self.depths.append(max(x.depth, y.depth) + 1)
        own, other = self.forms[known], form
        shift = _zeros(other) - _zeros(own)
        is_same = all(
            (a << max(0, shift)) == (b << max(0, -shift)) for a, b in zip(own, other, strict=True)
        )
        return [_Term(self.depths[known], base + shift, known, sign if is_same else -sign)]

    def _add(self, form: Form) -> int:
        self.forms.append(form)
        self.known[_canonical(form)] = len(self.forms) - 1
        return len(self.forms) - 1


def _zeros(form: Form) -> int:
    """Trailing zeros of all coefficients together."""
    together = math.gcd(*form)
    return (together & -together).bit_length() - 1


def _canonical(form: Form) -> Form:
    """Equal for forms that differ by sign and power of two."""
    zeros = _zeros(form)
    sign = 1 if next(c for c in form if c) > 0 else -1
    return tuple(sign * c >> zeros for c in form)
