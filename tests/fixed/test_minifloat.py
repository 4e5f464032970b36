"""Minifloats: the integers against the definition, and against the framework's own function."""

from __future__ import annotations

import os
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers

from hgq2rtl.fixed import ExactArray, Minifloat, exact, minifloats

from .definitions import minifloat

SEEDED = settings(derandomize=True, deadline=None, max_examples=300)


def value(number: Minifloat, mantissa: int) -> Fraction:
    return mantissa * Fraction(2) ** number.exponent


@SEEDED
@given(
    mantissa=integers(-(2**70), 2**70),
    exponent=integers(-90, 20),
    m=integers(-1, 20),
    e=integers(-3, 6),
    e0=integers(-20, 20),
)
def test_numbers_without_limit_are_those_of_the_definition(mantissa, exponent, m, e, e0):
    number = Minifloat(m, e, e0)
    got = number.quantize(mantissa, exponent)
    x = mantissa * Fraction(2) ** exponent
    assert value(number, got) == minifloat(x, m, e, e0)
    assert got in number.format


@pytest.mark.parametrize("e", range(5))
@pytest.mark.parametrize("m", range(-1, 4))
def test_a_whole_small_domain(m, e):
    """Every tie, every end of a binade: catches what random numbers miss."""
    number = Minifloat(m, e, 1)
    reached = set()
    for n in range(-(2**10), 2**10):
        got = number.quantize(n, -4)
        assert value(number, got) == minifloat(Fraction(n, 2**4), m, e, 1), n
        reached.add(got)
    if number.format.exponent >= -4 and number.greatest < 6:
        assert (min(reached), max(reached)) == (number.format.lo, number.format.hi)


def test_what_a_format_holds():
    """Measured on the framework: 32 numbers from 0 to 14, the step of the least 1/32."""
    number = Minifloat(m=2, e=3, e0=0)
    held = {number.quantize(n, -10) for n in range(2**14 + 2**13)}
    assert len(held) == 32
    assert str(number.format) == "s10e-5[-448,448]"
    assert sorted(float(value(number, n)) for n in held)[-3:] == [10.0, 12.0, 14.0]


def test_without_mantissa_bits_only_powers_of_two_are_left():
    number = Minifloat(m=-1, e=3, e0=0)
    held = {float(value(number, number.quantize(n, -9))) for n in range(2**14)}
    assert held == {0, 0.25, 0.5, 1, 2, 4, 8}


def test_fewer_mantissa_bits_are_refused():
    with pytest.raises(ValueError, match="a minifloat of -2 mantissa bits: there are at least -1"):
        Minifloat(-2, 3, 0)


@pytest.mark.parametrize("e", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("m", [-1, 0, 1, 2, 5])
def test_the_framework_gives_the_same(m, e):
    """Where its 1e-7 inside the logarithm moves no number into the next binade."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    quantizers = pytest.importorskip("quantizers")
    x = np.arange(-(2**14), 2**14).astype(np.float32) / 2**9
    for e0 in (-1, 0, 2):
        number = Minifloat(m, e, e0)
        wanted = quantizers.float_quantize_np(x, np.float32(m), np.float32(e), np.float32(e0))
        made = minifloats(exact(x), np.array(m), np.array(e), np.array(e0))
        assert made.to_float().tolist() == np.asarray(wanted, np.float64).tolist()
        assert set(made.exponent.tolist()) == {number.exponent}


def test_formats_may_differ_by_element():
    """Catches one element's format taken for all, and integers beyond int64."""
    values = exact(np.array([[0.3, 100.0], [-(2.0**90), 0.0]]))
    m, e, e0 = np.array([[2], [60]]), np.array([3, 8]), np.array(0)
    made = minifloats(values, m, e, e0)
    assert made.shape == (2, 2)
    for at in np.ndindex(2, 2):
        number = Minifloat(int(m[at[0], 0]), int(e[at[1]]), 0)
        x = int(values.mantissa[at]) * Fraction(2) ** int(values.exponent[at])
        got = int(made.mantissa[at]) * Fraction(2) ** int(made.exponent[at])
        assert got == minifloat(x, number.m, number.e, 0)
        assert int(made.exponent[at]) == number.exponent


def test_no_constants_at_all():
    none = ExactArray(np.zeros((0, 3), np.int64), np.zeros((0, 3), np.int64))
    assert minifloats(none, np.array(2), np.array(3), np.array(0)).shape == (0, 3)
