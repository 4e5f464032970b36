"""A stored schedule needs each of its fields, and no stage of a constant."""

from __future__ import annotations

import pytest

from hgq2rtl.errors import BadProgram
from hgq2rtl.ir import parse, verify
from hgq2rtl.schedule import ScheduleWish, schedule, schedule_from_json, schedule_to_json
from hgq2rtl.targets import target_for

PROGRAM = verify(
    parse("""
    %0 = input : s4e0
    %1 = const : u3e0[5,5]
    %2 = add %0, %0 shift=1 : s6e0
    %3 = add %2, %1 : s7e0
    output %3
    """)
)
STORED = schedule_to_json(schedule(PROGRAM, target_for(), ScheduleWish(stages=2)))


@pytest.mark.parametrize("name", sorted(STORED.keys() - {"kind", "version"}))
def test_a_schedule_that_lacks_a_field_is_refused(name):
    """Catches a default for what a file must say."""
    with pytest.raises(BadProgram) as refusal:
        schedule_from_json(PROGRAM, {n: value for n, value in STORED.items() if n != name})
    assert str(refusal.value) == f"the schedule is damaged: KeyError({name!r})"


def test_a_constant_may_be_read_in_any_stage():
    """Catches a check that takes the stage of a constant for its time."""
    made = schedule_from_json(PROGRAM, {**STORED, "stage": [0, 1, 0, 0, 1]})
    assert made.registers[1] == 0
