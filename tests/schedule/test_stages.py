"""Stages: as early as the clock allows, as many as asked for, and never before an operand."""

from __future__ import annotations

import numpy as np
import pytest

from hgq2rtl.analyses import delays
from hgq2rtl.errors import BadOption, ClockTooFast
from hgq2rtl.ir import Builder, Program, parse, verify
from hgq2rtl.ir.operations import output
from hgq2rtl.passes import run_passes
from hgq2rtl.schedule import Schedule, ScheduleWish, schedule
from hgq2rtl.targets import Target, target_for

from ..ir.random_programs import random_program
from .one_ns import ONE_NS

CHAIN = """
    layer "gate" QDense
    %0 = input : s4e0
    %1 = input : s4e0
    %2 = bitwise %0, %1 : s4e0 @0[0]
    %3 = bitwise %2, %0 function=or : s4e0 @0[1]
    %4 = slice %3 low=-1 : s5e-1 @0[2]
    %5 = bitwise %4, %2 function=xor : s5e-1 @0[3]
    output %5
"""
"""Three LUTs in a row: 3 ns, and a shift that takes no time."""


def chain() -> Program:
    return verify(parse(CHAIN))


def compiled(seed: int) -> Program:
    return run_passes(random_program(seed, size=60, widest=9))


def assert_in_time(made: Schedule, target: Target) -> None:
    """Operands first, arrivals worked out anew, every path within its clock."""
    program = made.program
    times = delays(program, target)
    launch = target.delay_ns["clock_to_out"]
    for value in program:
        v = value.number
        operands = [o for o in value.operands if not program.is_constant(o)]
        if program.is_constant(v):
            continue
        assert all(made.stage[o] <= made.stage[v] for o in operands), value
        starts = launch if made.stage[v] or made.has_input_register else 0.0
        ready = [made.arrival_ns[o] for o in operands if made.stage[o] == made.stage[v]]
        assert made.arrival_ns[v] == pytest.approx(max([starts, *ready]) + times[v]), value
    assert np.all(made.stage[program.values_of(output)] == made.stages - 1)
    assert max(made.stage_ns) <= made.clock_ns + 1e-9


# -- a clock -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock_ns", "stages"),
    [(1.5, [0, 1, 1, 2, 2]), (2.4, [0, 1, 1, 2, 2]), (2.5, [0, 0, 0, 1, 1]), (3.5, [0] * 5)],
)
def test_a_stage_holds_what_the_clock_allows(clock_ns, stages):
    """Catches register and set-up times that are forgotten, and a stage more than needed."""
    made = schedule(chain(), ONE_NS, ScheduleWish(clock_ns=clock_ns))
    assert made.stage[2:].tolist() == stages
    assert made.stages == stages[-1] + 1
    assert_in_time(made, ONE_NS)


@pytest.mark.parametrize("has_input_register", [True, False])
@pytest.mark.parametrize("clock_ns", [5.0, 8.0, 20.0])
def test_random_programs_meet_their_clock(clock_ns, has_input_register):
    """Catches a path that is longer than its clock, and a reader before its operand."""
    for seed in range(12):
        wish = ScheduleWish(clock_ns=clock_ns, has_input_register=has_input_register)
        assert_in_time(schedule(compiled(seed), target_for(), wish), target_for())


def test_the_clock_is_5_ns_without_a_wish():
    """Catches another default than the documented one."""
    assert schedule(chain(), target_for()).clock_ns == 5.0


def test_a_slower_part_needs_more_stages():
    """Catches delays that are not the part's."""
    program = compiled(3)
    fast = schedule(program, target_for(), ScheduleWish(clock_ns=6.0))
    slow = schedule(program, target_for("generic"), ScheduleWish(clock_ns=6.0))
    assert slow.stages > fast.stages


def test_without_an_input_register_the_first_stage_starts_earlier():
    """Catches a register's delay where there is none."""
    wish = ScheduleWish(clock_ns=2.25, has_input_register=False)
    made = schedule(chain(), ONE_NS, wish)
    assert made.stage[2:].tolist() == [0, 0, 0, 1, 1]
    assert made.arrival_ns[3] == 2.0
    assert_in_time(made, ONE_NS)


def test_constants_belong_to_no_stage():
    """Catches a constant that waits for a clock, or makes its reader wait."""
    program = verify(
        parse("""
        %0 = input : s4e0
        %1 = bitwise %0, %0 : s4e0
        %2 = const : s4e0[-8,-8]
        %3 = bitwise %1, %2 : s4e0
        output %3
        output %2
        """)
    )
    made = schedule(program, ONE_NS, ScheduleWish(clock_ns=1.5))
    assert made.stage.tolist() == [0, 0, 0, 1, 1, 1]
    assert made.registers[2] == 0


