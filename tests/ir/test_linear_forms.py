"""Linear forms: sums of sums, and pieces of values that come together."""

from __future__ import annotations

from hgq2rtl.ir import parse
from hgq2rtl.ir.linear_forms import Atom, LinearForms


def forms(text: str) -> LinearForms:
    return LinearForms(parse(text))


def kept(form: dict[Atom, int]) -> dict[Atom, int]:
    return {atom: coefficient for atom, coefficient in form.items() if coefficient}


def test_a_sum_of_sums_is_in_terms_of_what_is_no_sum():
    found = forms("""
        %0 = input : s4e0
        %1 = row 4*%0 -1*%0 : s6e0[-24,21]
        %2 = add %1, %0 sign=-1 shift=1 : s4e0
        output %2
        """)
    assert kept(found.of(2)) == {Atom(0): 1}


def test_low_bits_and_the_rest_are_the_value():
    found = forms("""
        %0 = input : s8e0
        %1 = slice %0 wrap : u3e0
        %2 = slice %0 low=3 : s5e3
        %3 = row 1*%1 8*%2 : s8e0
        output %3
        """)
    assert (-128, 127) in list(found.intervals(3))


def test_segments_of_a_sum_are_the_sum():
    """Catches a carry that is counted twice, and a range that is only the one of the pieces."""
    joined = forms("""
        %0 = input : u8e0[0,130]
        %1 = slice %0 wrap : u4e0
        %2 = row 1*%1 1*%1 : u5e0[0,30]
        %3 = slice %2 wrap : u4e0
        %4 = slice %2 low=4 : u1e4
        %5 = slice %0 low=4 : u4e4[0,8]
        %6 = row 1*%5 1*%5 1*%4 wrap : u5e4
        %7 = concat %3, %6 shift=4 : u9e0[0,260]
        output %7
        """)
    assert kept(joined.of(7)) == {Atom(0): 2}
    assert (0, 260) in list(joined.intervals(7))


def test_segments_that_may_overflow_are_no_sum():
    """Modulo the width is exact only while the sum fits into it."""
    found = forms("""
        %0 = input : u8e0
        %1 = slice %0 wrap : u4e0
        %2 = row 1*%1 1*%1 : u5e0[0,30]
        %3 = slice %2 wrap : u4e0
        %4 = slice %2 low=4 : u1e4
        %5 = slice %0 low=4 : u4e4
        %6 = row 1*%5 1*%5 1*%4 wrap : u4e4
        %7 = concat %3, %6 shift=4 : u8e0
        output %7
        """)
    assert kept(found.of(7)) == {Atom(7): 1}
    assert list(found.intervals(7)) == []


def test_products_by_pieces_are_the_product():
    found = forms("""
        %0 = input : s4e0
        %1 = input : s4e0
        %2 = slice %1 wrap : u2e0
        %3 = slice %1 low=2 : s2e2
        %4 = mul %0, %2 : s6e0[-24,21]
        %5 = mul %0, %3 : s6e2[-14,16]
        %6 = row 1*%4 4*%5 : s8e0[-56,64]
        output %6
        """)
    assert (-56, 64) in list(found.intervals(6))
