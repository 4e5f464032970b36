"""Stages: the fewest that the clock allows, as many as asked for, and never before an operand."""

from __future__ import annotations

import pytest

from hgq2rtl.errors import BadOption, ClockTooFast
from hgq2rtl.ir import Builder, Program, parse, verify
from hgq2rtl.passes import run_passes
from hgq2rtl.schedule import ScheduleWish, schedule
from hgq2rtl.targets import target_for

from ..ir.random_programs import random_program
from .one_ns import ONE_NS
from .paths import assert_in_time

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


# -- a clock -----------------------------------------------------------------


@pytest.mark.parametrize(("clock_ns", "stages"), [(1.5, 3), (2.4, 3), (2.5, 2), (3.5, 1)])
def test_a_stage_holds_what_the_clock_allows(clock_ns, stages):
    """Catches register and set-up times that are forgotten, and a stage more than needed."""
    made = schedule(chain(), ONE_NS, ScheduleWish(clock_ns=clock_ns))
    assert made.stages == stages
    assert_in_time(made, ONE_NS)


def test_uncertainty_is_taken_off_the_clock():
    """Catches a stage that uses what the clock's jitter needs."""
    made = schedule(chain(), ONE_NS, ScheduleWish(clock_ns=2.6, uncertainty_ns=0.2))
    assert made.stages == 3
    assert_in_time(made, ONE_NS)
    assert made.slack_ns == pytest.approx([2.4 - longest for longest in made.stage_ns])


@pytest.mark.parametrize("clock_ns", [5.0, 8.0, 20.0])
def test_random_programs_meet_their_clock(clock_ns):
    """Catches a path that is longer than its clock, and a reader before its operand."""
    for seed in range(12):
        made = schedule(compiled(seed), target_for(), ScheduleWish(clock_ns=clock_ns))
        assert_in_time(made, target_for())
        assert made.gap == 0


def test_the_clock_is_5_ns_without_a_wish():
    """Catches another default than the documented one."""
    assert schedule(chain(), target_for()).clock_ns == 5.0


def test_a_slower_part_needs_more_stages():
    """Catches delays that are not the part's."""
    program = compiled(3)
    fast = schedule(program, target_for(), ScheduleWish(clock_ns=6.0))
    slow = schedule(program, target_for("generic"), ScheduleWish(clock_ns=6.0))
    assert slow.stages > fast.stages


def test_ports_without_registers_are_timed_as_if_they_had_them():
    """A register outside drives them: catches a first stage that is longer than the clock."""
    wish = ScheduleWish(clock_ns=2.25, has_input_register=False, has_output_register=False)
    made = schedule(chain(), ONE_NS, wish)
    assert made.stages == 3
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
        f"a clock of {clock_ns:g} ns: bitwise of 4 bits in {place} alone takes 1.5 ns on one-ns. "
        "Ask for a clock of 1.5 ns or more."
    )
    schedule(chain(), ONE_NS, ScheduleWish(clock_ns=1.5))


def test_a_value_without_a_layer_is_in_the_model():
    """Catches an index into no layers."""
    program = verify(parse("%0 = input : s4e0\n%1 = bitwise %0, %0 : s4e0\noutput %1"))
    with pytest.raises(ClockTooFast) as error:
        schedule(program, ONE_NS, ScheduleWish(clock_ns=1.0))
    assert "bitwise of 4 bits in the model alone takes 1.5 ns" in str(error.value)


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


def test_stages_and_a_clock_give_both():
    """Catches one of two wishes that is dropped."""
    made = schedule(chain(), ONE_NS, ScheduleWish(stages=5, clock_ns=2.5))
    assert (made.stages, made.clock_ns) == (5, 2.5)
    assert_in_time(made, ONE_NS)


