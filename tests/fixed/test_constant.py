"""Exact constants: every finite float is an integer times a power of two."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis.strategies import floats, integers

from hgq2rtl.errors import NotExact
from hgq2rtl.fixed import ExactArray, exact

SEEDED = settings(derandomize=True, deadline=None, max_examples=200)


def fraction(constant: ExactArray) -> list[Fraction]:
    pairs = zip(constant.mantissa.flat, constant.exponent.flat, strict=True)
    return [Fraction(int(m)) * Fraction(2) ** int(e) for m, e in pairs]


@SEEDED
@given(x=floats(allow_nan=False, allow_infinity=False))
def test_every_finite_float64_equals_its_fraction(x):
    """Catches a bit lost on the way, denormals and the last binades included."""
    assert fraction(exact(x)) == [Fraction(x)]


@SEEDED
@given(x=floats(width=32, allow_nan=False, allow_infinity=False))
def test_every_finite_float32_equals_its_fraction(x):
    """Weights are stored so: catches a detour that flushes float32 denormals."""
    assert fraction(exact(np.array([x], np.float32))) == [Fraction(x)]


@pytest.mark.parametrize(
    "x",
    [5e-324, -5e-324, 2.0**-1022, 1.7976931348623157e308, 2.0**-149, 1e-45, -0.0, 0.0, 2.0**1023],
)
def test_floats_at_the_ends_of_their_format(x):
    """Random floats hardly ever are denormal or extreme."""
    assert fraction(exact(x)) == [Fraction(x)]


def test_all_float16_at_once():
    """The whole of a small format: catches what random numbers miss."""
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    assert fraction(exact(finite)) == [Fraction(float(x)) for x in finite]


@SEEDED
@given(x=floats(allow_nan=False, allow_infinity=False))
def test_mantissas_are_odd_or_zero(x):
    """Catches trailing zeros: a solver would see bits that a shift gives for nothing."""
    constant = exact(x)
    m, e = int(constant.mantissa), int(constant.exponent)
    assert m % 2 == 1 or (m, e) == (0, 0)


@SEEDED
@given(n=integers(-(2**100), 2**100))
@example(n=2**53 + 1)
@example(n=2**64 - 1)
def test_integers_stay_exact(n):
    """Catches an integer constant rounded to 53 bits on its way through a float."""
    kinds = [object, np.int64] if -(2**63) <= n < 2**63 else [object]
    for kind in kinds:
        constant = exact(np.array([n, 3], kind))
        assert fraction(constant) == [Fraction(n), 3]
        assert constant.mantissa[0] % 2 == 1 or n == 0


@pytest.mark.parametrize("x", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused(x):
    """Catches a NaN in a weight file that becomes some integer."""
    with pytest.raises(NotExact) as error:
        exact(np.array([1.0, x]))
    assert str(error.value) == "a constant is NaN or infinite: it has no exact form"


def test_wide_floats_and_mixed_numbers_are_not_rounded():
    """Catches numbers of more than 53 bits that pass through a float64."""
    wide = np.longdouble(2) ** 62 + 1  # exact only where longdouble has 64 bits
    mixed = [2**70 + 1, 0.75, Fraction(-3, 8), np.int64(4), True, 0]
    assert fraction(exact(wide)) == [Fraction(*wide.as_integer_ratio())]
    constant = exact(np.array(mixed, object))
    assert fraction(constant) == [2**70 + 1, Fraction(3, 4), Fraction(-3, 8), 4, 1, 0]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (Fraction(1, 3), "a constant is 1/3, which is no binary fraction: it has no exact form"),
        ("a", "a constant is 'a', which is no real number"),
        (1j, "a constant is 1j, which is no real number"),
        (float("nan"), "a constant is NaN or infinite: it has no exact form"),
    ],
)
def test_objects_without_an_exact_form_are_refused(given, told):
    with pytest.raises(NotExact) as error:
        exact(np.array([1, given], object))
    assert str(error.value) == told


def test_index_maps_move_both_parts_alike():
    """Catches mantissas and exponents that part ways."""
    values = np.array([[0.5, 3.0, -0.125], [8.0, 0.0, -7.0]])
    constant = exact(values)
    assert constant.shape == (2, 3)
    for made, wanted in [
        (constant[:, 1:], values[:, 1:]),
        (constant.reshape(3, 2), values.reshape(3, 2)),
        (constant.transpose((1, 0)), values.T),
        (constant[0].broadcast_to((4, 3)), np.broadcast_to(values[0], (4, 3))),
    ]:
        assert made.shape == made.exponent.shape == wanted.shape
        assert made.to_float().tolist() == wanted.tolist()


@SEEDED
@given(x=floats(allow_nan=False, allow_infinity=False))
def test_floats_come_back(x):
    """Catches a float that the way through integers changes."""
    assert float(exact(x).to_float()) == x
