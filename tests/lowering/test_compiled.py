"""Float arithmetic of compiled code: bit by bit, or rounded once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from hgq2rtl.lowering.compiled import multiply_add, reciprocal_root, tanh

DICE = np.random.default_rng(3)

OF_XLA = {
    0.0003: 0x399D4952,
    0.0005: 0x3A03126D,
    0.01: 0x3C23D5A3,
    0.3: 0x3E9526ED,
    -0.7: 0xBF1AB7D9,
    1.0: 0x3F42F7D6,
    -1.7: 0xBF6F76F8,
    2.5: 0x3F7C92C2,
    4.0: 0x3F7FD40A,
    -7.9: 0xBF7FFFFC,
    8.5: 0x3F800000,
    100.0: 0x3F800000,
}
"""jax.numpy.tanh of JAX 0.10 on a CPU, as bits; seven of them are not the nearest float32."""


def test_tanh_is_that_of_compiled_code():
    """Catches a coefficient, a step or a bound that is another."""
    x = np.array(list(OF_XLA), np.float32)
    assert tanh(x).view(np.uint32).tolist() == list(OF_XLA.values())


def test_tanh_is_odd_and_near_the_truth():
    x = DICE.normal(0, 3, 20_000).astype(np.float32)
    made, true = tanh(x), np.tanh(x.astype(np.float64))
    assert np.array_equal(tanh(-x), -made)
    assert np.all(np.abs(made - true) <= 5 * np.spacing(np.abs(true).astype(np.float32)))


def test_tanh_in_float64_is_numpys():
    x = DICE.normal(0, 3, 100)
    assert np.array_equal(tanh(x), np.tanh(x))


def rounded(value: Fraction) -> np.float32:
    """The nearest float32 of a fraction whose neighbours float64 tells apart."""
    near = np.float32(float(value))
    candidates = [near, np.nextafter(near, np.float32(-9e9)), np.nextafter(near, np.float32(9e9))]
    return min(candidates, key=lambda c: abs(Fraction(float(c)) - value))


def test_a_product_and_a_sum_are_rounded_once():
    """Catches a product that is rounded before the sum."""
    a, b, c = (DICE.normal(0, 1, 500).astype(np.float32) for _ in range(3))
    made = multiply_add(a, b, c)
    assert made.dtype == np.float32
    wanted = [
        rounded(Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z)))
        for x, y, z in zip(a, b, c, strict=True)
    ]
    assert made.tolist() == wanted
    assert not np.array_equal(made, a * b + c)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_the_reciprocal_root_is_rounded_once(kind):
    x = DICE.uniform(1e-3, 50, 500).astype(kind)
    made = reciprocal_root(x)
    assert made.dtype == kind
    assert np.array_equal(made, (1 / np.sqrt(x.astype(np.float64))).astype(kind))
