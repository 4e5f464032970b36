"""The border: the framework's float steps, and where they equal exact integers."""

from __future__ import annotations

import os
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis.strategies import integers, lists, sampled_from

from hgq2rtl.errors import NotExact
from hgq2rtl.fixed import FLOAT_TYPES, OVERFLOWS, ROUNDINGS, quantize, quantize_float

SEEDED = settings(derandomize=True, deadline=None, max_examples=300)
NO_RESULT = (
    "a value is NaN, infinite or too large for its quantizer: {} holds no result. "
    "Give finite numbers."
)


def bits(*numbers):
    return tuple(np.array(n) for n in numbers)


@pytest.mark.parametrize("float_type", FLOAT_TYPES)
@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_equals_the_integer_quantizer_on_a_whole_small_domain(rounding, overflow, float_type):
    """Catches float steps in another order or at another scale than the integers'."""
    m = np.arange(-150, 151)
    x = np.ldexp(m.astype(np.float32), -4)
    for k in (0, 1):
        for i in range(-3, 4):
            for f in range(-2, 5):
                got = quantize_float(x, *bits(k, i, f), rounding, overflow, float_type)
                want = quantize(m, 4 - f, k, i + f, rounding, overflow)
                assert got.tolist() == want.tolist(), (k, i, f)


@SEEDED
@given(
    m=lists(integers(-(2**21), 2**21), min_size=1, max_size=8),
    exponent=integers(-30, 10),
    k=integers(0, 1),
    width=integers(-2, 20),
    f=integers(-10, 30),
    rounding=sampled_from(ROUNDINGS),
    overflow=sampled_from(OVERFLOWS),
)
def test_equals_the_integer_quantizer_where_float32_is_exact(
    m, exponent, k, width, f, rounding, overflow
):
    """Catches a step that rounds although 24 bits are enough."""
    shift = -f - exponent
    assume(-20 <= shift <= 40)
    m = [n >> max(-shift, 0) for n in m]  # the scaled number within 24 bits
    x = np.ldexp(np.array(m, np.float32), exponent)
    got = quantize_float(x, *bits(k, width - f, f), rounding, overflow)
    want = [quantize(n, shift, k, width, rounding, overflow) for n in m]
    assert got.tolist() == want


@SEEDED
@given(
    m=lists(integers(-(2**50), 2**50), min_size=1, max_size=8),
    exponent=integers(-60, 10),
    k=integers(0, 1),
    width=integers(-2, 49),
    f=integers(-10, 60),
    rounding=sampled_from(ROUNDINGS),
    overflow=sampled_from(OVERFLOWS),
)
def test_equals_the_integer_quantizer_where_float64_is_exact(
    m, exponent, k, width, f, rounding, overflow
):
    """Catches a step of a float64 layer that is left in float32."""
    shift = -f - exponent
    assume(-20 <= shift <= 40)
    m = [n >> max(-shift, 0) for n in m]  # the scaled number within 53 bits
    x = np.ldexp(np.array(m, np.float64), exponent)
    got = quantize_float(x, *bits(k, width - f, f), rounding, overflow, "float64")
    want = [quantize(n, shift, k, width, rounding, overflow) for n in m]
    assert got.tolist() == want


def test_sixty_bits_stay_exact_in_float64():
    """Catches a constant of 60 bits cut to float32 or to 53 bits: 2**59 + 2**7 needs 53."""
    m = [2**59 + 2**7, -(2**59) + 2**8, 2**58 - 2**6]
    x = np.array([n / 2**40 for n in m])
    for overflow in ("SAT", "WRAP", "NONE"):
        got = quantize_float(x, *bits(1, 20, 40), "RND_CONV", overflow, "float64")
        assert got.tolist() == m, overflow