# -- a latency ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("latency_ns", "stages", "clock_ns"),
    [(3.5, 1, 3.5), (4.4, 1, 3.5), (4.5, 3, 1.5), (99, 3, 1.5)],
)
def test_a_latency_gives_the_fastest_clock_that_keeps_it(latency_ns, stages, clock_ns):
    """One stage takes a cycle of 3.5 ns, two 2 of 2.5 ns, three 3 of 1.5 ns."""
    wish = ScheduleWish(latency_ns=latency_ns, has_output_register=False)
    made = schedule(chain(), ONE_NS, wish)
    assert (made.stages, made.clock_ns) == (stages, pytest.approx(clock_ns, abs=0.001))
    assert made.latency_ns <= latency_ns
    assert_in_time(made, ONE_NS)


def test_a_latency_that_no_pipeline_has_is_refused():
    """Catches a message that does not say what can be had."""
    with pytest.raises(BadOption) as error:
        schedule(chain(), ONE_NS, ScheduleWish(latency_ns=5.9))
    assert str(error.value) == (
        "a latency of 5.9 ns: no pipeline is that short, 6.000 ns can be. Ask for that, or leave "
        "out port registers."
    )


# -- none --------------------------------------------------------------------


def test_a_combinational_core_has_no_register_and_no_clock():
    """Catches a latency or a register where there is no clock."""
    made = schedule(chain(), ONE_NS, ScheduleWish(is_combinational=True))
    assert made.is_combinational and made.clock_ns is None
    assert (made.stages, made.latency_cycles, made.register_bits) == (1, 0, 0)
    assert not made.has_input_register and not made.has_output_register
    assert made.latency_ns == 3.0
    assert not made.registers.any()
    assert made.slack_ns == []


@pytest.mark.parametrize(
    "wish",
    [
        ScheduleWish(),
        ScheduleWish(stages=3),
        ScheduleWish(latency_ns=20),
        ScheduleWish(is_combinational=True),
    ],
    ids=str,
)
def test_an_empty_program_has_a_schedule(wish):
    """Catches an index into nothing."""
    made = schedule(Builder().build(), target_for(), wish)
    assert made.stages == (wish.stages or 1)
    assert made.register_bits == 0


# -- contradictions ----------------------------------------------------------

ALONE = "a combinational core has no clock and no stages: give combinational alone"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (ScheduleWish(clock_ns=5.0, is_combinational=True), ALONE),
        (ScheduleWish(stages=2, is_combinational=True), ALONE),
        (ScheduleWish(latency_ns=2.0, is_combinational=True), ALONE),
        (ScheduleWish(latency_ns=9.0, stages=2), "give a latency or a number of stages, not both"),
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
        (
            ScheduleWish(latency_ns=float("nan")),
            "a latency of nan ns is no latency: give a number of ns above 0",
        ),
        (
            ScheduleWish(uncertainty_ns=-0.1),
            "an uncertainty of -0.1 ns: give a number of ns from 0 on",
        ),
        (
            ScheduleWish(uncertainty_ns=float("nan")),
            "an uncertainty of nan ns: give a number of ns from 0 on",
        ),
        (ScheduleWish(most_control_sets=-1), "-1 control sets: give a number from 0 on"),
        (ScheduleWish(stages=0), "0 stages: give 1 to 10000"),
        (ScheduleWish(stages=10_001), "10001 stages: give 1 to 10000"),
        (
            ScheduleWish(stages=2, clock_ns=1.5),
            "stages 2 at a clock of 1.5 ns: it takes 3 stages on one-ns. Ask for more stages, or "
            "leave the clock out for the fastest one.",
        ),
        (
            ScheduleWish(latency_ns=5.0, clock_ns=1.5),
            "a latency of 5 ns at a clock of 1.5 ns: it takes 4 cycles, 6 ns, on one-ns. Ask for "
            "that latency, or leave the clock out.",
        ),
    ],
    ids=lambda each: str(each)[:40],
)
def test_wishes_that_cannot_be_met_are_refused(wish, message):
    """Catches a wish that is dropped in silence."""
    with pytest.raises(BadOption) as error:
        schedule(chain(), ONE_NS, wish)
    assert str(error.value) == message
