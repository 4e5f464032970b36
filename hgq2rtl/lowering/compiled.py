"""Float arithmetic as the compiled code of a framework carries it out, bit by bit.

Keras on JAX is what a model's numbers are compared with. XLA fuses products into sums and
computes tanh by a rational function, as Eigen (and so TensorFlow) does; a table entry near a
rounding tie depends on it. In float64 there is nothing to repeat.
"""

from __future__ import annotations

import numpy as np

_LARGEST = 7.99881172180175781
"""Beyond it tanh is 1 in float32."""

_LINEAR = 0.0004
"""Below it tanh is its argument in float32."""

_NUMERATOR = (
    -2.76076847742355e-16,
    2.00018790482477e-13,
    -8.60467152213735e-11,
    5.12229709037114e-08,
    1.48572235717979e-05,
    6.37261928875436e-04,
    4.89352455891786e-03,
)
_DENOMINATOR = (
    1.19825839466702e-06,
    1.18534705686654e-04,
    2.26843463243900e-03,
    4.89352518554385e-03,
)
"""Of tanh(x) = x * numerator(x**2) / denominator(x**2), highest power first: XLA,
xla/service/llvm_ir/math_ops.cc, EmitFastTanh; Eigen, MathFunctionsImpl.h, ptanh_float."""


def multiply_add(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """``a * b + c`` in the type of `a`, rounded once: a fused operation."""
    return (np.multiply(a, b, dtype=np.float64) + c).astype(a.dtype)


def tanh(x: np.ndarray) -> np.ndarray:
    """The hyperbolic tangent; in float32 up to 4 units in the last place off, as XLA's is."""
    if x.dtype != np.float32:
        return np.tanh(x)
    clipped = np.clip(x, np.float32(-_LARGEST), np.float32(_LARGEST))
    square = clipped * clipped
    ratio = clipped * _polynomial(_NUMERATOR, square) / _polynomial(_DENOMINATOR, square)
    return np.where(np.abs(x) < np.float32(_LINEAR), x, ratio)


def reciprocal_root(x: np.ndarray) -> np.ndarray:
    """``1 / sqrt(x)``, rounded once."""
    return (1 / np.sqrt(x.astype(np.float64))).astype(x.dtype)


def _polynomial(coefficients: tuple[float, ...], x: np.ndarray) -> np.ndarray:
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = multiply_add(x, value, np.full_like(x, coefficient))
    return value
