"""rows: what was an addition is a row of the same meaning."""

from __future__ import annotations

import pytest

from hgq2rtl.ir.operations import add
from hgq2rtl.passes import turn_additions_into_rows
from tests.ir.random_programs import random_program

from .rewrites import assert_rewrites, assert_same_outputs


def test_signs_and_shifts_become_weights():
    """Catches a shift that moves the other operand."""
    assert_rewrites(
        turn_additions_into_rows,
        """
        %0 = input : s4e0
        %1 = input : u3e0
        %2 = add %0, %1 sign=-1 shift=2 : s7e0[-36,7]
        %3 = add %0, %1 shift=-2 : s7e-2[-32,35]
        output %2
        output %3
        """,
        """
        %0 = input : s4e0
        %1 = input : u3e0
        %2 = row 1*%0 -4*%1 : s7e0[-36,7]
        %3 = row 4*%0 1*%1 : s7e-2[-32,35]
        output %2
        output %3
        """.replace("s7e-2[-32,35]", "s7e-2[-32,35]"),
    )


def test_an_absolute_value_keeps_its_range():
    """The negation that a choice guards may be a row: catches a range that is lost with the add."""
    assert_rewrites(
        turn_additions_into_rows,
        """
        %0 = input : s4e0
        %1 = const : u0e0[0,0]
        %2 = add %1, %0 sign=-1 : s5e0[-7,8]
        %3 = slice %0 low=3 wrap : u1e0
        %4 = mux %3, %2, %0 : u4e0[0,8]
        output %4
        """,
        """
        %0 = input : s4e0
        %1 = const : u0e0[0,0]
        %2 = row -1*%0 : s5e0[-7,8]
        %3 = slice %0 low=3 wrap : u1e0
        %4 = mux %3, %2, %0 : u4e0[0,8]
        output %4
        """,
    )


@pytest.mark.parametrize("widest", [4, 15, 33, 64, 80])
def test_random_programs_keep_every_output(widest):
    for seed in range(20):
        program = random_program(seed, widest=widest)
        done = turn_additions_into_rows(program)
        assert not len(done.values_of(add))
        assert_same_outputs(program, done)
