"""The border: the framework's float32 steps, and where they equal exact integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis.strategies import integers, lists, sampled_from

from hgq2rtl.errors import NotExact
from hgq2rtl.fixed import OVERFLOWS, ROUNDINGS, quantize, quantize_float32

SEEDED = settings(derandomize=True, deadline=None, max_examples=300)
NO_RESULT = (
    "a value is NaN, infinite or too large for its quantizer: float32 holds no result. "
    "Give finite numbers."
)


def bits(*numbers):
    return tuple(np.array(n) for n in numbers)


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_equals_the_integer_quantizer_on_a_whole_small_domain(rounding, overflow):
    """Catches float steps in another order or at another scale than the integers'."""
    m = np.arange(-150, 151)
    x = np.ldexp(m.astype(np.float32), -4)
    for k in (0, 1):
        for i in range(-3, 4):
            for f in range(-2, 5):
                got = quantize_float32(x, *bits(k, i, f), rounding, overflow)
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
    got = quantize_float32(x, *bits(k, width - f, f), rounding, overflow)
    want = [quantize(n, shift, k, width, rounding, overflow) for n in m]
    assert got.tolist() == want


def test_formats_may_differ_by_element():
    """Catches one element's format taken for all."""
    k, i, f = np.array([[0, 1]]), np.array([[2, 1], [0, 3]]), np.array([[1, 0]])
    x = np.array([3.3, -1.5], np.float32)
    got = quantize_float32(x, k, i, f, "RND", "SAT")
    assert got.tolist() == [[7, -1], [1, -1]]


@pytest.mark.parametrize("overflow", OVERFLOWS)
def test_no_bit_gives_zero_even_for_what_is_no_number(overflow):
    """The zero-bit rule: catches a pruned input that still refuses or passes data."""
    x = np.array([3.0, -2.5, np.nan, np.inf], np.float32)
    for kif in [(0, 0, 0), (1, -1, 0), (0, 2, -2), (1, -4, 3)]:
        assert quantize_float32(x, *bits(*kif), "RND", overflow).tolist() == [0] * 4, kif


def test_no_overflow_rule_only_rounds():
    """``NONE``: catches a weight that is wrapped or pruned by widths that play no part."""
    x = np.array([100.3, -7.6, 0.5])
    for kif in [(0, 0, 1), (1, -9, 1), (0, 3, 1)]:
        got = quantize_float32(x, *bits(*kif), "RND", "NONE")
        assert got.tolist() == [201, -15, 1], kif


def test_inputs_become_float32_first():
    """Keras does so: catches a float64 that rounds differently."""
    x = np.array([0.5 - 2.0**-40])  # float32 makes it 0.5
    assert quantize_float32(x, *bits(0, 4, 0), "RND", "WRAP").tolist() == [1]


def test_float32_rounds_beyond_24_bits_as_the_framework_does():
    """The point of the border: catches an exact computation that Keras does not do."""
    x = np.array([2.0**23 + 1])  # with 0.5 added float32 makes it even: 2**23 + 2
    assert quantize_float32(x, *bits(1, 25, 0), "RND", "SAT").tolist() == [2**23 + 2]
    # WRAP adds 2**25, where float32 holds multiples of 4 only, and takes it off again.
    assert quantize_float32(x, *bits(1, 25, 0), "RND", "WRAP").tolist() == [2**23]


@pytest.mark.parametrize(
    ("x", "kif", "overflow"),
    [
        (np.nan, (1, 3, 2), "WRAP"),
        (np.nan, (1, 3, 2), "SAT"),
        (np.inf, (1, 3, 2), "WRAP"),
        (-np.inf, (0, 3, 2), "WRAP_SM"),
        (1e39, (1, 3, 2), "WRAP"),  # infinite in float32
        (1.0, (1, 3, 200), "WRAP"),  # scaled out of float32
        (2.0**100, (1, 3, 0), "NONE"),  # beyond int64
    ],
)
def test_what_float32_does_not_hold_is_refused(x, kif, overflow):
    """Catches garbage integers from NaN, infinity or an overflow."""
    with pytest.raises(NotExact) as error:
        quantize_float32(np.array([0.0, x]), *bits(*kif), "RND", overflow)
    assert str(error.value) == NO_RESULT


def test_infinity_saturates():
    """``SAT`` has a result for it, as in Keras: catches a refusal of sound numbers."""
    x = np.array([np.inf, -np.inf, 1e39])
    assert quantize_float32(x, *bits(1, 3, 2), "RND", "SAT").tolist() == [31, -32, 31]
    assert quantize_float32(x, *bits(1, 3, 2), "RND", "SAT_SYM").tolist() == [31, -31, 31]


def test_unknown_rounding_is_refused():
    """Catches a misspelt mode that is taken for another one."""
    with pytest.raises(ValueError, match="unknown rounding 'UP'"):
        quantize_float32(np.zeros(1), *bits(1, 3, 2), "UP", "WRAP")
