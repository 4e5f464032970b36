"""expand: every macro as what hardware has."""

from __future__ import annotations

import pytest

from hgq2rtl.fixed import OVERFLOWS, ROUNDINGS, Format, limits, round_mantissa
from hgq2rtl.ir import parse, verify
from hgq2rtl.ir.operations import OPERATIONS, lincomb, lookup
from hgq2rtl.passes import expand_macros, fold_constants
from hgq2rtl.passes.expand import EXPANSIONS

from .rewrites import assert_rewrites, assert_same_outputs


def expand_and_fold(program):
    return fold_constants(expand_macros(program))


def test_every_macro_has_an_expansion():
    """Catches a macro that would reach the emission; sums have a pass of their own."""
    assert {o for o in OPERATIONS if o.is_macro} == {*EXPANSIONS, lincomb}


# -- choices -----------------------------------------------------------------


def test_a_relu_is_a_mask_by_the_sign():
    """Catches a comparison with zero, which costs a carry chain."""
    assert_rewrites(
        expand_macros,
        """
        %0 = input : s8e0
        %1 = relu %0 : u7e0
        output %1
        """,
        """
        %0 = input : s8e0
        %1 = slice %0 low=7 wrap : u1e0
        %2 = mask %0, %1 when=0 : u7e0
        output %2
        """,
    )


def test_a_relu_that_does_nothing_is_nothing():
    """Catches a mask of what cannot be negative, and of what always is."""
    assert_rewrites(
        expand_macros,
        """
        %0 = input : u4e0
        %1 = input : s3e0[-4,-1]
        %2 = relu %0 : u4e0
        %3 = relu %1 : u0e0
        output %2
        output %3
        """,
        """
        %0 = input : u4e0
        %1 = input : s3e0[-4,-1]
        %3 = const : u0e0
        output %0
        output %3
        """,
    )


def test_an_absolute_value_chooses_by_the_sign():
    """Catches the one number more on the negative side: -128 becomes 128."""
    assert_rewrites(
        expand_macros,
        """
        %0 = input : s8e0
        %1 = abs %0 : u8e0[0,128]
        output %1
        """,
        """
        %0 = input : s8e0
        %1 = const : u0e0
        %2 = add %1, %0 sign=-1 : s9e0[-127,128]
        %3 = slice %0 low=7 wrap : u1e0
        %4 = mux %3, %2, %0 : u8e0[0,128]
        output %4
        """,
    )


def test_an_absolute_value_of_known_sign_is_no_choice():
    """Catches a multiplexer between a number and what it never is."""
    assert_rewrites(
        expand_macros,
        """
        %0 = input : u4e0
        %1 = input : s3e0[-4,-1]
        %2 = abs %0 : u4e0
        %3 = abs %1 : u3e0[1,4]
        output %2
        output %3
        """,
        """
        %0 = input : u4e0
        %1 = input : s3e0[-4,-1]
        %2 = const : u0e0
        %3 = add %2, %1 sign=-1 : u3e0[1,4]
        output %0
        output %3
        """,
    )


def test_extrema_choose_by_one_comparison():
    """Catches scales that are mixed up between the comparison and the choice."""
    assert_rewrites(
        expand_macros,
        """
        %0 = input : s4e0
        %1 = input : u4e1
        %2 = max %0, %1 shift=1 : u5e0[0,30]
        %3 = min %0, %1 shift=-2 : s6e-2[-32,15]
        output %2
        output %3
        """,
        """
        %0 = input : s4e0
        %1 = input : u4e1
        %2 = compare %0, %1 shift=1 : u1e0
        %3 = mux %2, %1, %0 shift=-1 : u5e0[0,30]
        %4 = compare %0, %1 shift=-2 : u1e0
        %5 = mux %4, %0, %1 shift=-2 : s6e-2[-32,15]
        output %3
        output %5
        """,
    )


# -- rounding ----------------------------------------------------------------

SIGNED = {
    "TRN": """
        %1 = slice %0 low=3 : s5e3
        output %1
        """,
    "RND": """
        %1 = const : u3e0[4,4]
        %2 = add %0, %1 : s9e0[-124,131]
        %3 = slice %2 low=3 : s6e3[-16,16]
        output %3
        """,
    "RND_CONV": """
        %1 = slice %0 low=3 wrap : u1e0
        %2 = add %0, %1 : s9e0[-128,128]
        %3 = const : u2e0[3,3]
        %4 = add %2, %3 : s9e0[-125,131]
        %5 = slice %4 low=3 : s6e3[-16,16]
        output %5
        """,
    "TRN_ZERO": """
        %1 = slice %0 low=7 wrap : u1e0
        %2 = const : u3e0[7,7]
        %3 = mask %2, %1 : u3e0
        %4 = add %0, %3 : s9e0[-128,134]
        %5 = slice %4 low=3 : s6e3[-16,16]
        %6 = slice %5 wrap : s5e3
        output %6
        """,
    "RND_ZERO": """
        %1 = slice %0 low=7 wrap : u1e0
        %2 = add %0, %1 : s9e0[-128,128]
        %3 = const : u2e0[3,3]
        %4 = add %2, %3 : s9e0[-125,131]
        %5 = slice %4 low=3 : s6e3[-16,16]
        output %5
        """,
    "RND_INF": """
        %1 = slice %0 low=7 wrap : u1e0
        %2 = add %0, %1 sign=-1 : s9e0[-129,127]
        %3 = const : u3e0[4,4]
        %4 = add %2, %3 : s9e0[-125,131]
        %5 = slice %4 low=3 : s6e3[-16,16]
        output %5
        """,
    "RND_MIN_INF": """
        %1 = const : u2e0[3,3]
        %2 = add %0, %1 : s9e0[-125,130]
        %3 = slice %2 low=3 : s6e3[-16,16]
        output %3
        """,
}

