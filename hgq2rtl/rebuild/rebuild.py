"""From a Program with linear combinations to one of rows that takes few stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..ir import Program, verify
from ..passes.solve import Solving, build_blocks, linear_blocks, solve_blocks
from ..schedule.earliest import earliest
from ..schedule.network import network
from ..targets import Target
from .search import Search
from .timing import Timing

ROUNDS = 2
"""Arrivals change with the rows of the blocks before: how often they are followed."""


def solve_for_clock(
    program: Program,
    how: Solving,
    target: Target,
    path_ns: float,
    finish: Callable[[Program], Program],
    enough_stages: int = 1,
) -> Program:
    """Replace linear combinations by rows, anew where late inputs cost a stage.

    Parameters
    ----------
    program : Program
        As ``solve-linear`` takes it.
    path_ns : float
        What a stage holds: from the edge of the clock to the set-up.
    finish : callable
        What is done with the Program behind that pass, before it is scheduled.
    enough_stages : int
        So few need no rebuilding.

    Returns
    -------
    Program
        Finished. Other rows than :func:`solve_linear_groups` gives only where these save stages,
        in a larger proportion than they cost LUTs of sums.
    """
    blocks = linear_blocks(program)
    solutions = solve_blocks(blocks, how)
    covers = [each.cover for each in solutions]
    solved = build_blocks(program, blocks, covers)
    first = finish(verify(solved.program))
    stages = least_stages(first, target, path_ns)
    if not blocks or stages <= enough_stages or (how.should_stop and how.should_stop()):
        return first
    timing = Timing(program, blocks, covers, solved, target, path_ns)
    search = Search(blocks, solutions, how, timing)
    if not save_stages(search, stages, enough_stages):
        return first
    again = finish(verify(build_blocks(program, blocks, search.covers()).program))
    return again if least_stages(again, target, path_ns) < stages else first


def save_stages(search: Search, before: int, enough_stages: int) -> bool:
    """Choose rows that save some of the stages there were `before`; False if none are worth it.

    A first look takes no search for good sums; it finds the kinds that must change, and these
    alone are solved as well as the others were.
    """
    timing, options = search.timing, search.how.options
    moments, price = search.settled(), search.price
    for _ in range(ROUNDS):
        search.add_solutions(search.with_arrivals(moments), replace(options, effort="fast"))
        moments = search.be_quick()
    stages = max(timing.stages(moments), enough_stages)
    if stages >= before:
        return False
    if options.effort != "fast":
        problems = search.with_arrivals(moments)
        search.be_cheap(stages)
        search.add_solutions({k: problems[k] for k in search.changed}, options)
        stages = max(timing.stages(search.be_quick()), enough_stages)
    for few in range(stages, before):
        search.be_quick()
        search.be_cheap(few)
        if search.price * few < price * before:
            return True
    return False


def least_stages(program: Program, target: Target, path_ns: float) -> int:
    return earliest(network(program, target), path_ns).stages
