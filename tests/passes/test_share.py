"""share: equal values are computed once."""

from __future__ import annotations

import pytest

from hgq2rtl.passes import remove_dead_values, share_common_values

from .rewrites import assert_keeps, assert_rewrites


def share_and_clean(program):
    return remove_dead_values(share_common_values(program))


def test_equal_values_are_one():
    """Catches work done twice, and readers of a value that is gone."""
    assert_rewrites(
        share_and_clean,
        """
        layer "a" QDense
        layer "b" QDense
        %0 = input : s4e0
        %1 = const : u2e0[3,3]
        %2 = const : u2e0[3,3]
        %3 = add %0, %1 : s5e0[-5,10] @0[0]
        %4 = add %0, %2 : s5e0[-5,10] @1[7]
        %5 = relu %3 : u4e0[0,10]
        %6 = relu %4 : u4e0[0,10]
        output %5
        output %6
        """,
        """
        layer "a" QDense
        layer "b" QDense
        %0 = input : s4e0
        %1 = const : u2e0[3,3]
        %3 = add %0, %1 : s5e0[-5,10] @0[0]
        %5 = relu %3 : u4e0[0,10]
        output %5
        output %5
        """,
    )


DIFFERENT = {
    "operands": ("add %0, %1 : s5e0", "add %0, %0 : s5e0"),
    "their order": ("add %0, %1 sign=-1 : s5e0", "add %1, %0 sign=-1 : s5e0"),
    "an attribute": ("add %0, %1 : s5e0", "add %0, %1 sign=-1 : s5e0"),
    "the range": ("add %0, %1 : s5e0", "add %0, %1 : s6e0"),
    "the scale": ("slice %0 : s4e0", "slice %0 : s4e1"),
    "a wrap": ("slice %0 : s4e0", "slice %0 wrap : s4e0"),
    "the operation": ("max %0, %1 : s4e0", "min %0, %1 : s4e0"),
    "a weight": ("lincomb 3*%0 : s6e0", "lincomb 2*%0 : s6e0"),
    "a wide weight": (
        f"lincomb {2**64 + 1}*%0 : s69e0[{-8 * (2**64 + 1)},{7 * (2**64 + 1)}]",
        f"lincomb {2**64 + 1 - 2**63}*%0 : s69e0[{-8 * (2**64 + 1)},{7 * (2**64 + 1)}]",
    ),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_values_that_differ_stay_two(what):
    """Catches a comparison that leaves something out."""
    first, second = DIFFERENT[what]
    assert_keeps(
        share_and_clean,
        f"""
        %0 = input : s4e0[-8,7]
        %1 = input : s4e0[-8,7]
        %2 = {first}
        %3 = {second}
        output %2
        output %3
        output %0
        output %1
        """,
    )


def test_inputs_and_outputs_are_never_shared():
    """Two fields may have equal formats: catches one wire for two pins."""
    assert_keeps(
        share_and_clean,
        """
        %0 = input : s4e0
        %1 = input : s4e0
        output %0
        output %0
        output %1
        """,
    )


def test_terms_of_a_row_have_no_order():
    """Catches one sum that is built twice because its operands changed places."""
    assert_rewrites(
        share_and_clean,
        """
        %0 = input : u4e0
        %1 = input : u4e0
        %2 = row 1*%0 2*%1 : u6e0[0,45]
        %3 = row 2*%1 1*%0 : u6e0[0,45]
        %4 = row 1*%1 2*%0 : u6e0[0,45]
        output %2
        output %3
        output %4
        """,
        """
        %0 = input : u4e0
        %1 = input : u4e0
        %2 = row 1*%0 2*%1 : u6e0[0,45]
        %4 = row 1*%1 2*%0 : u6e0[0,45]
        output %2
        output %2
        output %4
        """,
    )
