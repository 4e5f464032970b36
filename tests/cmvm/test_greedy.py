"""Greedy sharing in the kernel: node for node that of its slow twin."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import assume, given, settings
from hypothesis.strategies import integers, sampled_from

from hgq2rtl import _kernel
from hgq2rtl.cmvm.solver import least_depth

from .greedy_twin import Form, Twin, canonical
from .problems import problems

SEEDED = settings(derandomize=True, deadline=None, max_examples=120)


def shared(matrix, inputs, arrivals, levels, carry_position):
    """Forms of the kernel's nodes, and what is left of each column."""
    nodes, rows = _kernel.share_cmvm(
        np.ascontiguousarray(matrix, np.int64), inputs, arrivals, levels, carry_position
    )
    n_in = len(inputs)
    forms = [tuple(int(i == j) for j in range(n_in)) for i in range(n_in)]
    for a, shift_a, sign_a, b, shift_b, sign_b in nodes:
        base = min(0, shift_a, shift_b)  # below 0 where only the sum is whole
        form = (
            sign_a * (x << shift_a - base) + sign_b * (y << shift_b - base)
            for x, y in zip(forms[a], forms[b], strict=True)
        )
        forms.append(tuple(c >> -base for c in form))
    return forms, [sorted(map(tuple, row)) for row in rows]


@SEEDED
@given(
    problem=problems(most=5, bits=(1, 3, 6)),
    slack=integers(0, 2),
    carry_position=sampled_from([0, 256, 1024]),
    seed=integers(0, 2**32),
)
def test_the_kernel_shares_as_its_twin(problem, slack, carry_position, seed):
    """The twin counts all pairs anew in each round: catches a count, a score or a queue that went
    stale, and a sum that was found too deep."""
    matrix, inputs = problem
    columns = distinct(matrix)
    assume(columns)
    rng = random.Random(seed)
    arrivals = [rng.choice((0, 0, 0, 1, 4)) for _ in inputs]
    arrivals = [level - min(arrivals) for level in arrivals]
    levels = least_depth(columns, arrivals) + slack
    twin = Twin(columns, inputs, arrivals, levels, carry_position)
    twin.run()
    forms, left = shared(np.array(columns).T, inputs, arrivals, levels, carry_position)
    assert forms == twin.forms
    assert left == [sorted(terms) for terms, _ in twin.rows]


def distinct(matrix) -> list[Form]:
    """The columns as the solver sees them: no zeros, none equal up to sign and shift."""
    columns = [tuple(column) for column in matrix.T.tolist() if any(column)]
    return list(dict.fromkeys(canonical(column) for column in columns))
