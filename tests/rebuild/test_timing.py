"""Times of any choice of rows are those of the Program that is built with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hgq2rtl.ir import Program
from hgq2rtl.passes import PASSES, Solving, run_passes
from hgq2rtl.passes.solve import Solved, build_blocks, linear_blocks, solve_blocks
from hgq2rtl.rebuild.search import Search
from hgq2rtl.rebuild.timing import Moment, Timing
from hgq2rtl.schedule.earliest import earliest
from hgq2rtl.schedule.network import network
from hgq2rtl.targets import target_for

from ..ir.random_programs import random_program
from ..schedule.one_ns import ONE_NS

SOLVE = list(PASSES).index("solve-linear")
BEFORE = [*list(PASSES)[:SOLVE], "fold", "share", "rows", "dead"]


def search_in(program: Program, target, path_ns: float) -> tuple[Search, Solved]:
    blocks = linear_blocks(program)
    solutions = solve_blocks(blocks, Solving())
    covers = [each.cover for each in solutions]
    solved = build_blocks(program, blocks, covers)
    timing = Timing(program, blocks, covers, solved, target, path_ns)
    return Search(blocks, solutions, Solving(), timing), solved


def moments_of(solved: Solved, target, path_ns: float) -> dict[int, tuple[int, float]]:
    """Of the values that logic makes, by number in the Program before."""
    net = network(solved.program, target)
    labels = earliest(net, path_ns)
    node = {int(value): n for n, value in enumerate(net.values)}
    found = {}
    for old, new in enumerate(solved.value_of):
        if new in node and net.logic_ns[node[new]]:
            found[old] = labels.stage[node[new]], labels.arrival_ns[node[new]]
    return found


def assert_times(moments: list[Moment], solved: Solved, target, path_ns: float) -> None:
    wanted = moments_of(solved, target, path_ns)
    assert wanted
    for v, (stage, settled_ns) in wanted.items():
        assert moments[v].stage == stage
        assert moments[v].settled_ns == pytest.approx(settled_ns)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("levels", [2, 4, 99])
def test_values_settle_as_in_the_program_that_was_built(seed, levels):
    """Catches a net, a wire or a boundary that is timed in another way than the scheduler does."""
    program = run_passes(random_program(seed, widest=9), BEFORE)
    search, solved = search_in(program, ONE_NS, levels + 0.25)
    assert_times(search.settled(), solved, ONE_NS, levels + 0.25)


@pytest.mark.parametrize("seed", range(8))
def test_no_value_settles_earlier_than_nets_by_their_loads_allow(seed):
    """Catches a bit that drives more than is counted; of wires joined the slowest net counts."""
    target = target_for()
    program = run_passes(random_program(seed, widest=9), BEFORE)
    search, solved = search_in(program, target, 99.0)
    moments = search.settled()
    for v, (_, settled_ns) in moments_of(solved, target, 99.0).items():
        assert settled_ns - 1e-6 <= moments[v].settled_ns < settled_ns + 0.3


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("levels", [2, 3, 99])
def test_other_rows_settle_as_in_the_program_that_is_built_with_them(seed, levels):
    """Catches times of the old rows for the new ones."""
    program = run_passes(random_program(seed, size=60, widest=9), BEFORE)
    search, _ = search_in(program, ONE_NS, levels + 0.25)
    late = {
        k: replace(search.blocks[n].problem, arrivals=tuple(range(len(search.blocks[n].leaves))))
        for k, n in search.first.items()
    }
    search.add_solutions(late, search.how.options)
    search.chosen = {k: pool[-1] for k, pool in search.pool.items()}
    again = build_blocks(program, search.blocks, search.covers())
    assert_times(search.settled(), again, ONE_NS, levels + 0.25)
