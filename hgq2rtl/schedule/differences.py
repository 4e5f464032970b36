"""Linear programs whose constraints are differences of two variables: ``later - earlier >= d``.

Such a matrix is totally unimodular: with whole distances and bounds the vertices are whole
numbers (Schrijver, "Theory of Linear and Integer Programming", 1986, chapter 19).
"""

from __future__ import annotations

import numpy as np

SIMPLEX_UP_TO = 50_000
"""Constraints; beyond, the interior point method (with its way to a vertex) takes half the time."""


class Differences:
    """Variables with bounds and costs, and constraints between two of them."""

    def __init__(self, lower: np.ndarray, upper: np.ndarray):
        self.cost = np.zeros(len(lower))
        self.lower, self.upper = lower.astype(float), upper.astype(float)
        self._constraints: list[np.ndarray] = [np.zeros((0, 3), np.int64)]

    def variables(self, lower: np.ndarray, upper: np.ndarray, cost: np.ndarray) -> np.ndarray:
        """New variables; gives their numbers."""
        made = np.arange(len(self.cost), len(self.cost) + len(cost))
        self.lower = np.concatenate([self.lower, lower])
        self.upper = np.concatenate([self.upper, upper])
        self.cost = np.concatenate([self.cost, cost])
        return made

    def require(self, later: np.ndarray, earlier: np.ndarray, distance: int) -> None:
        """``later - earlier >= distance``, for every pair."""
        self.add(np.stack([later, earlier, np.full(len(later), distance)], 1))

    @property
    def constraints(self) -> np.ndarray:
        """int64 (c, 3): later, earlier, distance."""
        return np.concatenate(self._constraints)

    def add(self, constraints: np.ndarray) -> None:
        """Constraints as :attr:`constraints` gives them."""
        self._constraints.append(constraints)

    def __len__(self) -> int:
        return sum(map(len, self._constraints))


def solve(program: Differences) -> tuple[np.ndarray, float]:
    """Variables of least cost, whole numbers, and that cost."""
    import scipy.sparse  # here: it takes a third of a second, which not every command has
    from scipy.optimize import linprog

    if not len(program.cost):
        return np.zeros(0), 0.0
    later, earlier, distance = program.constraints.T
    rows, ones = np.arange(len(program)), np.ones(len(program))
    places = np.concatenate([rows, rows]), np.concatenate([earlier, later])
    matrix = scipy.sparse.csr_array(
        (np.concatenate([ones, -ones]), places), shape=(len(program), len(program.cost))
    )
    bounds = np.stack([program.lower, program.upper], 1)
    methods = ["highs-ds", "highs-ipm"]
    for method in methods if len(program) <= SIMPLEX_UP_TO else reversed(methods):
        found = linprog(program.cost, matrix, -distance, bounds=bounds, method=method)
        if found.x is not None and np.abs(found.x - np.rint(found.x)).max() < 1e-6:
            return np.rint(found.x), float(found.fun)
    raise RuntimeError(f"the linear program of the stages has no optimum: {found.message}")


def solve_in_parts(program: Differences, start: np.ndarray, most: int) -> np.ndarray:
    """Variables of low cost: windows of the first variables are solved in turn, others held.

    Parameters
    ----------
    start : values of the first variables, which keep all constraints between them
    most : constraints of a window, about

    All further variables follow from those that they are compared with.
    """
    values = start.astype(float)
    constraints = program.constraints
    windows = max(2, 2 * -(-len(constraints) // most))
    for shift in (0.0, 0.5):
        order = np.argsort(values, kind="stable")
        edges = np.clip((np.arange(windows + 2) - shift) * len(order) / windows, 0, len(order))
        for low, high in zip(edges.astype(int), edges.astype(int)[1:], strict=False):
            if low < high:
                values = _solve_window(program, constraints, values, order[low:high])
    return values


def _solve_window(
    program: Differences, constraints: np.ndarray, values: np.ndarray, window: np.ndarray
) -> np.ndarray:
    """`values` with those of `window` anew."""
    first = len(values)
    is_free = np.zeros(len(program.cost), bool)
    is_free[window] = True
    later, earlier, distance = constraints.T
    touched = is_free[later] | is_free[earlier]
    for ends in (later, earlier):  # what follows from a free variable is free
        ends = ends[touched]
        is_free[ends[ends >= first]] = True
    held = np.concatenate([values, np.zeros(len(program.cost) - first)])
    lower, upper = program.lower.copy(), program.upper.copy()
    alone = is_free[later] & ~is_free[earlier] & (earlier < first)
    np.maximum.at(lower, later[alone], held[earlier[alone]] + distance[alone])
    alone = is_free[earlier] & ~is_free[later] & (later < first)
    np.minimum.at(upper, earlier[alone], held[later[alone]] - distance[alone])
    number = np.cumsum(is_free) - 1
    part = Differences(lower[is_free], upper[is_free])
    part.cost = program.cost[is_free]
    both = is_free[later] & is_free[earlier]
    kept = np.stack([number[later[both]], number[earlier[both]], distance[both]], 1)
    part.add(kept)
    values = values.copy()
    values[window] = solve(part)[0][number[window]]
    return values
