"""Linear programs of differences: against all whole numbers, and in parts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hgq2rtl.schedule.differences import Differences, solve, solve_in_parts
from hgq2rtl.schedule.network import network
from hgq2rtl.schedule.registers import fewest_registers
from hgq2rtl.targets import target_for

from .test_stages import compiled

FEW, TOP = 4, 3


@st.composite
def programs(draw: st.DrawFn) -> Differences:
    """A few variables in 0..TOP; every later one at or behind an earlier one, or a step behind."""
    made = Differences(np.zeros(FEW), np.full(FEW, TOP))
    made.cost[:] = draw(st.lists(st.integers(-5, 5), min_size=FEW, max_size=FEW))
    for later, earlier in itertools.combinations(range(FEW - 1, -1, -1), 2):
        distance = draw(st.sampled_from([None, 0, 0, 1]))
        if distance is not None:
            made.require(np.array([later]), np.array([earlier]), distance)
    return made


def is_allowed(program: Differences, x: np.ndarray) -> bool:
    later, earlier, distance = program.constraints.T
    in_range = (program.lower <= x).all() and (x <= program.upper).all()
    return bool(in_range and (x[later] - x[earlier] >= distance).all())


@settings(max_examples=60, deadline=None)
@given(program=programs())
def test_the_optimum_is_the_best_of_all_whole_numbers(program):
    """Catches a sign, a transposed pair, a distance of the other side."""
    everything = map(np.array, itertools.product(range(TOP + 1), repeat=FEW))
    costs = [float(program.cost @ x) for x in everything if is_allowed(program, x)]
    found, cost = solve(program)
    assert is_allowed(program, found)
    assert cost == pytest.approx(min(costs)) == pytest.approx(program.cost @ found)


@settings(max_examples=30, deadline=None)
@given(program=programs())
def test_parts_keep_all_constraints_and_lose_nothing_they_had(program):
    """Catches a window that forgets its neighbours."""
    start = np.arange(FEW) * 1.0  # a step between all of them
    found = solve_in_parts(program, start, most=1)
    assert is_allowed(program, found)
    assert program.cost @ found <= program.cost @ start + 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_placements_in_parts_lie_between_the_optimum_and_their_bound(seed):
    """Catches a bound that is none, and parts that break the order of a network."""
    net = network(compiled(seed), target_for())
    best = fewest_registers(net, 2.0, 12)
    parts = fewest_registers(net, 2.0, 12, most_differences=20)
    assert parts.bound <= best.cost + 1e-6
    assert best.cost == pytest.approx(best.bound)
    assert best.cost <= parts.cost
    for node, read in enumerate(net.predecessors):
        assert all(parts.stage[o] <= parts.stage[node] for o in read)


def test_an_empty_program_has_an_optimum():
    """Catches a solver that refuses no variables."""
    found, cost = solve(Differences(np.zeros(0), np.zeros(0)))
    assert (len(found), cost) == (0, 0.0)
