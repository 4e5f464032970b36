"""Random problems of every kind, and what a graph does on numbers."""

from __future__ import annotations

import random

import numpy as np
from hypothesis.strategies import composite, integers, sampled_from

from hgq2rtl.cmvm import AdderGraph, Cost
from hgq2rtl.cmvm.graph import ZERO

COSTS = [
    Cost(),
    Cost(carry_position=0),
    Cost(has_three_operand_rows=True),
    Cost("signed"),
]


@composite
def problems(draw, most=9, bits=(1, 3, 8, 31, 58, 62, 64, 100)):
    """A matrix and intervals: sparse, dense, one-sided or huge, with columns that are zero, equal,
    opposite or shifted, and inputs that are constant or of one bit."""
    rng = random.Random(draw(integers(0, 2**32 - 1)))
    n_in, n_out = draw(integers(0, most)), draw(integers(0, most))
    width = draw(sampled_from(bits))
    density = draw(sampled_from([0.1, 0.5, 1.0]))
    signs = draw(sampled_from([(1,), (-1,), (1, -1)]))
    matrix = np.zeros((n_in, n_out), object)
    for place in np.ndindex(n_in, n_out):
        if rng.random() < density:
            matrix[place] = rng.choice(signs) * rng.getrandbits(width) << rng.choice((0, 0, 3))
    for column in range(1, n_out):
        if rng.random() < 0.2:
            factor = rng.choice((1, -1, 4, -2))
            matrix[:, column] = matrix[:, rng.randrange(column)] * factor
    return matrix, [_interval(rng) for _ in range(n_in)]


def _interval(rng: random.Random) -> tuple[int, int]:
    match rng.randrange(8):
        case 0:
            return (0, 1)
        case 1:
            return (5, 5)
        case 2:
            return (-(2**50), 2**60 + 1)
    return (-rng.getrandbits(9), rng.getrandbits(9))


def evaluated(graph: AdderGraph, x: list[int]) -> list[int]:
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