@pytest.mark.parametrize(("clock_ns", "place"), [(1.4, "gate[0]"), (0.001, "gate[0]")])
def test_a_clock_that_no_operation_meets_is_refused(clock_ns, place):
    """Catches a message that does not name the operation, or the clock that would do."""
    with pytest.raises(ClockTooFast) as error:
        schedule(chain(), ONE_NS, ScheduleWish(clock_ns=clock_ns))
    assert str(error.value) == (
        f"a clock of {clock_ns:g} ns: bitwise of 4 bits in {place} alone takes 1.50 ns on one-ns. "
        "Ask for a clock of 1.50 ns or more."
    )
    schedule(chain(), ONE_NS, ScheduleWish(clock_ns=1.5))


def test_a_value_without_a_layer_is_in_the_model():
    """Catches an index into no layers."""
    program = verify(parse("%0 = input : s4e0\n%1 = bitwise %0, %0 : s4e0\noutput %1"))
    with pytest.raises(ClockTooFast) as error:
        schedule(program, ONE_NS, ScheduleWish(clock_ns=1.0))
    assert "bitwise of 4 bits in the model alone takes 1.50 ns" in str(error.value)


# -- a number of stages ------------------------------------------------------


@pytest.mark.parametrize(("stages", "clock_ns"), [(1, 3.5), (2, 2.5), (3, 1.5), (7, 1.5)])
def test_so_many_stages_with_the_fastest_clock(stages, clock_ns):
    """Catches one stage more or less, and a clock slower than it has to be."""
    made = schedule(chain(), ONE_NS, ScheduleWish(stages=stages))
    assert made.stages == stages
    assert made.clock_ns == pytest.approx(clock_ns, abs=0.001)
    assert_in_time(made, ONE_NS)


@pytest.mark.parametrize("stages", [1, 2, 3, 5, 9, 40])
def test_random_programs_get_so_many_stages(stages):
    """Catches a search that ends beside the wish."""
    for seed in range(6):
        made = schedule(compiled(seed), target_for(), ScheduleWish(stages=stages))
        assert made.stages == stages
        assert_in_time(made, target_for())


def test_an_output_behind_waiting_registers_arrives_at_once():
    """Catches a last stage that claims the delay of the stage where its value was made."""
    made = schedule(chain(), ONE_NS, ScheduleWish(stages=6))
    assert made.stage_ns == [1.5, 1.5, 1.5, 0.25, 0.25, 0.5]


# -- none --------------------------------------------------------------------


def test_a_combinational_core_has_no_register_and_no_clock():
    """Catches a latency or a register where there is no clock."""
    made = schedule(chain(), ONE_NS, ScheduleWish(is_combinational=True))
    assert made.is_combinational and made.clock_ns is None
    assert (made.stages, made.latency_cycles, made.register_bits) == (1, 0, 0)
    assert not made.has_input_register and not made.has_output_register
    assert made.latency_ns == 3.0
    assert not made.registers.any()


@pytest.mark.parametrize(
    "wish", [ScheduleWish(), ScheduleWish(stages=3), ScheduleWish(is_combinational=True)]
)
def test_an_empty_program_has_a_schedule(wish):
    """Catches an index into nothing."""
    made = schedule(Builder().build(), target_for(), wish)
    assert made.stages == (wish.stages or 1)
    assert made.register_bits == 0


# -- contradictions ----------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (
            ScheduleWish(clock_ns=5.0, stages=2),
            "give one of clock, stages and combinational, not several",
        ),
        (
            ScheduleWish(clock_ns=5.0, is_combinational=True),
            "give one of clock, stages and combinational, not several",
        ),
        (
            ScheduleWish(stages=2, is_combinational=True),
            "give one of clock, stages and combinational, not several",
        ),
        (
            ScheduleWish(clock_ns=0.0),
            "a clock of 0.0 ns is no clock: give a number of ns above 0",
        ),
        (
            ScheduleWish(clock_ns=-5.0),
            "a clock of -5.0 ns is no clock: give a number of ns above 0",
        ),
        (
            ScheduleWish(clock_ns=float("nan")),
            "a clock of nan ns is no clock: give a number of ns above 0",
        ),
        (
            ScheduleWish(clock_ns=float("inf")),
            "a clock of inf ns is no clock: give a number of ns above 0",
        ),
        (ScheduleWish(stages=0), "0 stages: give 1 to 10000"),
        (ScheduleWish(stages=10_001), "10001 stages: give 1 to 10000"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(wish, message):
    """Catches a wish that is dropped in silence."""
    with pytest.raises(BadOption) as error:
        schedule(chain(), ONE_NS, wish)
    assert str(error.value) == message
