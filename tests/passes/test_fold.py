"""fold: constants are evaluated, operations that do nothing are gone."""

from __future__ import annotations

import pytest

from hgq2rtl.passes import fold_constants, remove_dead_values

from .rewrites import assert_keeps, assert_rewrites


def fold_and_clean(program):
    return remove_dead_values(fold_constants(program))


def test_operations_on_constants_are_constants():
    """Catches an evaluation that forgets an attribute, or a wrap."""
    assert_rewrites(
        fold_and_clean,
        """
        table -2: 7 8 9 10 11 12 13
        %0 = const : u2e0[3,3]
        %1 = const : s3e0[-4,-4]
        %2 = add %0, %1 sign=-1 shift=2 : u5e0[19,19]
        %3 = mul %2, %1 wrap : u5e0
        %4 = lookup %0 table=0 : u4e0[7,13]
        %5 = compare %0, %1 relation=ne : u1e0
        %6 = quantize %1 shift=1 k=1 bits=1 rounding=RND overflow=SAT : s2e1[-2,-2]
        %7 = lincomb 5*%0 2*%1 : u3e0[7,7]
        output %3
        output %4
        output %5
        output %6
        output %7
        """,
        """
        %3 = const : u5e0[20,20]
        %4 = const : u4e0[12,12]
        %5 = const : u1e0[1,1]
        %6 = const : s2e1[-2,-2]
        %7 = const : u3e0[7,7]
        output %3
        output %4
        output %5
        output %6
        output %7
        """,
    )


def test_a_range_of_one_number_is_a_constant():
    """Catches hardware for what can have one value only."""
    assert_rewrites(
        fold_and_clean,
        """
        %0 = input : u2e0
        %1 = slice %0 low=2 : u0e2
        %2 = slice %0 wrap : u0e0
        output %1
        output %2
        output %0
        """,
        """
        %0 = input : u2e0
        %1 = const : u0e2
        %2 = const : u0e0
        output %1
        output %2
        output %0
        """,
    )


@pytest.mark.parametrize(
    "line",
    [
        "slice %0 : s4e-1",
        "slice %0 : s5e-1[-8,8]",
        "add %0, %3 : s4e-1",
        "add %0, %3 sign=-1 shift=2 : s4e-1",
        "add %3, %0 : s4e-1",
        "mask %0, %2 : s4e-1",
        "mask %0, %3 when=0 : s4e-1",
        "mux %2, %0, %1 : s4e-1",
        "mux %3, %1, %0 : s4e-1",
        "bitwise %0, %0 : s4e-1",
        "bitwise %0, %0 function=or : s4e-1",
    ],
)
def test_an_operation_that_does_nothing_is_its_operand(line):
    """Catches LUTs for nothing."""
    assert_rewrites(
        fold_and_clean,
        f"""
        %0 = input : s4e-1
        %1 = input : s4e-1
        %2 = const : u1e0[1,1]
        %3 = const : u0e-1
        %4 = {line}
        output %4
        output %1
        """,
        """
        %0 = input : s4e-1
        %1 = input : s4e-1
        output %0
        output %1
        """,
    )


KEPT = {
    "a shift moves the mantissa": "add %0, %2 shift=-1 : s5e-2[-16,14]",
    "so it does here": "add %2, %0 shift=1 : s5e-1[-16,14]",
    "a negation": "add %2, %0 sign=-1 : s5e-1[-7,8]",
    "a cut": "slice %0 wrap : s3e-1",
    "another sign": "slice %0 wrap : u4e-1",
    "another scale": "slice %0 : s4e2",
    "dropped bits": "slice %0 low=1 : s3e0",
    "xor with itself is zero": "bitwise %0, %0 function=xor : s4e-1",
    "a chosen number on a finer scale": "mux %1, %0, %0 shift=-1 : s5e-2",
}


@pytest.mark.parametrize("why", KEPT)
def test_an_operation_that_does_something_stays(why):
    """Catches a rule that looks at too little."""
    uses_zero = "%2" in KEPT[why]
    zero = "%2 = const : u0e-1" if uses_zero else ""
    bit = "output %1"
    assert_keeps(
        fold_and_clean,
        f"""
        %0 = input : s4e-1
        %1 = input : u1e0
        {zero}
        %4 = {KEPT[why]}
        output %4
        {bit}
        """,
    )


def test_a_relu_stays_one_when_its_operand_gets_narrower():
    """Catches a sign bit that is no longer found at the top: the mask would be signed."""
    assert_rewrites(
        fold_and_clean,
        """
        %0 = input : s4e0
        %1 = slice %0 : s9e0[-200,200]
        %2 = slice %1 low=8 wrap : u1e0
        %3 = mask %1, %2 when=0 : u8e0[0,200]
        output %3
        """,
        """
        %0 = input : s4e0
        %2 = slice %0 low=8 wrap : u1e0
        %3 = mask %0, %2 when=0 : u3e0
        output %3
        """,
    )


def test_readers_take_the_narrower_range():
    """Catches a sum that stays as wide as what is gone."""
    assert_rewrites(
        fold_and_clean,
        """
        %0 = input : s4e0
        %1 = slice %0 : s9e0[-200,200]
        %2 = add %1, %1 shift=1 : s11e0[-600,600]
        output %2
        """,
        """
        %0 = input : s4e0
        %2 = add %0, %0 shift=1 : s6e0[-24,21]
        output %2
        """,
    )
