"""Adder graphs: values that can be printed, priced and proved without a Program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

ZERO = -1
"""As the node of an output: the constant zero."""


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

    def forms(self) -> np.ndarray:
        """Coefficients of every input and node over the inputs.

        Python ints, shape (inputs + nodes, inputs): exact whatever their size.
        """
        forms = np.zeros((self.inputs + len(self.nodes), self.inputs), object)
        forms[: self.inputs] = np.eye(self.inputs, dtype=np.int64).astype(object)
        for n, node in enumerate(self.nodes, self.inputs):
            forms[n] = node.sign_a * (forms[node.a] << node.shift_a) + node.sign_b * (
                forms[node.b] << node.shift_b
            )
        return forms

    def matrix(self) -> np.ndarray:
        """What the graph computes: Python ints, shape (inputs, outputs)."""
        forms = self.forms()
        columns = np.zeros((self.inputs, len(self.outputs)), object)
        for n, (node, shift, sign) in enumerate(self.outputs):
            if node != ZERO:
                columns[:, n] = sign * _shifted(forms[node], shift)
        return columns

    def depths(self) -> list[int]:
        """Adder levels of every input (0) and node."""
        depths = [0] * self.inputs
        for node in self.nodes:
            depths.append(1 + max(depths[node.a], depths[node.b]))
        return depths


def _shifted(form: np.ndarray, shift: int) -> np.ndarray:
    if shift >= 0:
        return form << shift
    if np.any(form & ((1 << -shift) - 1)):
        raise ArithmeticError("an output is shifted right although it has odd coefficients")
    return form >> -shift