@SEEDED
@given(
    x=lists(integers(-(2**70), 2**70), min_size=1, max_size=4),
    k=integers(0, 1),
    i=integers(30, 64),
    f=integers(23, 64),
    rounding=sampled_from(ROUNDINGS),
    overflow=sampled_from(OVERFLOWS),
)
def test_formats_that_float64_does_not_hold_are_exact(x, k, i, f, rounding, overflow):
    """Catches low bits of wide constants and inputs that float64 steps lose."""
    floats = np.array([n / 2**30 for n in x])
    for numbers, exponent in ((np.array(x, object), 0), (floats, None)):
        got = quantize_float(numbers, *bits(k, i, f), rounding, overflow, "float64")
        shift = -f if exponent == 0 else 1074 - f  # in units of the least float64
        units = x if exponent == 0 else [int(Fraction(n) * 2**1074) for n in floats]
        assert got.tolist() == [quantize(n, shift, k, i + f, rounding, overflow) for n in units]


def test_narrow_and_wide_formats_side_by_side():
    """Catches elements that take each other's way; infinity saturates on both."""
    x, f = np.array([2.0**40 + 2.0**-12, 1e9, np.inf, -np.inf]), np.array([20, 0, 20, 0])
    got = quantize_float(x, np.array(1), np.array([41, 5, 41, 5]), f, "RND", "SAT", "float64")
    assert got.tolist() == [2**60 + 2**8, 31, 2**61 - 1, -32]


def test_mantissas_beyond_int64_are_python_ints():
    """Catches integers that wrap at 64 bits."""
    x = np.array([2.0**100, 0.5, -(2.0**63)])
    got = quantize_float(x, *bits(1, 110, 2), "RND", "SAT", "float64")
    assert got.tolist() == [2**102, 2, -(2**65)]
    assert got.dtype == object
    fits = quantize_float(x[2:], *bits(1, 63, 0), "RND", "SAT", "float64")
    assert fits.tolist() == [-(2**63)]


def test_float64_rounds_beyond_53_bits_as_the_framework_does():
    """Catches an exact computation, or one in float32, where Keras rounds at 53 bits."""
    just_below = 0.5 - 2.0**-54  # with 0.5 added float64 makes it 1
    assert quantize_float(np.array([just_below]), *bits(1, 4, 0), "RND", "SAT", "float64") == [1]
    # WRAP adds 2**20, where float64 holds multiples of 2 only, and takes it off again.
    far = np.array([2.0**53 - 1])
    assert quantize_float(far, *bits(1, 20, 0), "TRN", "WRAP", "float64") == [0]


def test_formats_may_differ_by_element():
    """Catches one element's format taken for all."""
    k, i, f = np.array([[0, 1]]), np.array([[2, 1], [0, 3]]), np.array([[1, 0]])
    x = np.array([3.3, -1.5], np.float32)
    got = quantize_float(x, k, i, f, "RND", "SAT")
    assert got.tolist() == [[7, -1], [1, -1]]


@pytest.mark.parametrize("overflow", OVERFLOWS)
def test_no_bit_gives_zero_even_for_what_is_no_number(overflow):
    """The zero-bit rule: catches a pruned input that still refuses or passes data."""
    x = np.array([3.0, -2.5, np.nan, np.inf], np.float32)
    for kif in [(0, 0, 0), (1, -1, 0), (0, 2, -2), (1, -4, 3)]:
        assert quantize_float(x, *bits(*kif), "RND", overflow).tolist() == [0] * 4, kif


def test_no_overflow_rule_only_rounds():
    """``NONE``: catches a weight that is wrapped or pruned by widths that play no part."""
    x = np.array([100.3, -7.6, 0.5])
    for kif in [(0, 0, 1), (1, -9, 1), (0, 3, 1)]:
        got = quantize_float(x, *bits(*kif), "RND", "NONE")
        assert got.tolist() == [201, -15, 1], kif


def test_inputs_become_float32_first():
    """Keras does so: catches a float64 that rounds differently."""
    x = np.array([0.5 - 2.0**-40])  # float32 makes it 0.5
    assert quantize_float(x, *bits(0, 4, 0), "RND", "WRAP").tolist() == [1]


