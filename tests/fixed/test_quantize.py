"""Rounding and overflow on integers, against definitions on Fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, sampled_from

from hgq2rtl.fixed import OVERFLOWS, ROUNDINGS, limits, quantize, round_mantissa, wrap
from hgq2rtl.fixed.quantize import rounding_offset

from .definitions import ROUND, quantized, wrapped

SEEDED = settings(derandomize=True, deadline=None, max_examples=100)
HUGE = integers(-(2**90), 2**90)
SMALL = range(-70, 71)
SHIFTS = range(-2, 5)


def test_every_mode_has_a_definition_here():
    """Catches a mode added to the package that no test below would reach."""
    assert set(ROUND) == set(ROUNDINGS)
    assert OVERFLOWS == ("WRAP", "SAT", "SAT_SYM", "WRAP_SM")


@pytest.mark.parametrize("mode", ROUNDINGS)
@SEEDED
@given(m=HUGE, shift=integers(-20, 100))
def test_rounding_is_its_definition_on_integers_of_any_size(mode, m, shift):
    """Catches arithmetic that holds only up to a machine word, or only for one sign."""
    assert round_mantissa(m, shift, mode) == ROUND[mode](Fraction(m) / Fraction(2) ** shift)


@pytest.mark.parametrize("mode", ROUNDINGS)
@SEEDED
@given(half_steps=HUGE, shift=integers(1, 70))
def test_rounding_is_its_definition_at_ties(mode, half_steps, shift):
    """Random numbers hardly ever are ties, and ties are where the modes differ."""
    m = half_steps << (shift - 1)
    assert round_mantissa(m, shift, mode) == ROUND[mode](Fraction(half_steps, 2))


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_quantize_is_its_definition_on_a_whole_small_domain(rounding, overflow):
    """Catches every off-by-one at the ends of a range, at zero bits, at ties and at signs."""
    for shift in SHIFTS:
        for k, bits in product((0, 1), range(-1, 5)):
            got = [quantize(m, shift, k, bits, rounding, overflow) for m in SMALL]
            want = [quantized(m, shift, k, bits, rounding, overflow) for m in SMALL]
            assert got == want, (shift, k, bits)


@pytest.mark.parametrize("overflow", OVERFLOWS)
@SEEDED
@given(
    m=HUGE,
    shift=integers(-10, 80),
    k=integers(0, 1),
    bits=integers(-3, 70),
    rounding=sampled_from(ROUNDINGS),
)
def test_quantize_is_its_definition_on_integers_of_any_size(overflow, m, shift, k, bits, rounding):
    """Catches an overflow mode that holds for small periods only."""
    got = quantize(m, shift, k, bits, rounding, overflow)
    assert got == quantized(m, shift, k, bits, rounding, overflow)


@pytest.mark.parametrize("overflow", OVERFLOWS)
@SEEDED
@given(m=integers(-(2**12), 2**12), shift=integers(-3, 8), k=integers(0, 1), bits=integers(-1, 6))
def test_limits_are_the_least_and_greatest_results(overflow, m, shift, k, bits):
    """Catches limits that a quantizer leaves: formats and intervals are made of them."""
    lo, hi = limits(k, bits, overflow)
    assert lo <= quantize(m, shift, k, bits, "RND", overflow) <= hi


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("k", (0, 1))
def test_limits_are_reached(k, overflow):
    """Catches limits wider than the quantizer: wires would be too wide."""
    for bits in range(0, 4):
        reached = [quantize(m, 0, k, bits, "TRN", overflow) for m in range(-64, 64)]
        assert (min(reached), max(reached)) == limits(k, bits, overflow), bits


@SEEDED
@given(m=HUGE, lo=HUGE, bits=integers(0, 90))
def test_wrap_gives_the_one_congruent_number_of_the_range(m, lo, bits):
    """Catches a wrap to a range that does not begin at a power of two."""
    assert wrap(m, lo, bits) == wrapped(m, lo, bits)


@pytest.mark.parametrize("overflow", OVERFLOWS)
@settings(SEEDED, max_examples=400)
@given(
    m=integers(-(2**62) + 1, 2**62 - 1),
    shift=integers(-62, 62),
    k=integers(0, 1),
    bits=integers(-2, 62),
    rounding=sampled_from(ROUNDINGS),
)
def test_int64_arrays_agree_with_python_ints(overflow, m, shift, k, bits, rounding):
    """Catches a step that leaves int64 within the bounds that the module promises."""
    if shift < 0:  # the result must fit too
        m = m // abs(m or 1) * (abs(m) >> -shift)
    array = np.array([m, -m, m // 3, 0, 1, -1], np.int64)
    got = quantize(array, shift, k, bits, rounding, overflow)
    want = [quantize(n, shift, k, bits, rounding, overflow) for n in array.tolist()]
    assert got.dtype == np.int64
    assert got.tolist() == want


@pytest.mark.parametrize("mode", ROUNDINGS)
def test_arrays_keep_their_shape(mode):
    """Catches a mode that flattens or reduces."""
    m = np.arange(-12, 12).reshape(2, 3, 4)
    assert round_mantissa(m, 2, mode).shape == (2, 3, 4)
    assert quantize(m, 1, 1, 2, mode, "WRAP_SM").shape == (2, 3, 4)


def test_the_caller_keeps_the_array():
    """Catches work in place: a handler's array would change under it."""
    m = np.arange(-8, 8)
    for rounding in ROUNDINGS:
        for overflow in OVERFLOWS:
            quantize(m, 2, 1, 2, rounding, overflow)
    assert m.tolist() == list(range(-8, 8))


def test_unknown_modes_are_named_with_the_known_ones():
    """Catches a misspelt mode that is taken for the default."""
    with pytest.raises(ValueError) as error:
        rounding_offset(1, 1, "RND_UP")
    assert str(error.value) == (
        "unknown rounding 'RND_UP': use one of TRN, RND, RND_CONV, TRN_ZERO, RND_ZERO, RND_INF, "
        "RND_MIN_INF"
    )
    with pytest.raises(ValueError) as error:
        quantize(1, 0, 1, 3, "TRN", "CLIP")
    assert str(error.value) == "unknown overflow 'CLIP': use one of WRAP, SAT, SAT_SYM, WRAP_SM"