UNSIGNED = {
    "TRN_ZERO": """
        %1 = slice %0 low=3 : u5e3
        output %1
        """,
    "RND_ZERO": """
        %1 = const : u2e0[3,3]
        %2 = add %0, %1 : u9e0[3,258]
        %3 = slice %2 low=3 : u6e3[0,32]
        output %3
        """,
    "RND_INF": """
        %1 = const : u3e0[4,4]
        %2 = add %0, %1 : u9e0[4,259]
        %3 = slice %2 low=3 : u6e3[0,32]
        output %3
        """,
}


def rounding_of(input_format: str, k: int, mode: str) -> str:
    format = Format.parse(input_format)
    lo, hi = (round_mantissa(m, 3, mode) for m in (format.lo, format.hi))
    return f"""
        %0 = input : {input_format}
        %1 = quantize %0 shift=3 k={k} bits=9 rounding={mode} : {Format(lo, hi, 3)}
        output %1
        """


@pytest.mark.parametrize("mode", ROUNDINGS)
def test_rounding_adds_and_drops(mode):
    """Catches an offset that is wrong at ties or for negative numbers."""
    assert_rewrites(
        expand_macros, rounding_of("s8e0", 1, mode), f"%0 = input : s8e0\n{SIGNED[mode]}"
    )


@pytest.mark.parametrize("mode", UNSIGNED)
def test_rounding_of_what_is_never_negative_asks_for_no_sign(mode):
    """Catches a sign bit of an unsigned wire: its top bit is no sign."""
    assert_rewrites(
        expand_macros, rounding_of("u8e0", 0, mode), f"%0 = input : u8e0\n{UNSIGNED[mode]}"
    )


# -- overflow ----------------------------------------------------------------

FITTED = {
    "WRAP": """
        %1 = slice %0 wrap : s4e0
        output %1
        """,
    "SAT": """
        %1 = const : u3e0[7,7]
        %2 = compare %0, %1 : u1e0
        %3 = mux %2, %0, %1 : s8e0[-128,7]
        %4 = const : s4e0[-8,-8]
        %5 = compare %0, %4 : u1e0
        %6 = mux %5, %4, %3 : s4e0
        output %6
        """,
    "SAT_SYM": """
        %1 = const : u3e0[7,7]
        %2 = compare %0, %1 : u1e0
        %3 = mux %2, %0, %1 : s8e0[-128,7]
        %4 = const : s4e0[-7,-7]
        %5 = compare %0, %4 : u1e0
        %6 = mux %5, %4, %3 : s4e0[-7,7]
        output %6
        """,
    "WRAP_SM": """
        %1 = slice %0 wrap : s4e0
        %2 = const : u0e0
        %3 = compare %2, %0 : u1e0
        %4 = const : u0e0
        %5 = compare %0, %4 : u1e0
        %6 = bitwise %3, %5 function=or : u1e0
        %7 = slice %0 low=4 wrap : u1e0
        %8 = bitwise %6, %7 : u1e0
        %9 = slice %0 low=3 wrap : u1e0
        %10 = bitwise %8, %9 function=xor : u1e0
        %11 = const : s1e0[-1,-1]
        %12 = add %11, %1 sign=-1 : s4e0
        %13 = mux %10, %12, %1 : s4e0
        output %13
        """,
}


@pytest.mark.parametrize("overflow", OVERFLOWS)
def test_overflow_cuts_or_chooses(overflow):
    """Catches limits that are off by one, or a comparison of the wrong number."""
    lo, hi = limits(1, 3, overflow)
    assert_rewrites(
        expand_and_fold,
        f"""
        %0 = input : s8e0
        %1 = quantize %0 k=1 bits=3 overflow={overflow} : {Format(lo, hi)}
        output %1
        """,
        f"%0 = input : s8e0\n{FITTED[overflow]}",
    )


