"""The solver: what it is asked, checked and put to the kernel, and the proof of what comes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .. import _kernel
from ..fixed.interval import Interval
from .csd import signed_digits
from .graph import FITS_INT64, AdderGraph, Node, Output
from .options import Options
from .wide import solve_wide


class Effort(NamedTuple):
    """How hard the kernel tries."""

    trees: int
    """Noisy trees per output of the first graph; the cheapest stays."""
    has_spanning_trees: bool
    """Whether columns are also derived from columns for the first graph."""
    runs: int
    """Searches, of which the best stays."""
    times: int
    """Steps of one search, in units of `search_steps`."""


EFFORTS = {
    "fast": Effort(trees=8, has_spanning_trees=False, runs=0, times=0),
    "default": Effort(trees=8, has_spanning_trees=True, runs=1, times=1),
    "best": Effort(trees=30, has_spanning_trees=True, runs=4, times=10),
}


def solve(
    matrix: np.ndarray,
    inputs: Sequence[Interval],
    options: Options | None = None,
    arrivals: Sequence[int] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> AdderGraph:
    """An adder graph for ``y = x @ matrix``.

    Parameters
    ----------
    matrix : integer array (n_in, n_out), int64 or Python ints
    inputs : n_in intervals ``(lo, hi)`` of the variables
    options : Options, optional
    arrivals : n_in integers, optional
        Adder levels at which the inputs arrive; all at 0 by default.
    should_stop : callable, optional
        Polled every few milliseconds; once it says True, the best graph so far is returned.

    Returns
    -------
    AdderGraph
        Proved equal to `matrix`; outputs may be negated or shifted. No output is deeper than
        the least possible depth of the deepest, and ``options.depth_slack``. (Under the signed
        cost a negation is an adder; where nothing better is found it comes on top.)

    Raises
    ------
    ArithmeticError
        If the proof fails: a defect of the solver.
    """
    options = options or Options()
    matrix = np.asarray(matrix)
    columns = matrix.T.tolist()
    arrivals = [0] * len(inputs) if arrivals is None else list(arrivals)
    levels = least_depth(columns, arrivals) + options.depth_slack
    if matrix.size and _fits_kernel(columns, inputs, arrivals, levels):
        graph = _solve_in_kernel(matrix, inputs, arrivals, levels, options, should_stop)
    else:
        graph = solve_wide(columns, arrivals)
    if not _is_equal(graph.matrix(), matrix):
        raise ArithmeticError("the adder graph does not equal its matrix: please report this")
    return graph


def least_depth(columns: Sequence[Sequence[int]], arrivals: Sequence[int]) -> int:
    """Adder levels that the deepest output needs with signed digits.

    Terms that arrive at levels ``d`` can be summed within ``D`` iff the sum of ``2**d`` is at
    most ``2**D`` (Kraft 1949).
    """
    earliest = min(arrivals, default=0)
    weights = [1 << (level - earliest) for level in arrivals]
    sums = [
        sum(len(signed_digits(c)) * weight for c, weight in zip(column, weights, strict=True) if c)
        for column in columns
    ]
    return max((earliest + (total - 1).bit_length() for total in sums if total), default=0)


def _fits_kernel(
    columns: Sequence[Sequence[int]],
    inputs: Sequence[Interval],
    arrivals: Sequence[int],
    levels: int,
) -> bool:
    """Whether all forms, ranges and Kraft sums fit the kernel's integers with room to spare."""
    largest = max((sum(map(abs, column)) for column in columns), default=0)
    widest = max((max(abs(lo), abs(hi)) for lo, hi in inputs), default=0)
    span = levels - min(arrivals, default=0)
    return (
        largest < 2 ** (_kernel.COEFFICIENT_BITS - 1)
        and widest < FITS_INT64
        and min(span, levels) <= _kernel.MOST_LEVELS
    )


def _solve_in_kernel(
    matrix: np.ndarray,
    inputs: Sequence[Interval],
    arrivals: Sequence[int],
    levels: int,
    options: Options,
    should_stop: Callable[[], bool] | None,
) -> AdderGraph:
    effort, cost = EFFORTS[options.effort], options.cost
    steps = options.iterations
    if steps is None:
        steps = effort.times * search_steps(matrix)
    earliest = min(arrivals, default=0)
    nodes, outputs, fused, _ = _kernel.solve_cmvm(
        np.ascontiguousarray(matrix, np.int64),
        [(int(lo), int(hi)) for lo, hi in inputs],
        [level - earliest for level in arrivals],
        min(levels - earliest, _kernel.MOST_LEVELS),
        is_signed=cost.kind == "signed",
        carry_position=round(cost.carry_position * _kernel.LUT),
        fuses=cost.has_three_operand_rows and cost.kind == "rows",
        trees=effort.trees,
        has_spanning_trees=effort.has_spanning_trees,
        steps=steps,
        runs=max(1, effort.runs) if steps else 0,
        seed=options.seed,
        should_stop=should_stop,
    )
    return AdderGraph(
        len(inputs),
        tuple(Node(*node) for node in nodes),
        tuple(Output(*output) for output in outputs),
        tuple(fused),
    )


def search_steps(matrix: np.ndarray) -> int:
    """Steps of a search that takes about a CPU second for one block alone.

    The time of a step was fitted to blocks of 8x6 to 32x32: it grows with the signed digits of
    the block, whose nodes are matched, and with those of an output, which is solved again.
    """
    numbers = [abs(n) for n in matrix.ravel().tolist()]
    digits = sum((n ^ 3 * n).bit_count() for n in numbers)
    columns = max(1, matrix.shape[1])
    step_us = 3 + (3 * digits + 12 * digits // columns) // 10
    return min(40_000, (400_000 + 1_800 * matrix.size) // step_us)


def _is_equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(np.all(a == b))
