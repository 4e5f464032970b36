"""Formats: widths, kif views, text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis.strategies import composite, integers

from hgq2rtl.errors import BadProgram
from hgq2rtl.fixed import Format, bit_width, bit_widths

SEEDED = settings(derandomize=True, deadline=None, max_examples=150)
EDGES = sorted(
    {s * (2**n + d) for n in (0, 1, 31, 32, 52, 53, 61, 62) for d in (-1, 0, 1) for s in (1, -1)}
)


@composite
def formats(draw, bits=100):
    lo = draw(integers(-(2**bits), 2**bits))
    return Format(lo, lo + draw(integers(0, 2**bits)), draw(integers(-500, 500)))


def holds(bits: int, is_signed: bool, number: int) -> bool:
    lo = -(2 ** (bits - 1)) if is_signed else 0
    return lo <= number < lo + 2**bits


# -- widths ------------------------------------------------------------------


@SEEDED
@given(format=formats())
def test_width_is_the_fewest_bits_that_hold_both_ends(format):
    """Catches a width one too small (a wrong netlist) or one too great (a wasted bit)."""
    lo, hi, width = format.lo, format.hi, format.width
    assert holds(width, lo < 0, lo) and holds(width, lo < 0, hi)
    fewer = width - 1
    if fewer > 0 or (fewer == 0 and lo >= 0):
        assert not (holds(fewer, lo < 0, lo) and holds(fewer, lo < 0, hi))


def test_width_of_small_intervals_by_counting():
    """The whole of a small domain: catches any slip at zero, minus one and powers of two."""
    for lo in range(-9, 10):
        for hi in range(lo, 10):
            enough = next(
                bits
                for bits in range(1 if lo < 0 else 0, 8)
                if holds(bits, lo < 0, lo) and holds(bits, lo < 0, hi)
            )
            assert bit_width(lo, hi) == enough, (lo, hi)


def test_widths_of_arrays_equal_those_of_ints_at_the_edges():
    """float64 behind frexp rounds above 2**53: catches an edge that it moves."""
    ends = [n for n in (*EDGES, -(2**63), 2**63 - 1) if -(2**63) <= n < 2**63]
    pairs = [(lo, hi) for lo in ends for hi in ends if lo <= hi]
    lo, hi = np.array(pairs, np.int64).T
    assert bit_widths(lo, hi).tolist() == [bit_width(a, b) for a, b in pairs]
    assert bit_widths(np.array([[0]]), np.array([[2**62]])).tolist() == [[63]]


@SEEDED
@given(a=integers(-(2**63), 2**63 - 1), b=integers(-(2**63), 2**63 - 1))
def test_widths_of_arrays_equal_those_of_ints(a, b):
    """Catches a column of the Program that tells another width than the value's format."""
    lo, hi = min(a, b), max(a, b)
    assert bit_widths(np.array([lo]), np.array([hi])).tolist() == [bit_width(lo, hi)]


# -- views -------------------------------------------------------------------


@SEEDED
@given(k=integers(0, 1), i=integers(-40, 80), f=integers(-40, 80))
@example(k=1, i=3, f=-3)
def test_kif_survives_the_way_into_a_format(k, i, f):
    """Catches a sign bit counted twice, or a negative i or f cut at zero."""
    assume(k + i + f > 0)
    format = Format.from_kif(k, i, f)
    assert format.kif == (k, i, f)
    assert format.width == k + i + f
    assert format.container == format
    assert (format.lo, format.hi) == (-k * 2 ** (i + f), 2 ** (i + f) - 1)


@pytest.mark.parametrize("kif", [(0, 0, 0), (1, -1, 0), (0, 2, -2), (0, -5, 3), (1, -9, 2)])
def test_no_bit_is_the_constant_zero(kif):
    """Catches a pruned wire that gets a width, or a negative shift."""
    format = Format.from_kif(*kif)
    assert (format.lo, format.hi, format.width) == (0, 0, 0)
    assert format.is_constant and not format.is_signed
    assert format.kif == (0, -kif[2], kif[2])


@SEEDED
@given(format=formats())
def test_the_container_holds_the_format_on_as_many_bits(format):
    """Catches a container of another width, which a wrapping value would be cut to."""
    full = format.container
    assert full.lo <= format.lo and format.hi <= full.hi
    assert (full.width, full.is_signed) == (format.width, format.is_signed)
    assert full.exponent == format.exponent
    assert full.container == full


@pytest.mark.parametrize("is_signed", (False, True))
def test_formats_by_width_hold_every_pattern_of_bits(is_signed):
    """Catches an end that is off by one."""
    for width in range(1, 9):
        format = Format.of_width(width, is_signed, -2)
        assert format.hi - format.lo + 1 == 2**width
        assert format.is_signed == is_signed and format.width == width and format.f == 2
    assert Format.of_width(0, is_signed).width == 0


def test_membership_is_by_mantissa():
    """Catches a membership test on values, or one that forgets an end."""
    format = Format(-3, 5, -4)
    assert [m for m in range(-10, 10) if m in format] == list(range(-3, 6))


# -- text --------------------------------------------------------------------


@SEEDED
@given(format=formats())
def test_text_round_trip(format):
    """Catches a format that the text of a Program would change."""
    assert Format.parse(str(format)) == format


@pytest.mark.parametrize(
    ("format", "text"),
    [
        (Format(-2048, 2047, -3), "s12e-3"),
        (Format(0, 15, 0), "u4e0"),
        (Format(1, 9, 0), "u4e0[1,9]"),
        (Format(-3, -3, 2), "s3e2[-3,-3]"),
        (Format(0, 0, 7), "u0e7"),
    ],
)
def test_text_is_short_where_the_range_is_full(format, text):
    """Catches a change of the text form: programs on disk and in tests are written in it."""
    assert str(format) == text
    assert Format.parse(text) == format


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x8e0", "'x8e0' is no format: write for example s12e-3 or u4e0[1,9]"),
        ("u8", "'u8' is no format: write for example s12e-3 or u4e0[1,9]"),
        ("u4e0[1,9", "'u4e0[1,9' is no format: write for example s12e-3 or u4e0[1,9]"),
        ("u4e0[1,19]", "'u4e0[1,19]': the interval needs u5e0"),
        ("u4e0[-1,9]", "'u4e0[-1,9]': the interval needs s5e0"),
        ("s4e1[0,7]", "'s4e1[0,7]': the interval needs u3e1"),
        ("u4e0[9,8]", "the interval [9, 8] is empty: lo must not exceed hi"),
    ],
)
def test_what_is_no_format_is_refused(text, message):
    """Catches a format that is read as another one."""
    with pytest.raises(BadProgram) as error:
        Format.parse(text)
    assert str(error.value) == message


def test_an_empty_interval_is_refused():
    """Catches a Format that holds no number."""
    with pytest.raises(BadProgram) as error:
        Format(3, 2)
    assert str(error.value) == "the interval [3, 2] is empty: lo must not exceed hi"
