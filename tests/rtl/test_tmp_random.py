"""Programs at random, as Verilog: what the examples of every operation do not combine."""

from __future__ import annotations

import pytest

from hgq2rtl.passes import run_passes
from hgq2rtl.rtl import emit
from hgq2rtl.schedule import ScheduleWish, schedule
from hgq2rtl.targets import target_for
from hgq2rtl.verify import check_verilog

from ..ir.random_programs import random_mantissas, random_program

WISHES = [
    ScheduleWish(clock_ns=12.0),
    ScheduleWish(stages=5, has_input_register=False),
    ScheduleWish(is_combinational=True),
]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 22))
def test_a_random_program_is_the_interpreters_in_verilog(seed, tmp_path):
    """Catches a sign, a width or a register that only some combination of operations shows."""
    widest = (9, 20, 80)[seed % 3]
    program = run_passes(random_program(seed, size=250, widest=widest))
    timing = schedule(program, target_for(), WISHES[seed % len(WISHES)])
    result = check_verilog(
        timing, emit(timing, "core"), random_mantissas(program, 2000, seed), tmp_path
    )
    assert result.mismatches == 0