@pytest.mark.parametrize("overflow", ["WRAP", "SAT", "SAT_SYM"])
def test_what_fits_is_wires(overflow):
    """Catches logic for an overflow that cannot happen."""
    assert_rewrites(
        expand_and_fold,
        f"""
        %0 = input : s4e0[-7,7]
        %1 = quantize %0 shift=-2 k=1 bits=5 overflow={overflow} : s6e-2[-28,28]
        output %1
        """,
        """
        %0 = input : s4e0[-7,7]
        %1 = slice %0 low=-2 : s6e-2[-28,28]
        output %1
        """,
    )


@pytest.mark.parametrize("overflow", OVERFLOWS)
def test_no_bit_is_zero(overflow):
    """Catches a pruned wire that costs hardware."""
    assert_rewrites(
        expand_macros,
        f"""
        %0 = input : s8e0
        %1 = quantize %0 shift=2 k=0 bits=0 overflow={overflow} : u0e2
        output %1
        output %0
        """,
        """
        %0 = input : s8e0
        %1 = const : u0e2
        output %1
        output %0
        """,
    )


@pytest.mark.parametrize(
    ("given", "result"),
    [
        ("s5e0[-16,-9]", Format(-8, -8)),
        ("u4e0[9,12]", Format(7, 7)),
        ("s5e0[-16,-8]", Format(-8, -8)),
    ],
)
def test_what_always_saturates_is_sound(given, result):
    """Catches limits in the wrong order where no number is inside."""
    program = verify(
        parse(f"""
        %0 = input : {given}
        %1 = quantize %0 k=1 bits=3 overflow=SAT : {result}
        output %1
        """)
    )
    assert_same_outputs(program, verify(expand_macros(program)))


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_all_quantizers_on_all_inputs(rounding, overflow):
    """The whole of a small domain in hardware operations: catches what examples miss."""
    text = "%0 = input : s6e0\n%1 = input : u6e0\n"
    number = 2
    for x, k in ((0, 0), (0, 1), (1, 0), (1, 1)):
        for shift in (-1, 0, 1, 3):
            for bits in (0, 1, 3):
                lo, hi = limits(k, bits, overflow)
                text += (
                    f"%{number} = quantize %{x} shift={shift} k={k} bits={bits} "
                    f"rounding={rounding} overflow={overflow} : {Format(lo, hi, shift)}\n"
                    f"output %{number}\n"
                )
                number += 1
    program = verify(parse(text))
    assert_same_outputs(program, verify(expand_and_fold(program)), samples=250)


# -- formats -----------------------------------------------------------------


@pytest.mark.parametrize(
    "macro",
    [
        "relu %0",
        "abs %0",
        "max %0, %1",
        "min %0, %1 shift=1",
        "quantize %0 shift=1 k=1 bits=4 rounding=RND_CONV overflow=SAT",
        "quantize %0 shift=1 k=0 bits=3 overflow=WRAP_SM",
        "quantize %0 k=0 bits=0",
    ],
)
@pytest.mark.parametrize("format", ["s3e0", "u2e0", "u0e0"])
def test_a_macro_that_wraps_is_cut(macro, format):
    """Catches bits above the format that come back when the macro is gone."""
    program = verify(
        parse(f"""
        %0 = input : s6e0
        %1 = input : s6e0
        %2 = {macro} wrap : {format}
        output %2
        """)
    )
    expanded = verify(expand_macros(program))
    assert not any(value.operation.is_macro for value in expanded)
    assert_same_outputs(program, expanded)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("overflow", ["SAT", "SAT_SYM"])
def test_what_reads_a_quantizer_takes_its_new_range(rounding, overflow):
    """A rounding's wires can reach one more than its macro: catches a reader that does not see."""
    lo, hi = limits(1, 3, overflow)
    program = verify(
        parse(f"""
        %0 = input : s6e0
        %1 = quantize %0 shift=2 k=1 bits=3 rounding={rounding} overflow={overflow} : \
{Format(lo, hi, 2)}
        %2 = add %1, %1 sign=-1 shift=-2 : {Format(3 * lo, 3 * hi)}
        output %2
        """)
    )
    assert_same_outputs(program, verify(expand_macros(program)))


def test_sums_are_left_to_their_own_pass():
    """Catches an order of passes in which a sum is expanded unsolved."""
    text = "%0 = input : s4e0\n%1 = lincomb 3*%0 : s6e0[-24,21]\noutput %1"
    assert_rewrites(expand_macros, text, text)


def test_a_table_covers_what_its_input_can_be_by_intervals():
    """Catches a table that rounding in single steps leaves, though its numbers never do."""
    before = parse(
        """
        table -2: 5 -7 0 12
        %0 = input : s4e0[-7,5]
        %1 = quantize %0 shift=2 k=1 bits=9 rounding=TRN_ZERO : s2e2[-1,1]
        %2 = lookup %1 table=0 : s5e0[-7,12]
        output %2
        """
    )
    made = verify(expand_macros(verify(before)))
    (table,) = made.tables[1:] or made.tables
    (reader,) = made.values_of(lookup)
    lo, hi = made.interval(made.operands_of(reader)[0])
    assert table.base <= lo and hi < table.base + len(table.contents)
    assert_same_outputs(before, made)
