"""Late inputs join late where that saves a stage, and nothing changes where it does not."""

from __future__ import annotations

import pytest

from hgq2rtl.ir import Program, parse, verify
from hgq2rtl.ir.operations import row
from hgq2rtl.passes import PASSES, Solving, run_passes
from hgq2rtl.rebuild import solve_for_clock
from hgq2rtl.rebuild.rebuild import least_stages

from ..ir.random_programs import random_program
from ..passes.rewrites import assert_same_outputs, body
from ..schedule.one_ns import ONE_NS

NAMES = list(PASSES)
SOLVE = NAMES.index("solve-linear")

LATE = """
    %0 = input : u4e0
    %1 = input : u4e0
    %2 = input : u4e0
    %3 = input : u4e0
    %4 = bitwise %2, %3 : u4e0
    %5 = bitwise %4, %0 function=xor : u4e0
    %6 = lincomb 1*%0 1*%1 1*%2 1*%5 group=0 : u6e0[0,60]
    output %6
"""
"""A sum of four, one of which comes 2 ns late: at 4 ns as two and two, at 3 ns as it may be."""


def finish(program: Program) -> Program:
    return run_passes(program, NAMES[SOLVE + 1 :])


def plain(program: Program) -> Program:
    return run_passes(program, NAMES[SOLVE:])


def rebuilt(program: Program, path_ns: float, enough_stages: int = 1, **how) -> Program:
    return solve_for_clock(program, Solving(**how), ONE_NS, path_ns, finish, enough_stages)


def stages(program: Program, path_ns: float) -> int:
    return least_stages(program, ONE_NS, path_ns)


def test_a_late_input_joins_last_where_that_saves_a_stage():
    """Catches a tree that is balanced by the number of its inputs."""
    program = verify(parse(LATE))
    made = rebuilt(program, 3.25)
    assert (stages(plain(program), 3.25), stages(made, 3.25)) == (2, 1)
    assert_same_outputs(program, made)
    last = [value for value in made if value.operation is row][-1]
    assert any(made[o].operation is not row for o in last.operands)


@pytest.mark.parametrize("path_ns", [2.25, 4.25, 99.0])
def test_no_stage_saved_is_nothing_changed(path_ns):
    """Catches sums that are built for arrivals although the clock has time."""
    program = verify(parse(LATE))
    assert body(rebuilt(program, path_ns)) == body(plain(program))


def test_as_few_stages_as_are_wanted_need_no_rebuilding():
    """Catches LUTs spent on a latency below the one that was asked for."""
    program = verify(parse(LATE))
    assert body(rebuilt(program, 3.25, enough_stages=2)) == body(plain(program))


def test_a_stop_leaves_the_sums_as_they_are():
    """Catches an interrupt after which new sums are begun."""
    program = verify(parse(LATE))
    assert body(rebuilt(program, 3.25, should_stop=lambda: True)) == body(plain(program))


def test_copies_of_a_block_stay_alike():
    """Catches copies with different late inputs that no longer repeat each other."""
    copies = []
    for n, late in enumerate((5, 6)):
        xs = [0, 1, 2, 3]
        xs[3 - n] = late
        terms = " ".join(f"1*%{x}" for x in xs)
        copies.append(f"%{7 + n} = lincomb {terms} group={n} : u6e0[0,60]")
    program = verify(
        parse(
            """
            %0 = input : u4e0
            %1 = input : u4e0
            %2 = input : u4e0
            %3 = input : u4e0
            %4 = bitwise %2, %3 : u4e0
            %5 = bitwise %4, %0 function=xor : u4e0
            %6 = bitwise %4, %1 function=or : u4e0
            """
            + "\n".join([*copies, "output %7", "output %8"])
        )
    )
    made = rebuilt(program, 3.25)
    assert_same_outputs(program, made)
    assert {value.block for value in made if value.operation is row} == {0, 1}


@pytest.mark.parametrize("path_ns", [2.25, 3.25, 5.25])
def test_random_programs_stay_exact_and_need_no_more_stages(path_ns):
    """Catches a late sum that is another sum."""
    saved = 0
    for seed in range(25):
        program = run_passes(random_program(seed, size=80, widest=9), NAMES[:SOLVE])
        made, before = rebuilt(program, path_ns), plain(program)
        assert_same_outputs(program, made)
        few = stages(made, path_ns)
        assert few <= stages(before, path_ns)
        saved += few < stages(before, path_ns)
        if few == stages(before, path_ns):
            assert body(made) == body(before)
    assert saved or path_ns > 5
