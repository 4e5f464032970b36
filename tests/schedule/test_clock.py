"""Clocks on real parts, whose delays are no binary fractions: what is told must hold."""

from __future__ import annotations

import re

import pytest

from hgq2rtl.analyses import delays
from hgq2rtl.errors import ClockTooFast
from hgq2rtl.fixed import Format
from hgq2rtl.ir import Builder, Field, LayerName, Program, ProgramPort, parse, verify
from hgq2rtl.ir.operations import output
from hgq2rtl.passes import run_passes
from hgq2rtl.schedule import ScheduleWish, schedule
from hgq2rtl.targets import target_for

from ..ir.random_programs import random_program
from .one_ns import ONE_NS

TARGET = target_for()
OVERHEAD = TARGET.delay_ns["clock_to_out"] + TARGET.delay_ns["setup"]


def chain() -> Program:
    """Adders of 9 to 11 bits, one behind the other."""
    return verify(
        parse("""
        %0 = input : s8e0
        %1 = add %0, %0 shift=1 : s10e0
        %2 = add %1, %0 : s11e0
        %3 = add %2, %0 : s11e0
        output %3
        """)
    )


def one_adder(width: int) -> Program:
    """``2x - x`` of `width` bits in dense[3], with an adder row over all of them."""
    port = ProgramPort("x", (1,), (Field(0, Format.of_width(width, True)),))
    builder = Builder([port], [LayerName("dense", "QDense")])
    x = builder.input(0, 0)
    builder.at = (0, 3)
    builder.add_output_port("y", (1,), [builder.add(x, x, sign=-1, shift=1)])
    return verify(builder.build())


def test_a_clock_faster_than_an_adder_is_refused():
    """Catches a message without operation, place, part or a clock that would do."""
    with pytest.raises(ClockTooFast) as refusal:
        schedule(one_adder(8), ONE_NS, ScheduleWish(clock_ns=0.5))
    assert str(refusal.value) == (
        "a clock of 0.5 ns: add of 10 bits in dense[3] alone takes 1.5 ns on one-ns. "
        "Ask for a clock of 1.5 ns or more."
    )


@pytest.mark.parametrize("part", ["xcvu13p", "generic"])
def test_the_clock_that_a_refusal_names_is_enough(part):
    """Catches advice that is refused in turn, or that costs a stage without any logic."""
    target = target_for(part)
    for width in range(1, 64):
        program = one_adder(width)
        with pytest.raises(ClockTooFast) as refusal:
            schedule(program, target, ScheduleWish(clock_ns=0.1))
        advice = re.search(r"a clock of (\S+) ns or more", str(refusal.value))
        made = schedule(program, target, ScheduleWish(clock_ns=float(advice[1])))
        assert made.stages == 1


def test_the_clock_of_a_number_of_stages_gives_that_number_back():
    """Catches a report's clock that, asked for, makes a longer pipeline."""
    for stages in (1, 2, 3):
        for width in range(4, 24):
            program = one_adder(width)
            found = schedule(program, TARGET, ScheduleWish(stages=stages))
            again = schedule(program, TARGET, ScheduleWish(clock_ns=found.clock_ns))
            assert again.stages <= stages


def test_more_stages_never_need_a_slower_clock():
    """Catches a search that stops early: with three adders, the fourth stage gains nothing."""
    clocks = [schedule(chain(), TARGET, ScheduleWish(stages=n)).clock_ns for n in range(1, 6)]
    assert clocks == sorted(clocks, reverse=True)
    assert clocks[0] > clocks[1] > clocks[2] == clocks[4]
    times = delays(chain(), TARGET)
    path = times.net_ns[0] + times.logic_ns[1:4].sum() + times.net_ns[1:3].sum()
    assert clocks[0] == pytest.approx(path + OVERHEAD, abs=1e-3)


def test_a_stage_more_only_where_the_clock_is_full():
    """Catches a stage whose operations would all fit in others."""
    clocks = [schedule(chain(), TARGET, ScheduleWish(stages=n)).clock_ns for n in (3, 2, 1)]
    made = [schedule(chain(), TARGET, ScheduleWish(clock_ns=c)) for c in clocks]
    assert [m.stages for m in made] == [3, 2, 1]


@pytest.mark.parametrize("wish", [ScheduleWish(), ScheduleWish(stages=9)], ids=str)
def test_constants_of_random_programs_have_no_stage_and_no_register(wish):
    """Catches a constant that is delayed like a wire."""
    for seed in range(10):
        made = schedule(run_passes(random_program(seed, size=30, widest=9)), TARGET, wish)
        program = made.program
        constants = [
            value.number
            for value in program
            if program.is_constant(value.number) and value.operation is not output
        ]
        assert not made.stage[constants].any()
        assert not made.register_bits_of[constants].any()
