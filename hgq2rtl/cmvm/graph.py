"""Adder graphs: values that can be printed, priced and proved without a Program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

ZERO = -1
"""As the node of an output: the constant zero."""

FITS_INT64 = 2**62
"""Coefficients up to this may be negated and added in int64."""


class Node(NamedTuple):
    """``sign_a * (a << shift_a) + sign_b * (b << shift_b)``.

    `a` and `b` count the inputs first, then the nodes. At least one sign is
    positive and at least one shift is 0.
    """

    a: int
    shift_a: int
    sign_a: int
    b: int
    shift_b: int
    sign_b: int


class Output(NamedTuple):
    """``sign * (node << shift)``; a negative shift must be exact."""

    node: int
    shift: int
    sign: int


@dataclass(frozen=True)
class AdderGraph:
    """Two-operand additions over `inputs` integer variables, in topological order."""

    inputs: int
    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]
    fused: tuple[int, ...] = ()
    """Nodes that join their only reader, one row of three operands; counted as operands are."""

    def forms(self) -> np.ndarray:
        """Coefficients of every input and node over the inputs.

        Shape (inputs + nodes, inputs), exact whatever their size: int64 where that holds
        all of them, Python ints elsewhere.
        """
        kind = np.int64 if self._largest <= FITS_INT64 else object
        forms = np.zeros((self.inputs + len(self.nodes), self.inputs), kind)
        np.fill_diagonal(forms, 1)
        for n, (a, shift_a, sign_a, b, shift_b, sign_b) in enumerate(self.nodes, self.inputs):
            forms[n] = sign_a * (forms[a] << shift_a) + sign_b * (forms[b] << shift_b)
        return forms

    @cached_property
    def _largest(self) -> int:
        """What no sum of a form's absolute coefficients exceeds."""
        bounds = [1] * self.inputs
        for a, shift_a, _, b, shift_b, _ in self.nodes:
            bounds.append((bounds[a] << shift_a) + (bounds[b] << shift_b))
        return max(bounds, default=0)

    def matrix(self) -> np.ndarray:
        """What the graph computes: Python ints, shape (inputs, outputs)."""
        forms = self.forms()
        columns = np.zeros((self.inputs, len(self.outputs)), object)
        for n, (node, shift, sign) in enumerate(self.outputs):
            if node != ZERO:
                columns[:, n] = sign * _shifted(forms[node].astype(object), shift)
        return columns

    def intervals(self, inputs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Exact range of every input and node, from its whole linear form."""
        forms = self.forms()
        greatest = max((max(abs(lo), abs(hi)) for lo, hi in inputs), default=0)
        is_small = forms.dtype != object and self._largest * greatest <= FITS_INT64
        lo, hi = np.array(inputs, np.int64 if is_small else object).reshape(-1, 2).T
        positive, negative = np.maximum(forms, 0), np.minimum(forms, 0)
        least, most = positive @ lo + negative @ hi, positive @ hi + negative @ lo
        return list(zip(map(int, least), map(int, most), strict=True))

    def depths(self, arrivals: Sequence[int] | None = None) -> list[int]:
        """Adder levels of every input (as it arrives, by default 0) and node."""
        depths = [0] * self.inputs if arrivals is None else list(arrivals)
        for node in self.nodes:
            depths.append(1 + max(depths[node.a], depths[node.b]))
        return depths


def _shifted(form: np.ndarray, shift: int) -> np.ndarray:
    if shift >= 0:
        return form << shift
    if np.any(form & ((1 << -shift) - 1)):
        raise ArithmeticError("an output is shifted right although it has odd coefficients")
    return form >> -shift
