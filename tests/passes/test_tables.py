"""tables: what sums read of a table is unsigned."""

from __future__ import annotations

import pytest

from hgq2rtl.ir import parse, verify
from hgq2rtl.passes import make_tables_unsigned, remove_dead_values
from tests.ir.random_programs import random_program

from .rewrites import assert_keeps, assert_rewrites, assert_same_outputs


def clean(program):
    return remove_dead_values(make_tables_unsigned(program))


def test_sign_and_offset_of_a_table_join_the_sum():
    """Catches a sign bit that a row would invert, and an offset that is lost."""
    assert_rewrites(
        clean,
        """
        table -2: -3 4 0 1
        %0 = input : s2e0
        %1 = input : s2e0
        %2 = lookup %0 table=0 : s4e0[-3,4]
        %3 = lookup %1 table=0 : s4e0[-3,4]
        %4 = lincomb 2*%2 -1*%3 : s5e0[-10,11]
        output %4
        """,
        """
        table -2: 0 7 3 4
        table -2: 7 0 4 3
        %0 = input : s2e0
        %1 = input : s2e0
        %2 = lookup %0 table=0 : u3e0
        %3 = lookup %1 table=1 : u3e0
        %4 = const : s5e0[-10,-10]
        %5 = lincomb 2*%2 1*%3 1*%4 : s5e0[-10,11]
        output %5
        """,
    )


def test_the_offset_is_that_of_reached_entries():
    """Catches contents that no address reaches and that make the table wider."""
    assert_rewrites(
        clean,
        """
        table 0: 5 6 100 -100
        %0 = input : u1e0
        %1 = lookup %0 table=0 : u3e0[5,6]
        %2 = lincomb 3*%1 : u5e0[15,18]
        output %2
        """,
        """
        table 0: 0 1 1 0
        %0 = input : u1e0
        %1 = lookup %0 table=0 : u1e0
        %2 = const : u4e0[15,15]
        %3 = lincomb 3*%1 1*%2 : u5e0[15,18]
        output %3
        """,
    )


def test_a_table_that_something_else_reads_stays():
    """Catches contents that change under a relu."""
    assert_keeps(
        clean,
        """
        table -2: -3 4 0 1
        %0 = input : s2e0
        %1 = lookup %0 table=0 : s4e0[-3,4]
        %2 = relu %1 : u3e0[0,4]
        %3 = lincomb 3*%1 1*%2 : s5e0[-9,16]
        output %3
        """.replace("s5e0[-9,16]", "s6e0[-9,16]"),
    )


def test_tables_that_nothing_reads_are_gone():
    """Catches a file that carries the contents of the file before it."""
    program = verify(
        parse(
            "table 0: 1 2\ntable 0: 3 4\n%0 = input : u1e0\n"
            "%1 = lookup %0 table=1 : u3e0[3,4]\noutput %1"
        )
    )
    done = verify(remove_dead_values(program))
    assert [table.contents.tolist() for table in done.tables] == [[3, 4]]
    assert_same_outputs(program, done)


@pytest.mark.parametrize("widest", [4, 15, 33, 64, 80])
def test_random_programs_keep_every_output(widest):
    for seed in range(30):
        program = random_program(seed, widest=widest, size=60)
        assert_same_outputs(program, verify(clean(program)))
