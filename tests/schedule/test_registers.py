"""The fewest registers: against all stages of small programs, one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hgq2rtl.analyses import wiring
from hgq2rtl.ir import Program, parse, verify
from hgq2rtl.ir.operations import input_, mask, output
from hgq2rtl.passes import run_passes
from hgq2rtl.schedule import Schedule, ScheduleWish, schedule
from hgq2rtl.targets import target_for

from ..ir.random_programs import random_program
from .one_ns import ONE_NS
from .paths import is_wiring, settled


def cost_of(program: Program, stage: list[int]) -> int:
    """Register bits between stages, bit by bit, and mask bits in LUTs."""
    traced = wiring(program)
    last: dict[int, int] = {}
    owner = {}
    in_luts = set()
    for v, read in enumerate(traced.reads):
        for bit in read:
            maker = int(traced.value_of(np.array([bit]))[0])
            owner[bit] = maker
            last[bit] = max(last.get(bit, stage[maker]), stage[v])
            if stage[v] == stage[maker] and program.rows.operation[maker] is mask:
                in_luts.add(maker)
    registers = sum(end - stage[owner[bit]] for bit, end in last.items())
    return registers + sum(program.format(v).width for v in in_luts)


def all_costs(program: Program, path_ns: float, stages: int) -> list[int]:
    """Costs of all schedules that keep order and clock."""
    free = [
        v
        for v in range(len(program))
        if not program.is_constant(v)
        and not is_wiring(program, v)
        and program.rows.operation[v] not in (input_, output)
    ]
    found = []
    for chosen in itertools.product(range(stages), repeat=len(free)):
        stage = [0] * len(program)
        for v in range(len(program)):
            if v in free:
                stage[v] = chosen[free.index(v)]
            elif program.rows.operation[v] is output:
                stage[v] = stages - 1
            else:
                stage[v] = max((stage[o] for o in program.operands_of(v)), default=0)
        in_order = all(stage[o] <= stage[v] for v in free for o in program.operands_of(v))
        if in_order and max(settled(program, ONE_NS, stage)) <= path_ns + 1e-9:
            found.append(cost_of(program, stage))
    return found


def small_program(seed: int) -> Program | None:
    """A random program of few operations."""
    program = run_passes(random_program(seed, size=14, widest=6))
    free = sum(
        not program.is_constant(v) and not is_wiring(program, v) for v in range(len(program))
    )
    return program if 3 <= free <= 12 else None


@pytest.mark.parametrize("stages", [2, 3])
def test_no_schedule_has_fewer_registers_and_mask_luts(stages):
    """Catches a wrong price, a forgotten reader, a constraint too many or too few."""
    tried = 0
    for seed in range(60):
        program = small_program(seed)
        if program is None:
            continue
        made = schedule(program, ONE_NS, ScheduleWish(stages=stages))
        costs = all_costs(program, made.clock_ns - made.setup_ns, stages)
        assert made.cost == min(costs) == cost_of(program, made.stage.tolist())
        assert made.bound == pytest.approx(made.cost)
        tried += 1
    assert tried >= 8


def narrow_behind_wide() -> Program:
    """Eight bits become one."""
    return verify(
        parse("""
        %0 = input : s8e0
        %1 = input : s8e0
        %2 = bitwise %0, %1 : s8e0
        %3 = compare %2, %0 : u1e0
        output %3
        """)
    )


def test_operations_move_to_where_registers_are_narrow():
    """As soon as possible is free here, as late as possible would delay 16 bits."""
    made = schedule(narrow_behind_wide(), ONE_NS, ScheduleWish(stages=4, clock_ns=9.0))
    assert made.stage.tolist() == [0, 0, 0, 0, 3]
    assert made.inner_register_bits == 3


def test_operations_wait_where_their_operands_are_narrower():
    """A product of a number with itself is twice as wide: catches as soon as possible."""
    program = verify(
        parse("""
        %0 = input : u4e0
        %1 = mul %0, %0 : u8e0
        output %1
        """)
    )
    made = schedule(program, ONE_NS, ScheduleWish(stages=3, clock_ns=20.0))
    assert made.stage.tolist() == [0, 2, 2]
    assert made.inner_register_bits == 2 * 4


def test_only_the_bits_that_are_read_wait():
    """Catches registers for bits below a slice, above one, or twice for two readers."""
    program = verify(
        parse("""
        %0 = input : u8e0
        %1 = slice %0 low=5 : u3e5
        %2 = slice %0 low=6 : u2e6
        output %1
        output %2
        """)
    )
    made = schedule(program, ONE_NS, ScheduleWish(stages=3))
    assert made.inner_register_bits == 2 * 3
    assert made.register_bits_of.tolist() == [6, 0, 0, 3, 2]
    assert made.stage_register_bits == [3, 3]


def masked() -> Program:
    """A relu between two operations."""
    return verify(
        parse("""
        %0 = input : s4e0
        %1 = input : u1e0
        %2 = bitwise %0, %0 : s4e0
        %3 = mask %2, %1 : s4e0
        %4 = bitwise %3, %3 : s4e0
        output %4
        """)
    )


def test_a_register_stands_right_behind_a_mask():
    """Catches a mask in LUTs where a boundary is free to move behind it."""
    made = schedule(masked(), ONE_NS, ScheduleWish(stages=2, clock_ns=20.0))
    assert made.stage.tolist() == [0, 0, 0, 0, 1, 1]
    assert made.resets.tolist() == [False, False, False, True, False, False]
    assert made.control_sets == 1


def test_control_sets_can_be_bounded():
    """Catches a bound that is not kept."""
    wish = ScheduleWish(stages=2, clock_ns=20.0, most_control_sets=0)
    made = schedule(masked(), ONE_NS, wish)
    assert not made.resets.any()
    assert made.control_sets == 0


def test_masks_by_one_sign_are_one_control_set():
    """Catches control sets counted by mask; and a choice that is not by bits."""
    program = verify(
        parse("""
        %0 = input : s4e0
        %1 = input : u1e0
        %2 = input : u1e0
        %3 = mask %0, %1 : s4e0
        %4 = slice %0 low=1 : s3e1
        %5 = mask %4, %1 : s3e1
        %6 = mask %0, %2 : s4e0
        output %3
        output %5
        output %6
        """)
    )
    made = schedule(program, ONE_NS, ScheduleWish(stages=2, clock_ns=20.0))
    assert (made.resets.sum(), made.control_sets) == (3, 2)
    wish = ScheduleWish(stages=2, clock_ns=20.0, most_control_sets=1)
    bounded = schedule(program, ONE_NS, wish)
    assert np.flatnonzero(bounded.resets).tolist() == [3, 5]


def assert_counted(made: Schedule) -> None:
    bits = made.register_bits_of
    inner = bits.copy()
    inner[made.program.values_of(output)] = 0
    assert inner.sum() == made.inner_register_bits == sum(made.stage_register_bits)
    assert made.cost >= made.inner_register_bits


def test_counts_agree():
    """Catches bits that one count has and another lacks."""
    for seed in range(20):
        program = run_passes(random_program(seed, size=50, widest=9))
        for stages in (1, 2, 5):
            assert_counted(schedule(program, target_for(), ScheduleWish(stages=stages)))
