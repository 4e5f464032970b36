"""dead: what no output needs is gone."""

from __future__ import annotations

from hgq2rtl.ir import parse, to_text, verify
from hgq2rtl.passes import remove_dead_values

from .rewrites import assert_keeps, assert_rewrites


def test_values_without_a_reader_are_gone():
    """Catches a chain whose last value alone is removed, and operands that lose count."""
    assert_rewrites(
        remove_dead_values,
        """
        layer "a" QDense
        %0 = input : s4e0
        %1 = const : u1e0[1,1]
        %2 = add %0, %1 : s5e0[-7,8] @0[1]
        %3 = relu %2 : u4e0[0,8]
        %4 = lincomb 3*%0 -5*%0 : s7e0[-59,61] @0[2]
        %5 = abs %0 : u4e0[0,8]
        output %4
        """,
        """
        layer "a" QDense
        %0 = input : s4e0
        %4 = lincomb 3*%0 -5*%0 : s7e0[-59,61] @0[2]
        output %4
        """,
    )


def test_what_an_output_needs_stays():
    """Catches a value removed that is read late or through many."""
    assert_keeps(
        remove_dead_values,
        """
        %0 = input : s4e0
        %1 = relu %0 : u3e0
        %2 = abs %0 : u4e0[0,8]
        %3 = add %1, %2 : u4e0
        output %3
        output %1
        """,
    )


def test_ports_keep_the_fields_of_unused_inputs():
    """The port is the user's: catches a core whose pins change with the weights."""
    program = verify(parse("%0 = input : s4e0\n%1 = input : s80e0\noutput %0"))
    cleaned = verify(remove_dead_values(program))
    assert cleaned.inputs == program.inputs
    assert len(cleaned.values_of(cleaned[0].operation)) == 1


def test_wide_values_keep_their_ranges():
    """Catches an interval beyond 64 bits that stays at its old row."""
    text = """\
%0 = input : u1e0
%1 = input : s80e0
%2 = relu %0 : u1e0
%3 = relu %1 : u79e0
output %3
"""
    made = verify(remove_dead_values(verify(parse(text))))
    assert "\n%0 = input field=1 : s80e0\n%1 = relu %0 : u79e0\n" in to_text(made)
