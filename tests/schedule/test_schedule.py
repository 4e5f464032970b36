"""What follows from stages: latency and registers, known before emission."""

from __future__ import annotations

import pytest

from hgq2rtl.ir import Program, parse, verify
from hgq2rtl.schedule import ScheduleWish, schedule

from .one_ns import ONE_NS

REGISTERS = [(i, o) for i in (True, False) for o in (True, False)]


def example() -> Program:
    """With a LUT per stage: %0 waits one stage, %2 two, %3 one."""
    return verify(
        parse("""
        %0 = input : s4e0
        %1 = input : u3e0
        %2 = bitwise %0, %1 : s4e0
        %3 = bitwise %2, %0 function=or : s4e0
        %4 = bitwise %3, %2 function=xor : s4e0
        output %4
        """)
    )


@pytest.mark.parametrize(("has_input", "has_output"), REGISTERS)
@pytest.mark.parametrize("stages", [1, 2, 5])
def test_latency_is_the_registers_on_the_path(stages, has_input, has_output):
    """The contract of ``latency_cycles``: stages - 1 + input register + output register."""
    wish = ScheduleWish(stages=stages, has_input_register=has_input, has_output_register=has_output)
    made = schedule(example(), ONE_NS, wish)
    assert made.latency_cycles == stages - 1 + has_input + has_output
    assert made.latency_ns == pytest.approx(made.latency_cycles * made.clock_ns)


@pytest.mark.parametrize(
    ("has_input", "has_output", "bits"),
    [(True, True, 27), (True, False, 23), (False, True, 20), (False, False, 16)],
)
def test_register_bits_of_an_example(has_input, has_output, bits):
    """4 + 8 + 4 bits between the stages, 7 at the input, 4 at the output."""
    wish = ScheduleWish(clock_ns=1.5, has_input_register=has_input, has_output_register=has_output)
    made = schedule(example(), ONE_NS, wish)
    assert made.stages == 3
    assert made.registers.tolist() == [1, 0, 2, 1, 0, 0]
    assert made.last_stage.tolist() == [1, 0, 2, 2, 2, 2]
    assert made.register_bits == bits
    assert made.register_bits_of.tolist() == [4, 0, 8, 4, 0, 4 * has_output]


def test_constants_need_no_register():
    """Catches registers that delay what never changes, beyond 64 bits too."""
    program = verify(
        parse(f"""
        %0 = input : s4e0
        %1 = const : s3e0[-3,-3]
        %2 = const : u91e0[{2**90},{2**90}]
        %3 = bitwise %0, %0 : s4e0
        output %3
        output %1
        output %2
        """)
    )
    made = schedule(program, ONE_NS, ScheduleWish(stages=4, has_output_register=False))
    assert made.registers.tolist() == [0, 0, 0, 3, 0, 0, 0]
    assert made.register_bits == 4 + 3 * 4


def test_values_that_look_constant_beyond_64_bits_are_not():
    """Their columns hold the nearest int64: catches a wire without its registers."""
    program = verify(parse(f"%0 = input : u64e0[{2**63},{2**64 - 1}]\noutput %0"))
    made = schedule(program, ONE_NS, ScheduleWish(stages=3))
    assert made.registers.tolist() == [2, 0]
    assert made.register_bits == 4 * 64


def test_unused_values_wait_for_nobody():
    """Catches registers behind a value that no one reads."""
    program = verify(parse("%0 = input : s4e0\n%1 = input : s9e0\noutput %0"))
    made = schedule(program, ONE_NS, ScheduleWish(stages=3))
    assert made.registers.tolist() == [2, 0, 0]


def test_slack_is_known_by_stage():
    """Catches a longest path that leaves out the set-up time."""
    made = schedule(example(), ONE_NS, ScheduleWish(clock_ns=2.75))
    assert sorted(made.stage_ns) == [1.5, 2.5]
    assert made.slack_ns == [2.75 - longest for longest in made.stage_ns]
