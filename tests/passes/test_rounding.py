"""round-in-sums: the half of a rounding becomes part of a bias."""

from __future__ import annotations

import pytest

from hgq2rtl.fixed import OVERFLOWS, limits
from hgq2rtl.passes import remove_dead_values, round_inside_sums

from .rewrites import assert_keeps, assert_rewrites


def round_and_clean(program):
    return remove_dead_values(round_inside_sums(program))


def test_the_half_moves_into_the_sum():
    """Catches an adder for each rounding."""
    assert_rewrites(
        round_and_clean,
        """
        %0 = input : s8e-4
        %1 = lincomb 3*%0 group=1 : s10e-4[-384,381]
        %2 = quantize %1 shift=3 k=1 bits=4 rounding=RND : s5e-1
        output %2
        """,
        """
        %0 = input : s8e-4
        %1 = const : u3e-4[4,4]
        %2 = lincomb 3*%0 1*%1 group=1 : s10e-4[-380,385]
        %3 = slice %2 low=3 : s7e-1[-48,48]
        %4 = quantize %3 k=1 bits=4 : s5e-1
        output %4
        """,
    )


def test_the_half_moves_through_a_relu():
    """Catches a relu that sees the sum before the half: -1/2 would round to 1."""
    assert_rewrites(
        round_and_clean,
        """
        %0 = input : s8e-4
        %1 = lincomb 3*%0 group=1 : s10e-4[-384,381]
        %2 = relu %1 : u9e-4[0,381]
        %3 = quantize %2 shift=3 k=0 bits=4 rounding=RND : u4e-1
        output %3
        """,
        """
        %0 = input : s8e-4
        %1 = const : u3e-4[4,4]
        %2 = lincomb 3*%0 1*%1 group=1 : s10e-4[-380,385]
        %3 = slice %2 low=3 : s7e-1[-48,48]
        %4 = relu %3 : u6e-1[0,48]
        %5 = quantize %4 k=0 bits=4 : u4e-1
        output %5
        """,
    )


@pytest.mark.parametrize("overflow", ["WRAP", "SAT", "SAT_SYM"])
def test_overflow_comes_after_as_before(overflow):
    """Catches an overflow mode that is lost on the way."""
    lo, hi = limits(1, 4, overflow)
    assert_rewrites(
        round_and_clean,
        f"""
        %0 = input : s8e-4
        %1 = lincomb 3*%0 group=1 : s10e-4[-384,381]
        %2 = quantize %1 shift=3 k=1 bits=4 rounding=RND overflow={overflow} : s5e-1[{lo},{hi}]
        output %2
        """,
        f"""
        %0 = input : s8e-4
        %1 = const : u3e-4[4,4]
        %2 = lincomb 3*%0 1*%1 group=1 : s10e-4[-380,385]
        %3 = slice %2 low=3 : s7e-1[-48,48]
        %4 = quantize %3 k=1 bits=4 overflow={overflow} : s5e-1[{lo},{hi}]
        output %4
        """,
    )


KEPT = {
    "no sum": """
        %0 = input : s8e-4
        %1 = quantize %0 shift=3 k=1 bits=4 rounding=RND : s5e-1
        output %1
        """,
    "another reader of the sum": """
        %0 = input : s8e-4
        %1 = lincomb 3*%0 group=1 : s10e-4[-384,381]
        %2 = quantize %1 shift=3 k=1 bits=4 rounding=RND : s5e-1
        output %2
        output %1
        """,
    "another reader of the relu": """
        %0 = input : s8e-4
        %1 = lincomb 3*%0 group=1 : s10e-4[-384,381]
        %2 = relu %1 : u9e-4[0,381]
        %3 = quantize %2 shift=3 k=1 bits=4 rounding=RND : s5e-1
        output %3
        output %2
        """,
    "nothing is dropped": """
        %0 = input : s8e-4
        %1 = lincomb 3*%0 group=1 : s10e-4[-384,381]
        %2 = quantize %1 shift=-1 k=1 bits=4 rounding=RND : s5e-5
        output %2
        """,
    "ties to even": """
        %0 = input : s8e-4
        %1 = lincomb 3*%0 group=1 : s10e-4[-384,381]
        %2 = quantize %1 shift=3 k=1 bits=4 rounding=RND_CONV : s5e-1
        output %2
        """,
    "a sum that wraps": """
        %0 = input : s8e-4
        %1 = lincomb 3*%0 group=1 wrap : s6e-4
        %2 = quantize %1 shift=3 k=1 bits=4 rounding=RND : s4e-1[-4,4]
        output %2
        """,
    "a relu that wraps": """
        %0 = input : s8e-4
        %1 = lincomb 3*%0 group=1 : s10e-4[-384,381]
        %2 = relu %1 wrap : u5e-4
        %3 = quantize %2 shift=3 k=1 bits=4 rounding=RND : u3e-1[0,4]
        output %3
        """,
    "the unrounded number decides": """
        %0 = input : s8e-4
        %1 = lincomb 3*%0 group=1 : s10e-4[-384,381]
        %2 = quantize %1 shift=3 k=1 bits=4 rounding=RND overflow=WRAP_SM : s5e-1
        output %2
        """,
}


@pytest.mark.parametrize("why", KEPT)
def test_elsewhere_nothing_moves(why):
    """Catches a half that reaches another reader, or a rounding that it is not the half of."""
    assert_keeps(round_and_clean, KEPT[why])


def test_a_quantizer_that_wraps_its_result_still_does():
    """Catches a format that is lost with the rounding."""
    assert_rewrites(
        round_and_clean,
        """
        %0 = input : s8e-4
        %1 = lincomb 3*%0 group=1 : s10e-4[-384,381]
        %2 = quantize %1 shift=3 k=1 bits=8 rounding=RND wrap : u3e-1
        output %2
        """,
        """
        %0 = input : s8e-4
        %1 = const : u3e-4[4,4]
        %2 = lincomb 3*%0 1*%1 group=1 : s10e-4[-380,385]
        %3 = slice %2 low=3 : s7e-1[-48,48]
        %4 = quantize %3 k=1 bits=8 wrap : u3e-1
        output %4
        """,
    )


def test_overflow_modes_are_all_looked_at():
    """Catches a mode added to the package that the tests above would not reach."""
    assert set(OVERFLOWS) == {"WRAP", "SAT", "SAT_SYM", "WRAP_SM"}