def test_float32_rounds_beyond_24_bits_as_the_framework_does():
    """The point of the border: catches an exact computation that Keras does not do."""
    x = np.array([2.0**23 + 1])  # with 0.5 added float32 makes it even: 2**23 + 2
    assert quantize_float(x, *bits(1, 25, 0), "RND", "SAT").tolist() == [2**23 + 2]
    # WRAP adds 2**25, where float32 holds multiples of 4 only, and takes it off again.
    assert quantize_float(x, *bits(1, 25, 0), "RND", "WRAP").tolist() == [2**23]


@pytest.mark.parametrize(
    ("x", "kif", "overflow", "float_type"),
    [
        (np.nan, (1, 3, 2), "WRAP", "float32"),
        (np.nan, (1, 3, 2), "SAT", "float64"),
        (np.inf, (1, 3, 2), "WRAP", "float64"),
        (-np.inf, (0, 3, 2), "WRAP_SM", "float32"),
        (1e39, (1, 3, 2), "WRAP", "float32"),  # infinite in float32
        (1.0, (1, 3, 200), "WRAP", "float32"),  # scaled out of float32
        (1e300, (1, 3, 40), "WRAP", "float64"),  # scaled out of float64
        (np.nan, (1, 3, 80), "SAT", "float64"),
        (np.inf, (1, 3, 80), "WRAP", "float64"),
    ],
)
def test_what_the_float_type_does_not_hold_is_refused(x, kif, overflow, float_type):
    """Catches garbage integers from NaN, infinity or an overflow."""
    with pytest.raises(NotExact) as error:
        quantize_float(np.array([0.0, x]), *bits(*kif), "RND", overflow, float_type)
    assert str(error.value) == NO_RESULT.format(float_type)


def test_what_only_float64_holds_has_a_result_there():
    """Catches a float64 layer whose steps overflow as in float32."""
    x = np.array([1e39])
    got = quantize_float(x, *bits(1, 130, 0), "RND", "SAT", "float64")
    assert got.tolist() == [int(1e39)]


def test_infinity_saturates():
    """``SAT`` has a result for it, as in Keras: catches a refusal of sound numbers."""
    x = np.array([np.inf, -np.inf, 1e39])
    assert quantize_float(x, *bits(1, 3, 2), "RND", "SAT").tolist() == [31, -32, 31]
    assert quantize_float(x, *bits(1, 3, 2), "RND", "SAT_SYM").tolist() == [31, -31, 31]


def test_unknown_rounding_is_refused():
    """Catches a misspelt mode that is taken for another one."""
    with pytest.raises(ValueError, match="unknown rounding 'UP'"):
        quantize_float(np.zeros(1), *bits(1, 3, 2), "UP", "WRAP")


@pytest.mark.parametrize("overflow", ["WRAP", "SAT", "SAT_SYM"])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_the_framework_gives_the_same_in_float64(rounding, overflow):
    """In range, far outside, on ties and next to them, by the framework's NumPy functions."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    quantizers = pytest.importorskip("quantizers")
    x = np.random.default_rng(0).normal(size=300)
    ties = np.round(x * 2**10) / 2**10
    near = [np.nextafter(ties, np.inf), np.nextafter(ties, -np.inf)]
    x = np.concatenate([x, x * 1e4, x * 1e9, x * 1e13, x * 1e17, ties, *near])
    reference = quantizers.get_fixed_quantizer_np(rounding, overflow)
    for k, i, f in [(1, 2, 9), (0, 3, 9), (1, 20, 20), (1, 5, -2), (0, -3, 11)]:
        wanted = reference(x, *(np.float64(n) for n in (k, i, f)))
        got = quantize_float(x, *bits(k, i, f), rounding, overflow, "float64")
        assert np.array_equal(np.ldexp(got.astype(np.float64), -f), wanted), (k, i, f)
